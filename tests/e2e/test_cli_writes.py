"""Commands that change something, on both kinds of server: what they do, what they ask, how they end, what the audit log says."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..terminal.process import Terminal
from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .commands import COMMAND, Commands

pytestmark = pytest.mark.e2e
_numbers = itertools.count()


@pytest.fixture
def name(both: Server) -> Iterator[str]:
    """An instance of this test's own, never paired."""
    name = f"cli-{next(_numbers)}"
    both.create(name, websocketEnabled=True, websocketEvents=["instance.state"])
    yield name
    if name in both.instances():
        both.call("DELETE", f"/api/instance/delete/{name}")


def test_create_with_blocks_and_secrets_from_elsewhere(ryze: Commands, both: Server, tmp_path: Path) -> None:
    (tmp_path / "authorization").write_text("Bearer very-hidden-words\n")
    done = ryze(
        "create", "made-with-blocks", "--json", "--settings-ignore-groups", "--webhook-url", "http://127.0.0.1:1/hook",
        "--webhook-events", "message.exchange,instance.state", "--webhook-authorization-file", str(tmp_path / "authorization"),
        "--proxy-host", "127.0.0.1", "--proxy-port", "9", "--proxy-protocol", "socks5", "--proxy-user-name", "u",
        env={"RYZE_PROXY_PASSWORD": "even-more-hidden"},
    )  # fmt: skip
    try:
        assert (done.code, done.err) == (0, "")
        made = done.document()
        assert made["differs"] == made["unread"] == []
        assert made["instance"]["name"] == "made-with-blocks"
        held = both.call("GET", "/api/events/getWebhook/made-with-blocks")
        assert "very-hidden-words" in json.dumps(held)
        assert both.call("GET", "/api/instance/getSettings/made-with-blocks")["settings"]["ignoreGroupMessages"] is True
        own = both.instances()["made-with-blocks"]["token"]
        for text in (done.out, json.dumps(ryze.audit())):
            assert own not in text
            assert "hidden" not in text
        again = ryze("create", "made-with-blocks", "--json")
        assert again.code == 1
        assert again.error()["status"] == 409
    finally:
        both.call("DELETE", "/api/instance/delete/made-with-blocks")


@pytest.mark.parametrize("words", [
    ["bad name"], ["a", "--webhook-url", "nonsense"], ["a", "--no-webhook", "--webhook-url", "http://a"],
    ["a", "--webhook-events", "no.such.event"], ["a", "--proxy-password-file", "/nowhere"], ["a", "--proxy-password", "x"],
], ids=" ".join)  # fmt: skip
def test_what_cannot_be_made_is_refused_before_anything_is_sent(ryze: Commands, both: Server, words: list[str]) -> None:
    before = both.states()
    assert ryze("create", *words).code == 2
    assert both.states() == before
    assert ryze.audit() == []


def test_delete_needs_a_yes_and_says_what_came_of_each(ryze: Commands, both: Server, name: str) -> None:
    both.create("second-to-go")
    refused = ryze("delete", name, "second-to-go", "--json")
    assert refused.code == 2
    assert "--yes" in refused.error()["message"]
    done = ryze("delete", name, "--yes", "nobody-at-all", "second-to-go", "--json")
    assert done.code == 8
    assert done.error()["kind"] == "partly"
    assert [(one["instance"], one["ok"], one["kind"]) for one in done.document()["results"]] == [
        (name, True, None), ("nobody-at-all", False, "not_found"), ("second-to-go", True, None),
    ]  # fmt: skip
    assert not {name, "second-to-go"} & set(both.states())
    assert [(line["action"], line["instance"], line["result"]) for line in ryze.audit()] == [
        ("delete", name, "ok"), ("delete", "nobody-at-all", "failed"), ("delete", "second-to-go", "ok"),
    ]  # fmt: skip
    assert ryze("delete", "nobody-at-all", "--yes").code == 3


