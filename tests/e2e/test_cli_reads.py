"""`ls`, `show` and `schema` as scripts use them, on both kinds of server; how every command fails."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ..terminal.process import Terminal
from ..terminal.server import Server
from .commands import COMMAND, Commands, check, schema

pytestmark = pytest.mark.e2e


def test_the_list_in_json_is_what_the_server_holds(ryze: Commands, both: Server) -> None:
    done = ryze("ls", "--json")
    assert (done.code, done.err) == (0, "")
    listed = done.document()
    assert {one["name"]: one["state"] for one in listed["instances"]} == both.states()
    assert listed["total"] == len(both.states())
    assert listed["server"] == both.url


def test_words_states_and_orders(ryze: Commands, both: Server) -> None:
    banned = [name for name, state in both.states().items() if state == "banned"]
    assert ryze("ls", "-q", "--state", "banned").out.split() == sorted(banned)
    assert ryze("ls", "-q", "state:ban").out.split() == sorted(banned)
    assert ryze("ls", "-q", "!state:ban", "--sort", "name").out.split() == sorted(set(both.states()) - set(banned))
    assert ryze("ls", "-q").out.split()[: len(banned)] == sorted(banned)  # trouble first
    nothing = ryze("ls", "no-such-name-anywhere")
    assert (nothing.code, nothing.out) == (0, "")
    assert "no instance" in nothing.err
    assert ryze("ls", "--state", "happy").code == 2


def test_the_table_fits_a_terminal_and_is_whole_in_a_pipe(ryze: Commands) -> None:
    piped = ryze("ls").out.splitlines()
    assert piped[0].split() == ["NAME", "STATE", "FOR", "NUMBER", "BLOCKS", "PROFILE"]
    assert not any("\x1b" in line for line in piped)
    with Terminal([*COMMAND, "ls"], 50, 24, ryze.env) as term:
        assert term.wait_exit() == 0
        assert any("connected" in line for line in term.lines())
        assert all(len(line.rstrip()) <= 50 for line in term.lines())
        assert sum("sim-0000" in line for line in term.lines()) == 9  # no line is broken in two


def test_everything_of_one_instance(ryze: Commands, both: Server) -> None:
    name = next(iter(both.states()))
    both.call("POST", f"/api/instance/proxy/{name}", json={
        "enabled": True, "host": "127.0.0.1", "port": "1", "protocol": "http", "username": "u", "password": "the-secret-word",
    })  # fmt: skip
    both.call("POST", f"/api/events/webhook/{name}", json={
        "enabled": True, "url": "http://127.0.0.1:1/", "authorization": "Bearer the-other-secret",
    })  # fmt: skip
    done = ryze("show", name, "--json")
    told = done.document()
    assert told["instance"]["state"] == both.state(name)
    assert told["blocks"]["proxy"]["host"] == "127.0.0.1"
    assert told["metrics"]["instance"] == name
    assert told["unread"] == {}
    own = both.instances()[name]["token"]
    words = ryze("show", name)
    for text in (done.out, words.out):
        assert "the-secret-word" not in text
        assert "the-other-secret" not in text
        assert own not in text
    shown = ryze("show", name, "--json", "--reveal").document()
    assert shown["token"] == own
    assert shown["blocks"]["webhook"][0]["authorization"] == "Bearer the-other-secret"
    brief = ryze("show", name, "--brief", "--json").document()
    assert brief["blocks"] is None
    assert "127.0.0.1" in words.out and f"instance: {name}" not in words.out


@pytest.mark.parametrize(("words", "env", "code", "kind"), [
    (["ls", "--state", "x"], {}, 2, "usage"),
    (["ls", "--frobnicate"], {}, 2, "usage"),
    (["ls", "--url", "http://a", "--profile", "b"], {}, 2, "config"),
    (["ls", "--profile", "nobody"], {}, 2, "config"),
    (["ls"], {"RYZE_URL": ""}, 2, "config"),
    (["show", "nobody-has-this-name"], {}, 3, "not_found"),
    (["ls"], {"RYZE_TOKEN": "a-wrong-token-0123456789"}, 4, "not_allowed"),
    (["ls"], {"RYZE_TOKEN": ""}, 4, "not_allowed"),
    (["ls"], {"RYZE_URL": "http://127.0.0.1:9"}, 5, "unreachable"),
    (["ls", "--timeout", "0.00001"], {}, 5, "no_answer"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)  # fmt: skip
def test_how_a_command_fails(ryze: Commands, words: list[str], env: dict[str, str], code: int, kind: str) -> None:
    plain = ryze(*words, env=env)
    assert (plain.code, plain.out) == (code, "")
    assert "ryze-tui" in plain.err
    told = ryze(*words, "--json", env=env)
    assert (told.code, told.out) == (code, "")
    assert told.error()["kind"] == kind


def test_too_many_requests(tmp_path: Path) -> None:
    with Server(tmp_path / "server", instances=2, rate_limit=2) as server:
        ryze = Commands(server, tmp_path / "commands")
        assert [ryze("ls").code for _ in range(3)] == [0, 0, 6]
        assert ryze("ls", "--json").error()["kind"] == "rate_limited"


def test_a_token_never_goes_on_the_command_line(ryze: Commands) -> None:
    done = ryze("ls", "--token", "typed-by-mistake", "--json")
    assert done.code == 2
    assert "typed-by-mistake" not in done.err
    assert "never" in done.error()["message"]


def test_a_token_from_a_file_and_from_a_pipe(ryze: Commands, both: Server, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(both.token + "\n")
    assert ryze("ls", "-q", "--token-file", str(tmp_path / "token"), env={"RYZE_TOKEN": ""}).code == 0
    assert ryze("ls", "-q", "--token-file", "-", env={"RYZE_TOKEN": ""}, given=both.token).code == 0


def test_whoever_stops_reading_hears_no_complaint(ryze: Commands) -> None:
    with ryze.start("ls") as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 141
    done = subprocess.run(["sh", "-c", f"{' '.join(COMMAND)} ls >&-"], env=ryze.env, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_colours_are_for_a_terminal_that_wants_them(ryze: Commands) -> None:
    for more, wanted in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        with Terminal([*COMMAND, "ls"], 100, 24, ryze.env | more) as term:
            assert term.wait_exit() == 0
            row, line = next((row, line) for row, line in enumerate(term.lines()) if "banned" in line)
            inks = {cell.fg for cell in term.cells()[row][: line.index("banned") + 6]}
            assert (len(inks) > 1) is wanted, inks


def test_the_schema_is_printed_as_it_is_published(ryze: Commands) -> None:
    for name in ("ls", "error", "bring-back"):
        assert json.loads(ryze("schema", name).out) == schema(name)
    assert ryze("schema", "nothing").code == 2


def test_names_of_strangers_move_no_cursor(ryze: Commands, both: Server) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202egnihtemos\r\n\x9b31m"
    both.paired("with-an-evil-profile")
    try:
        both.simulate("with-an-evil-profile", "unlink")
        both.call("GET", "/api/instance/connect/with-an-evil-profile")
        both.simulate("with-an-evil-profile", "scan", name=evil)
        both.wait_state("with-an-evil-profile", "connected")
        for words in (["ls"], ["show"], ["watch", "--timeout", "1"], ["ls", "--json"], ["show", "--json"]):
            done = ryze(words[0], "with-an-evil-profile", *words[1:])
            assert done.code == 0, done.err
            assert "owned" in done.out or words[0] == "watch", done.out
            assert not set(done.out + done.err) & set("\x1b\x07\x9b\u202e\r"), words
    finally:
        both.call("DELETE", "/api/instance/delete/with-an-evil-profile")


def test_a_terminal_that_knows_ascii_only(ryze: Commands) -> None:
    done = ryze("ls", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.code == 0
    assert "? connected" in done.out


def test_an_output_that_takes_no_more(ryze: Commands) -> None:
    for words in ("ls", "ls --json", "show sim-00001", "completion bash"):
        done = subprocess.run(
            ["sh", "-c", f"{' '.join(COMMAND)} {words} >/dev/full"], env=ryze.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, words
        assert "Traceback" not in done.stderr and "Exception" not in done.stderr, done.stderr


def test_files_that_cannot_be_written_are_a_warning(ryze: Commands) -> None:
    nowhere = {"XDG_STATE_HOME": "/dev/null/state", "XDG_CACHE_HOME": "/dev/null/cache"}
    assert ryze("ls", "-q", env=nowhere).code == 0
    done = ryze("reconnect", "nobody-has-this-name", "--json", env=nowhere)
    assert done.code == 3
    first, *_rest, last = done.err.splitlines()
    assert "audit" in check("warning", json.loads(first))["warning"]["message"]
    assert check("error", json.loads(last))["error"]["kind"] == "not_found"
