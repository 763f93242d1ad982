"""`events`, `profile` and `server` as scripts use them: recorded, played back, kept under a name, started and stopped."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..terminal.process import Terminal
from ..terminal.server import Server
from .commands import COMMAND, Commands, check
from .receivers import Receiver

pytestmark = pytest.mark.e2e


@pytest.fixture
def name(both: Server) -> str:
    """One that is connected, and whose stream tells everything."""
    found = both.wait_connected(1)[0]
    both.call("POST", f"/api/events/websocket/{found}", json={"enabled": True, "events": [], "mediaBase64": False})
    return found


@contextlib.contextmanager
def talking(server: Server, name: str) -> Iterator[None]:
    """Messages come in, until the block ends."""
    stop = threading.Event()

    def talk() -> None:
        while not stop.wait(0.2):
            server.simulate(name, "message", **{"from": "5511988887777", "text": "hello"})

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        yield
    finally:
        stop.set()
        talker.join()


def test_recorded_and_played_back(ryze: Commands, both: Server, name: str, tmp_path: Path) -> None:
    tape, token = tmp_path / "tape.ndjson", both.instances()[name]["token"]
    words = ["events", name, "--record", str(tape), "--max", "3", "--json", "--event", "message.exchange"]
    with talking(both, name), ryze.start(*words) as process:
        assert process.stdout is not None
        lines = [check("events", json.loads(line)) for line in process.stdout]
        assert process.wait(30) == 0
    assert tape.stat().st_mode & 0o777 == 0o600
    assert [json.loads(line) for line in tape.read_text().splitlines()] == lines and len(lines) == 3
    assert token not in tape.read_text()
    again = ryze("events", name, "--record", str(tape), "--seconds", "1")
    assert again.code == 2 and "already" in again.err
    (tmp_path / "authorization").write_text("Bearer for-the-receiver\n")
    with Receiver().beside() as receiver:
        words = ["events", "--replay", str(tape), "--to", f"{receiver.url}/hook", "--speed", "1000"]
        alone = {"RYZE_URL": "", "RYZE_TOKEN": ""}
        done = ryze(*words, "--authorization-file", str(tmp_path / "authorization"), "--json", env=alone)
        assert done.code == 0, done.err
        assert [(line["line"], line["status"]) for line in done.lines()] == [(1, 200), (2, 200), (3, 200)]
        assert [sight.data for sight in receiver.got] == [line["frame"]["data"] for line in lines]
        assert {sight.authorization for sight in receiver.got} == {"Bearer for-the-receiver"}
        receiver.mood = lambda number, key, body: "500" if len(receiver.got) == 4 else "well"
        partly = ryze(*words)
        assert partly.code == 8 and "2 of 3 were taken" in partly.err and " 500 " in partly.out
    assert ryze(*words).code == 1  # nobody there
    tape.write_text(tape.read_text() + "nonsense\n")
    with Receiver().beside() as receiver:
        broken = ryze("events", "--replay", str(tape), "--to", receiver.url, "--json")
        assert broken.code == 2 and "line 4" in broken.error()["message"] and not receiver.got


def test_all_of_an_account_with_its_secrets(ryze: Commands, both: Server, name: str, tmp_path: Path) -> None:
    tape, token = tmp_path / "tape.ndjson", both.instances()[name]["token"]
    words = ["events", "--record", str(tape), "--reveal", "-q", "--event", "message.exchange"]
    with talking(both, name), ryze.start(*words) as process:
        while not (tape.exists() and tape.stat().st_size):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stdout is not None and process.stdout.read() == ""
    [first, *_more] = [check("events", json.loads(line)) for line in tape.read_text().splitlines()]
    assert first["instance"] == name and (token in tape.read_text()) is not both.extensions  # the account's stream tells no token


def test_how_events_fails(ryze: Commands, both: Server, tmp_path: Path) -> None:
    tape = tmp_path / "tape.ndjson"
    both.create("mute", websocketEnabled=False)
    try:
        off = ryze("events", "mute", "--record", str(tape), "--json")
        assert off.code == 1 and "WebSocket" in off.error()["message"] and not tape.exists()
    finally:
        both.call("DELETE", "/api/instance/delete/mute")
    for words, code in (
        (["nobody-has-this-name"], 3), (["--replay", "x"], 2), (["--to", "http://a"], 2),
        (["--replay", "/no", "--to", "http://a"], 2),
        (["--replay", "x", "--to", "nonsense"], 2), (["--authorization-file", "x"], 2), (["--record", "/no/where/x"], 2),
        (["a", "--replay", "x", "--to", "http://a"], 2),
    ):  # fmt: skip
        assert ryze("events", *words, "--seconds", "1").code == code, words
    assert ryze("events", env={"RYZE_TOKEN": "a-wrong-token-0123456789"}).code == 4
    assert ryze("events", env={"RYZE_URL": "http://127.0.0.1:9"}).code == 5
    assert ryze("events", "--seconds", "0.5").code == 0


def test_a_profile_from_its_beginning_to_its_end(ryze: Commands, both: Server) -> None:
    alone = {"RYZE_URL": "", "RYZE_TOKEN": ""}
    assert ryze("profile", "list", env=alone).code == 0
    made = ryze("profile", "add", "acme", "--url", both.url, "--read-only", "--json", env=alone, given=both.token + "\n")
    assert made.code == 0 and made.document()["profiles"][0]["read_only"] is True
    assert ryze("ls", "-q", env=alone).out.split()
    assert ryze("create", "never-made", env=alone).code == 4  # read-only
    assert ryze("profile", "add", "other", "--url", "http://127.0.0.1:9", env=alone, given="some-other-token-00").code == 0
    assert ryze("profile", "use", "other", env=alone).code == 0
    assert ryze("ls", env=alone).code == 5
    assert ryze("ls", "--profile", "acme", "-q", env=alone).code == 0
    assert ryze("profile", "set-token", "acme", env=alone, given="a-wrong-token-0123456789").code == 0
    assert ryze("ls", "--profile", "acme", env=alone).code == 4
    assert ryze("profile", "remove", "acme", "--json", env=alone).error()["kind"] == "usage"
    listed = ryze("profile", "remove", "acme", "--yes", "--json", env=alone).document()
    assert [one["name"] for one in listed["profiles"]] == ["other"]
    assert ryze("profile", "show", "acme", "--json", env=alone).error()["kind"] == "config"


def test_at_a_terminal_the_token_is_asked_for_and_not_shown(ryze: Commands, both: Server) -> None:
    env = {name: value for name, value in ryze.env.items() if name not in ("RYZE_URL", "RYZE_TOKEN")}
    with Terminal([*COMMAND, "profile", "add", "acme", "--url", both.url], 80, 24, env) as term:
        term.wait_for("Token:")
        term.type(both.token + "\r")
        assert term.wait_exit() == 0
        assert both.token not in term.text() and "doctor --profile acme" in term.text()
    assert ryze("ls", "--profile", "acme", "-q", env={"RYZE_URL": "", "RYZE_TOKEN": ""}).code == 0


def test_the_server_that_stays(shared: Server, tmp_path: Path) -> None:
    ryze = Commands(shared, tmp_path / "commands", RYZE_URL="", RYZE_TOKEN="")
    down = ryze("server", "status", "--json")
    assert down.code == 3 and down.document()["running"] is False
    assert ryze("server", "stop", "--json").error()["kind"] == "failed"
    try:
        up = ryze("server", "start", "--port", "0", "--json")
        assert up.code == 0, up.err
        told = up.document()
        assert told["running"] and told["instances"] == 0 and told["accounts"] == 1 and told["problem"] == ""
        assert Path(told["log"]).stat().st_mode & 0o777 == 0o600
        again = ryze("server", "start", "--port", "0", "--json").document()
        assert (again["pid"], again["url"]) == (told["pid"], told["url"])
        token = Path(told["data"], "account-token")
        assert ryze("create", "one", "--url", told["url"], "--token-file", str(token)).code == 0
        assert ryze("server", "status", "--json").document()["instances"] == 1
        words = ryze("server", "status")
        assert words.code == 0 and told["url"] in words.out and "1 instance\n" in words.out and "up for" in words.out
        assert ryze("doctor", "--url", told["url"], "--token-file", str(token), "--json").code == 0
    finally:
        stopped = ryze("server", "stop")
    assert stopped.code == 0 and "stopped http" in stopped.out
    assert ryze("server", "status").code == 3
