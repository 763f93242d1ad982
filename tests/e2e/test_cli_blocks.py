"""`ryze-tui BLOCK get|set` and `audit` on both kinds of server: only what is given changes, and what came of it is looked at."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..terminal.process import Terminal
from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .commands import COMMAND, Commands, check

pytestmark = [pytest.mark.e2e, pytest.mark.long]
_numbers = itertools.count()
PROXY = ["--proxy-host", "127.0.0.1", "--proxy-port", "9", "--proxy-protocol", "socks5", "--proxy-user-name", "u"]


@pytest.fixture
def name(both: Server) -> Iterator[str]:
    name = f"block-{next(_numbers)}"
    both.create(name)
    yield name
    both.call("DELETE", f"/api/instance/delete/{name}")


def test_settings_of_several(ryze: Commands, both: Server, name: str) -> None:
    both.call("POST", f"/api/instance/settings/{name}", json={"autoRejectCalls": True, "callRejectMessage": "busy"})
    done = ryze("settings", "set", name, "nobody-at-all", "--settings-ignore-groups", "--json")
    assert done.code == 8
    told = done.document()["results"]
    assert [(one["instance"], one["kind"]) for one in told] == [(name, None), ("nobody-at-all", "not_found")]
    assert told[0]["changes"] == [{"field": "ignoreGroupMessages", "was": False, "now": False, "yours": True, "erased": False}]
    held = both.call("GET", f"/api/instance/getSettings/{name}")["settings"]
    assert (held["autoRejectCalls"], held["callRejectMessage"], held["ignoreGroupMessages"]) == (True, "busy", True)
    again = ryze("settings", "set", name, "--settings-ignore-groups")
    assert (again.code, "held that already" in again.err) == (0, True)
    assert [line["action"] for line in ryze.audit()] == ["configure settings: ignoreGroupMessages"]


def test_a_proxy_from_files_kept_secrets_and_a_reconnect(ryze: Commands, both: Server, name: str, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("very-hidden-word\n")
    both.call("GET", f"/api/instance/connect/{name}")
    both.simulate(name, "scan")
    both.wait_state(name, "connected")
    first = ryze("proxy", "set", name, *PROXY, "--proxy-password-file", str(tmp_path / "pw"))
    assert first.code == 0 and "next reconnect" in first.err
    dry = ryze("proxy", "set", name, "--proxy-port", "10", "--dry-run", "--json", env={"RYZE_PROXY_PASSWORD": "very-hidden-word"})
    assert dry.code == 0
    change = dry.document()["results"][0]["changes"][0]
    assert (change["field"], change["now"], change["yours"]) == ("port", "9", "10")
    assert ryze("proxy", "get", name, "--json").document()["results"][0]["held"][0]["port"] == "9", "nothing was changed"
    kept = ryze("proxy", "set", name, "--proxy-port", "10")
    if both.extensions:
        assert kept.code == 0, "this server is known to keep the password"
    else:
        assert kept.code == 2 and "--proxy-password-file" in kept.err
    moved = ryze("proxy", "set", name, "--proxy-host", "127.0.0.2")
    assert moved.code == 2 and "--proxy-password-file" in moved.err
    other = {"RYZE_PROXY_PASSWORD": "other-hidden"}
    dialled = ryze("proxy", "set", name, "--proxy-port", "11", "--reconnect", "--json", env=other)
    assert dialled.code == 0
    assert [line["action"].partition(":")[0] for line in ryze.audit()][-2:] == ["configure proxy", "reconnect"]
    assert "hidden" not in json.dumps(ryze.audit()) + dialled.out + dry.out
    assert ryze.audit()[0]["changes"]["password"] == {"before": "", "after": "set"}
    assert ryze.audit()[-2]["changes"]["password"] == {"before": "set", "after": "changed"}


def test_off_asks_first_and_keeps_a_draft(ryze: Commands, both: Server, name: str) -> None:
    assert ryze("stream", "set", name, "--stream-events", "call.update").code == 0
    refused = ryze("stream", "set", name, "--off", "--json")
    assert refused.code == 2 and "--yes" in refused.error()["message"]
    with Terminal([*COMMAND, "stream", "set", name, "--off"], 80, 24, ryze.env) as term:
        term.wait_for("Type its name")
        term.send(name.encode() + b"\r")
        assert term.wait_exit() == 0
    assert both.call("GET", f"/api/events/getWebsocket/{name}")["websocket"]["enabled"] is False
    drafts = next((ryze.home / "state" / "ryze-tui" / "drafts").glob("*.json")).read_text()
    assert "call.update" in drafts
    assert ryze("stream", "set", name, "--off").code == 0, "it is off already: nothing is asked"


def test_webhooks_by_label_and_from_json(ryze: Commands, both: Server, name: str, tmp_path: Path) -> None:
    body = {"url": "http://user:pass-hidden@127.0.0.1:9/x", "authorization": "Bearer hidden", "events": ["call.update"]}
    assert ryze("webhook", "set", name, "--label", "crm", "--from-json", "-", given=json.dumps(body)).code == 0
    assert ryze("webhook", "set", name, "--webhook-url", "http://127.0.0.1:9/y").code == 0
    assert ryze("webhook", "set", name, "--label", "crm", "--webhook-by-event").code == 0
    rows = {row["label"]: row for row in both.call("GET", f"/api/events/getWebhook/{name}")["webhooks"]}
    assert rows["crm"]["authorization"] == "Bearer hidden" and rows["crm"]["byEvents"] and rows["default"]["url"].endswith("/y")
    listed = ryze("webhook", "list", name, "--json")
    assert [row["label"] for row in listed.document()["results"][0]["held"]] == ["crm", "default"]
    plain = ryze("webhook", "get", name, "--label", "crm")
    assert "hidden" not in listed.out + plain.out
    shown = ryze("webhook", "get", name, "--label", "crm", "--reveal", "--json").document()["results"][0]["held"][0]
    assert shown["authorization"] == "Bearer hidden" and "pass-hidden" in shown["url"]
    masked = listed.document()["results"][0]["held"][0]
    back = ryze("webhook", "set", name, "--label", "crm", "--from-json", "-", given=json.dumps(masked))
    assert back.code == 2 and "mask" in back.err and "hidden" not in back.err
    shown["byEvents"] = False
    assert ryze("webhook", "set", name, "--label", "crm", "--from-json", "-", given=json.dumps(shown)).code == 0


@pytest.mark.parametrize("words", [
    ["proxy", "set", "NAME"], ["proxy", "set", "NAME", "--proxy-port", "99999"], ["proxy", "get", "NAME", "--proxy-port", "1"],
    ["proxy", "set", "NAME", "--off", "--proxy-port", "1"], ["webhook", "set", "NAME", "--webhook-url", "nonsense"],
    ["settings", "set", "NAME", "--off"], ["proxy", "set", "NAME", "--proxy-password", "x"],
    ["webhook", "list", "NAME", "--label", "x"], ["chatwoot", "set", "NAME", "--chatwoot-inbox", "x"], ["proxy", "what", "NAME"],
    ["proxy", "set", "NAME", "--from-json", "/nowhere"],
], ids=" ".join)  # fmt: skip
def test_wrong_words_change_nothing(ryze: Commands, both: Server, name: str, words: list[str]) -> None:
    done = ryze(*[name if word == "NAME" else word for word in words], "--json")
    assert done.code == 2
    assert done.error()["kind"] in ("usage", "config")
    assert ryze.audit() == []


def test_what_the_server_made_of_it_is_compared(ryze: Commands, both: Server, name: str) -> None:
    """A server that takes a block and holds another one."""
    with Proxy(both.url) as proxy:
        ryze.env["RYZE_URL"] = proxy.url
        proxy.answer(f"POST /api/instance/settings/{name}", 200, '{"success": true, "message": "taken"}')
        done = ryze("settings", "set", name, "--settings-mark-as-read", "--json")
    assert done.code == 1
    [one] = done.document()["results"]
    assert (one["ok"], one["kind"]) == (False, "failed")
    assert one["differs"] == [{"field": "autoReadMessages", "asked": True, "held": False}]


def test_read_only_and_a_server_that_is_away(ryze: Commands, name: str) -> None:
    assert ryze("settings", "set", name, "--settings-ignore-groups", "--read-only").code == 4
    assert ryze("settings", "get", name, env={"RYZE_URL": "http://127.0.0.1:9"}).code == 5
    assert ryze("settings", "get", name, env={"RYZE_TOKEN": "a-wrong-token-0123456789"}).code == 4
    assert ryze("settings", "get", "nobody-at-all").code == 3


def test_the_audit_log(ryze: Commands, both: Server, name: str) -> None:
    ryze.env["SSH_CONNECTION"] = "192.0.2.7 50022 192.0.2.1 22"
    assert ryze("settings", "set", name, "--settings-ignore-groups").code == 0
    assert ryze("delete", "nobody-at-all", "--yes").code == 3
    lines = [check("audit", json.loads(line)) for line in ryze("audit", "--json", "--since", "1h").out.splitlines()]
    assert [(line["action"], line["result"], line["from"], line["program"]) for line in lines] == [
        ("configure settings: ignoreGroupMessages", "ok", "192.0.2.7", "command"), ("delete", "failed", "192.0.2.7", "command"),
    ]  # fmt: skip
    assert lines[0]["changes"] == {"ignoreGroupMessages": {"before": False, "after": True}}
    assert lines[0]["request"], "both modes name their requests"
    assert len(ryze("audit", "--json", "--failed").lines()) == 1
    assert len(ryze("audit", "--json", "--instance", "nobody-at-all").lines()) == 1
    said = ryze("audit", "--action", "configure").out
    assert "@192.0.2.7 (command)" in said and "ignoreGroupMessages: no → yes" in said
    assert ryze("audit", "--since", "yesterday").code == 2
    with subprocess.Popen([*COMMAND, "audit", "--follow", "--json"], env=ryze.env, stdout=subprocess.PIPE, text=True) as follow:
        assert follow.stdout is not None
        assert [json.loads(follow.stdout.readline())["action"] for _line in lines][-1] == "delete"
        assert ryze("settings", "set", name, "--no-settings-ignore-groups").code == 0
        assert json.loads(follow.stdout.readline())["changes"] == {"ignoreGroupMessages": {"before": True, "after": False}}
        follow.terminate()
