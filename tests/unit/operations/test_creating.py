"""A new instance: what its blocks ask for, and where it holds something else afterwards."""

from __future__ import annotations

from typing import Any

from ryze_tui.api.wire import WIRES
from ryze_tui.operations.configuring import Held
from ryze_tui.operations.creating import audited, differences, flat, fresh, problems
from ryze_tui.operations.outcome import Outcome


class Reader:
    """What a server says of each block that is read."""

    def __init__(self, **answers: dict[str, Any] | str) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def read(self, kind: str, name: str) -> Held | Outcome:
        self.asked.append(kind)
        answer = self.answers[kind]
        return Outcome(False, answer, 500, name) if isinstance(answer, str) else Held(answer, {})


async def test_only_what_is_on_is_compared_and_what_cannot_be_read_is_said() -> None:
    edits = fresh()
    edits["proxy"].set("enabled", True)
    edits["proxy"].set("host", "proxy.example")
    reader = Reader(websocket={"enabled": True, "events": []}, proxy="disk full")
    found, unread = await differences(reader, "shop", edits)  # type: ignore[arg-type]
    assert reader.asked == ["proxy", "websocket"] or set(reader.asked) == {"proxy", "websocket"}
    assert [change.field.name for change in found] == ["events"]
    assert unread == ["proxy: disk full"]


def test_secrets_are_in_the_body_and_not_in_the_audit_log() -> None:
    edits = fresh()
    for name, value in {"enabled": True, "url": "https://a.example/wa", "authorization": "Bearer canary-123"}.items():
        edits["webhook"].set(name, value)
    body = flat(edits)
    assert "Bearer canary-123" in body.values() and body["websocketEnabled"] is True
    assert not [key for key in body if key.startswith("proxy")]
    assert "canary" not in str(audited(body)) and "webhook.authorization" in audited(body)
    edits["webhook"].set("url", "nonsense")
    assert [(kind, field) for kind, field, _words in problems(edits)] == [("webhook", "url")]
    assert set(edits) == set(WIRES)
