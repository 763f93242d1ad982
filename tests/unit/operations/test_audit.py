"""The audit log: who and what, before and after, never a secret; rotated, written by many at once, read over the seams."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest
from ryze_tui.api.wire import WIRES
from ryze_tui.operations import audit
from ryze_tui.operations.audit import Auditor, audit_path, changes_of, older
from ryze_tui.operations.auditreading import Reader, Wanted, moment
from ryze_tui.operations.creating import audited
from ryze_tui.operations.editing import Edit
from ryze_tui.operations.outcome import Outcome


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def put(name: str, *, at: float = 0.0, action: str = "reconnect", ok: bool = True, **more: object) -> None:
    Auditor("acme", "command").put(at, action, name, Outcome(ok, "done", 200, name), **more)  # type: ignore[arg-type]


def read(wanted: Wanted = Wanted()) -> list[str]:  # noqa: B008
    reader = Reader()
    try:
        return [line["instance"] for line in reader.lines() if wanted(line)]
    finally:
        reader.close()


def test_a_line_says_who_from_where_and_with_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 50022 192.0.2.1 22")
    put("a", at=1.5, request="req-1")
    monkeypatch.setenv("SSH_CONNECTION", "")
    put("b")
    first, second = (json.loads(line) for line in audit_path().read_text().splitlines())
    assert (first["when"], first["profile"], first["program"]) == ("1970-01-01T00:00:01.500Z", "acme", "command")
    assert (first["uid"], first["from"], first["request"]) == (os.getuid(), "192.0.2.7", "req-1")
    assert first["user"]
    assert (second["from"], second["request"], second["changes"]) == (None, None, {})


def test_blocks_before_and_after_without_secrets() -> None:
    held = {"enabled": True, "host": "h", "port": "1", "protocol": "http", "username": "u"}
    edit = Edit(WIRES["proxy"], held, keeps_secrets=True)
    edit.set("port", "2")
    edit.set("password", "hidden-one")
    assert changes_of(edit.sent(held, edit.body(held))) == {
        "port": {"before": "1", "after": "2"}, "password": {"before": "set", "after": "changed"},
    }  # fmt: skip
    off = Edit(WIRES["proxy"], held)
    off.set("enabled", False)
    told = changes_of(off.sent(held, off.body(held)))
    assert told["host"] == {"before": "h", "after": ""} and told["password"] == {"before": "set", "after": ""}
    hook = Edit(WIRES["webhook"], None)
    hook.set("url", "https://user:hidden-two@a.example/x")
    hook.set("authorization", "Bearer hidden-three")
    hook.set("enabled", True)
    text = json.dumps(changes_of(hook.sent(None, hook.body(None))))
    assert "hidden" not in text and "a.example/x" in text
    made = audited({"name": "a", "webhookEnabled": True, "webhookAuthorization": "hidden-four"})
    assert made["webhook.authorization"] == {"before": "", "after": "set"} and "hidden" not in json.dumps(made)


def test_full_files_are_kept_as_they_are_and_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "BYTES_MOST", 1500)
    for number in range(60):
        put(f"n{number}")
    files = sorted(path.name for path in audit_path().parent.glob("audit.log*"))
    assert files == ["audit.log", *(f"audit.log.{number}" for number in range(1, audit.OLDER + 1))]
    stats = [path.stat() for path in audit_path().parent.glob("audit*")]
    assert all(one.st_size <= 1500 and one.st_mode & 0o777 == 0o600 for one in stats)
    names = read()
    assert names == [f"n{number}" for number in range(60 - len(names), 60)] and 10 < len(names) < 60


def _write(who: int, count: int, most: int) -> None:
    audit.BYTES_MOST, audit.OLDER = most, 1000  # type: ignore[misc]
    for number in range(count):
        put(f"{who}-{number}", request="x" * 90)


def test_many_writers_at_once_lose_and_mix_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "OLDER", 1000)
    monkeypatch.setattr("ryze_tui.operations.auditreading.OLDER", 1000)
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(who, 60, 4000)) for who in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    names = read()
    assert len(names) == 240
    for who in range(4):  # each one's lines in its own order
        assert [name for name in names if name.startswith(f"{who}-")] == [f"{who}-{number}" for number in range(60)]
    assert older(audit_path(), 2).exists()


def test_a_torn_line_costs_itself_only() -> None:
    put("a")
    with audit_path().open("ab") as file:
        file.write(b'{"when": "2026-01-01T00:00:00.000Z", "act')
    put("b")
    with audit_path().open("ab") as file:
        file.write(b"[]\n\xff\xfe\n{}\n")
    put("c")
    assert read() == ["a", "b", "c"]


def test_lines_of_the_first_version_are_read() -> None:
    audit_path().parent.mkdir(parents=True)
    audit_path().write_text(
        '{"when":"2026-01-01T00:00:00.000Z","action":"delete","profile":"","instance":"a","result":"ok","status":200,"message":""}\n'
    )
    reader = Reader()
    [line] = reader.lines()
    reader.close()
    assert (line["program"], line["uid"], line["changes"]) == (None, None, {})


def test_which_lines() -> None:
    put("a", at=1_000_000.0, action="configure webhook default: url")
    put("b", at=1_000_100.0, action="delete", ok=False)
    put("a", at=1_000_200.0, action="delete")
    assert read(Wanted(instances=frozenset({"a"}))) == ["a", "a"]
    put("c", at=1.0, action="configure apply proxy: port")
    assert read(Wanted(action="configure proxy")) == read(Wanted(action="configure apply")) == ["c"]
    assert read(Wanted(action="configure webhook")) == ["a"] and read(Wanted(action="conf")) == []
    assert read(Wanted(failed=True)) == ["b"]
    assert read(Wanted(since=moment("150s", 1_000_250.0))) == ["b", "a"]


@pytest.mark.parametrize(("text", "expected"), [
    ("2h", "1970-01-11T22:00:00.000Z"), ("1970-01-02T00:00:00Z", "1970-01-02T00:00:00.000Z"), ("1w", "1970-01-05T00:00:00.000Z"),
])  # fmt: skip
def test_since(text: str, expected: str) -> None:
    assert moment(text, 11 * 86400.0) == expected


@pytest.mark.parametrize("text", ["", "soon", "2 h", "-1h", "99y", "9999-99-99"])
def test_since_that_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        moment(text, 0.0)


def test_what_is_written_from_now_on_is_followed_over_a_rotation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "BYTES_MOST", 900)
    reader = Reader()
    assert list(reader.lines()) == []
    seen = []
    for number in range(20):
        put(f"n{number}")
        seen += [line["instance"] for line in reader.lines()]
    reader.close()
    assert seen == [f"n{number}" for number in range(20)]