@pytest.mark.parametrize("typed", ["its name", "something else", "ctrl+c"])
def test_at_a_terminal_the_name_is_asked_for(ryze: Commands, both: Server, name: str, typed: str) -> None:
    with Terminal([*COMMAND, "delete", name], 80, 24, ryze.env) as term:
        term.wait_for("Type its name")
        if typed == "ctrl+c":
            term.press("ctrl+c")
        else:
            term.send((name if typed == "its name" else "no").encode() + b"\r")
        assert term.wait_exit() == {"its name": 0, "something else": 1, "ctrl+c": 130}[typed]
    assert (name in both.states()) is (typed != "its name")


def test_read_only_changes_nothing(ryze: Commands, both: Server, name: str) -> None:
    before = both.states()
    for words in (["delete", name, "--yes"], ["logout", name, "--yes"], ["reconnect", name], ["connect", name],
                  ["create", "not-to-be-made"], ["send", name, "5511999990000", "--text", "x", "--yes"]):  # fmt: skip
        done = ryze(*words, "--read-only", "--json")
        assert done.code == 4, words
        assert done.error()["kind"] == "not_allowed"
    assert both.states() == before


def test_the_life_of_a_number(ryze: Commands, both: Server, name: str) -> None:
    """Paired by a code that a script types, logged out, brought back."""
    with ryze.start("connect", name, "--number", "5511999990001", "--json", "--show-code") as process:
        assert process.stdout is not None
        lines = [json.loads(line) for line in _until(process.stdout, "code")]
        both.simulate(name, "enter-code", code=lines[-1]["code"]["text"].replace("-", ""))
        rest = process.stdout.read()
        assert process.wait(30) == 0
    assert json.loads(rest.splitlines()[-1])["event"] == "connected"
    assert both.state(name) == "connected"
    assert ryze("wait", name, "connected", "--timeout", "10").out == "connected\n"
    assert ryze("bring-back", name, "-q").code == 0
    sent = ryze("send", name, "5511999990002", "--yes", "--json", given="Hello from a script\n")
    assert sent.document()["message_id"]
    both.simulate(name, "drop", seconds=600)
    both.wait_state(name, "disconnected")
    assert ryze("reconnect", name).code == 0
    assert ryze("wait", name, "connected", "--timeout", "20").code == 0
    assert ryze("logout", name, "--yes", "--json").document()["results"][0]["ok"]
    assert ryze("wait", name, "logged_out", "--timeout", "10").code == 0
    needs = ryze("bring-back", name, "--json")
    assert needs.code == 1
    assert "QR" in needs.document()["results"][0]["message"]
    assert [line["action"] for line in ryze.audit()] == ["connect by code", "send", "reconnect", "logout"]


def _until(stream: Iterator[str], event: str) -> list[str]:
    found = []
    for line in stream:
        found.append(line)
        if json.loads(line)["event"] == event:
            return found
    raise AssertionError(found)


def test_pairing_with_a_picture_and_without_a_code_in_the_output(ryze: Commands, both: Server, name: str, tmp_path: Path) -> None:
    from PIL import Image
    from zxingcpp import BarcodeFormat, read_barcodes

    picture = tmp_path / "code.png"
    with ryze.start("connect", name, "--json", "--png", str(picture)) as process:
        assert process.stdout is not None
        lines = _until(process.stdout, "qr")
        assert picture.stat().st_mode & 0o777 == 0o600
        [found] = read_barcodes(Image.open(picture).convert("L").resize((900, 900)), formats=BarcodeFormat.QRCode)
        assert found.text not in "".join(lines)
        both.simulate(name, "scan")
        last = process.stdout.read().splitlines()[-1]
        assert process.wait(30) == 0
    assert json.loads(last)["event"] == "connected"
    assert not picture.exists()


def test_connect_asks_before_it_harms(ryze: Commands, both: Server, name: str) -> None:
    both.call("GET", f"/api/instance/connect/{name}")
    both.simulate(name, "scan")
    both.wait_state(name, "connected")
    done = ryze("connect", name, "--json")
    assert done.code == 2
    assert "connected as" in done.error()["message"]
    assert ryze.audit() == []
    assert ryze("connect", "nobody-at-all").code == 3


