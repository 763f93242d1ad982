"""A person at the edit screen of a real server: one field of each block changed by keyboard, everything else as it was."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from ..terminal.server import Server
from .driver import Console

IN_FIELD: Final = re.compile(r"\(esc\s+leaves")
pytestmark = [pytest.mark.e2e, pytest.mark.long]

WEBHOOK: Final = {
    "label": "default", "enabled": True, "url": "https://hooks.acme.com/wa", "authorization": "Bearer abc123", "byEvents": True,
    "events": ["message.exchange", "instance.state"], "mediaBase64": True,
}
PROXY: Final = {"enabled": True, "host": "proxy.acme.com", "port": "1080", "protocol": "socks5", "username": "ana"}
S3: Final = {
    "enabled": True, "region": "us-east-1", "bucket": "media", "accessKey": "AKIA", "endpoint": "https://s3.acme.com",
    "pathPrefix": "wa",
}
STREAM: Final = {"enabled": True, "events": ["instance.state"], "mediaBase64": False}
BLOCKS: Final[dict[str, tuple[str, str, str, dict[str, Any]]]] = {
    "proxy": ("/api/instance/proxy/", "/api/instance/getProxy/", "proxy", PROXY | {"password": "proxy-pass"}),
    "s3": ("/api/instance/s3/", "/api/instance/getS3/", "s3", S3 | {"secretKey": "s3-secret"}),
    "webhook": ("/api/events/webhook/", "/api/events/getWebhook/", "webhooks", WEBHOOK),
    "websocket": ("/api/events/websocket/", "/api/events/getWebsocket/", "websocket", STREAM),
    "settings": ("/api/instance/settings/", "/api/instance/getSettings/", "settings", {"callRejectMessage": "later"}),
}
"""Kind -> where it is written, where it is read, its key there, what it holds before."""


def held(server: Server, kind: str) -> Any:
    """What the server says of a block."""
    _write, read, key, _body = BLOCKS[kind]
    answer = server.http.get(f"{server.url}{read}forms").json()[key]
    return answer[0] if isinstance(answer, list) else answer


@pytest.mark.parametrize(
    ("kind", "tab", "downs", "typed", "field", "value"),
    [
        ("settings", "2", 3, " ", "ignoreGroupMessages", True),
        ("proxy", "3", 3, "1", "port", "10801"),
        ("s3", "3", 7, "2", "pathPrefix", "wa2"),
        ("webhook", "4", 2, "2", "url", "https://hooks.acme.com/wa2"),
        ("websocket", "5", 1, "", "mediaBase64", True),
    ],
)  # fmt: skip
def test_one_field_by_keyboard(
    shared: Server, tmp_path: Path, kind: str, tab: str, downs: int, typed: str, field: str, value: Any
) -> None:
    shared.http.post(f"{shared.url}/api/instance/new", json={"name": "forms"})
    for one, (write, _read, _key, body) in BLOCKS.items():
        answer = shared.http.post(f"{shared.url}{write}forms", json=body)
        assert answer.status_code == 200, (one, answer.text)
    before = {one: held(shared, one) for one in BLOCKS}
    with Console(shared.url, shared.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.press("/")
        console.type("forms")
        console.press("enter")
        console.wait_for(lambda _: list(console.rows()) == ["forms"], what="only that row")
        console.press(tab)
        console.wait_for("Enabled" if kind != "settings" else "Reject calls")
        if kind == "s3":
            console.press("right")
            console.wait_for("Path prefix")
        console.press("down")
        console.wait_for(IN_FIELD)
        if kind == "websocket":  # over the events to the last field
            console.press(*["down"] * 4)
            console.wait_for("Media base64: ")
            console.press("space")
        else:
            console.press(*["down"] * (downs - 1))
            console.press("end")
            console.type(typed)
        console.wait_for("* unsaved")
        console.press("esc")
        console.wait_gone(IN_FIELD)
        console.press("r")
        console.wait_for("s saves")
        console.press("s")
        console.wait_for("Saved. It acts" if kind == "proxy" else "holds what was asked")
    after = {one: held(shared, one) for one in BLOCKS}
    assert after == before | {kind: before[kind] | {field: value}}