def test_nobody_scans(ryze: Commands, name: str) -> None:
    done = ryze("connect", name, "--timeout", "2", "--json")
    assert done.code == 7
    assert done.error()["kind"] == "timed_out"
    assert [line["event"] for line in done.lines()][:2] == ["asking", "qr"]
    assert all(line["code"]["text"] is None for line in done.lines() if line["code"])


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
def test_the_code_on_a_terminal_can_be_scanned_and_goes_away(
    ryze: Commands, both: Server, name: str, size: tuple[int, int]
) -> None:
    from ..terminal.pixels import decode_qr

    with Terminal([*COMMAND, "connect", name], *size, ryze.env) as term:
        term.wait_for("s left", 20)
        assert decode_qr(term.cells())
        both.simulate(name, "scan")
        term.wait_for("is connected", 20)
        assert term.wait_exit() == 0
        assert not any("█" in line or "▀" in line for line in term.lines())


@pytest.mark.parametrize(("stop", "code"), [("ctrl+c", 130), ("SIGTERM", 143)])
def test_a_pairing_that_is_stopped_leaves_no_code(ryze: Commands, name: str, stop: str, code: int) -> None:
    with Terminal([*COMMAND, "connect", name], 80, 24, ryze.env) as term:
        term.wait_for("s left", 20)
        if stop == "ctrl+c":
            term.press("ctrl+c")
        else:
            term.signal(signal.SIGTERM)
        assert term.wait_exit() == code
        term.assert_clean()
        assert not any("█" in line or "▀" in line or line[:1] >= "\U0001fb00" for line in term.lines())
        assert "Traceback" not in term.text()


@pytest.mark.parametrize("more", [["--number", "5511999990001"], ["--show-code"]], ids=["by-code", "with-its-text"])
def test_lines_that_the_terminal_breaks_are_taken_back_whole(ryze: Commands, both: Server, name: str, more: list[str]) -> None:
    with Terminal(["sh", "-c", f"echo before; exec {' '.join([*COMMAND, 'connect', name, *more])}"], 64, 45, ryze.env) as term:
        term.wait_for("s left", 20)
        assert sum(bool(line.strip()) for line in term.lines()) > 4
        term.press("ctrl+c")
        assert term.wait_exit() == 130
        assert [line.strip() for line in term.lines() if line.strip()] == ["before", "ryze-tui: interrupted."]


def looked(proxy: Proxy, mark: int = 0) -> None:
    """Until a command has asked for the list and was answered; `mark`: bytes that were sent before it."""
    end = time.monotonic() + 30
    while not (proxy.seen("GET /api/instance/list") and proxy.sent_to_client > mark):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_waiting(ryze: Commands, both: Server, name: str) -> None:
    late = ryze("wait", name, "connected", "--timeout", "1", "--json")
    assert late.code == 7
    assert late.error()["kind"] == "timed_out"
    assert ryze("wait", "nobody-at-all", "connected").code == 3
    assert ryze("wait", name).code == 2
    assert ryze("wait", name, "happy").code == 2
    with Proxy(both.url) as proxy:  # which tells when it has looked: it must not look before the state that it is to leave
        with ryze.start("wait", name, "--for-change", "--json", "--timeout", "60", "--url", proxy.url) as process:
            looked(proxy)
            both.call("GET", f"/api/instance/connect/{name}")
            assert process.stdout is not None
            told = json.loads(process.stdout.read())
            assert process.wait(30) == 0
        assert told["instance"]["state"] == "connecting"
        proxy.requests.clear()
        mark = proxy.sent_to_client
        with ryze.start("wait", name, "connected", "--timeout", "60", "--url", proxy.url) as process:
            looked(proxy, mark)
            both.call("DELETE", f"/api/instance/delete/{name}")
            assert process.wait(30) == 3


def test_watching(ryze: Commands, both: Server, name: str) -> None:
    with ryze.start("watch", name, "not-there-yet", "--json", "--heartbeat", "0.5") as process:
        assert process.stdout is not None
        seen = []

        def until(event: str, of: str | None) -> dict[str, object]:
            for line in process.stdout or ():
                seen.append(json.loads(line))
                if (seen[-1]["event"], seen[-1]["name"]) == (event, of):
                    return dict(seen[-1])
            raise AssertionError(seen)

        assert until("present", name)["was"] is None
        until("heartbeat", None)
        both.call("GET", f"/api/instance/connect/{name}")
        assert until("state", name)["was"] == "disconnected"
        if both.extensions:  # else the next list tells, 20 s later
            both.create("not-there-yet")
            until("state", "not-there-yet")
            both.call("DELETE", "/api/instance/delete/not-there-yet")
            until("deleted", "not-there-yet")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    done = ryze("watch", "--json", "--timeout", "2")
    assert done.code == 0
    assert {line["name"] for line in done.lines() if line["event"] == "present"} == set(both.states())
    assert ryze("watch", env={"RYZE_TOKEN": "a-wrong-token-0123456789"}).code == 4


def test_nohup_is_meant(ryze: Commands) -> None:
    for trap, code in (("trap '' HUP; ", 0), ("", 129)):
        process = subprocess.Popen(
            ["sh", "-c", f"{trap}exec {' '.join(COMMAND)} watch --json --timeout 4"], env=ryze.env, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        with process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGHUP)
            process.stdout.read()
            assert process.wait(30) == code


def test_a_write_whose_answer_is_lost_is_told_apart_from_one_that_was_not_sent(ryze: Commands, both: Server, name: str) -> None:
    with Proxy(both.url) as proxy, proxy.hold("/reconnect/"):
        ryze.env["RYZE_URL"] = proxy.url
        lost = ryze("reconnect", name, "--timeout", "1", "--json")
        assert lost.code == 9
        assert lost.error()["kind"] == "unknown"
        assert lost.document()["results"][0]["kind"] == "unknown"
        with ryze.start("reconnect", name, "--json") as process:
            end = time.monotonic() + 20
            while len(proxy.seen("/reconnect/")) < 2:
                assert time.monotonic() < end
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
        assert ryze("reconnect", name, env={"RYZE_URL": "http://127.0.0.1:9"}).code == 5
    assert [line["result"] for line in ryze.audit()] == ["unknown", "unknown", "failed"]


def test_waiting_outlives_the_server(serve: Server, tmp_path: Path) -> None:
    ryze = Commands(serve, tmp_path / "commands")
    serve.create("waited-for")
    words = ("wait", "waited-for", "connected", "--timeout", "60", "--url")
    with Proxy(serve.url) as proxy, ryze.start(*words, proxy.url) as process:
        looked(proxy)
        assert process.poll() is None
        serve.stop()
        serve.start()
        serve.call("GET", "/api/instance/connect/waited-for")
        serve.simulate("waited-for", "scan")
        assert process.wait(60) == 0


def test_names_on_standard_input(ryze: Commands, name: str) -> None:
    listed = ryze("ls", "-q", name).out
    assert listed == f"{name}\n"
    done = ryze("reconnect", "not-there", "-", "--json", given=f"\n{listed}")
    assert [one["instance"] for one in done.document()["results"]] == ["not-there", name]
    for given, words in (("", "no name on standard input"), ("two names\n", "one name a line")):
        refused = ryze("delete", "-", "--yes", "--json", given=given)
        assert refused.code == 2 and words in refused.error()["message"]
    both_ways = ryze("delete", "-", "--yes", "--token-file", "-", given=name, env={"RYZE_TOKEN": ""})
    assert both_ways.code == 2 and "token already" in both_ways.err
    unasked = ryze("delete", "-", given=name)
    assert unasked.code == 2 and "--yes" in unasked.err and name in ryze("ls", "-q").out
