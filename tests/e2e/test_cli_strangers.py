"""What a systems engineer who had never seen the program tripped over, and what cron, containers and full pipes do to it."""

from __future__ import annotations

import array
import fcntl
import json
import os
import signal
import subprocess
import termios
import time
from pathlib import Path

import pytest
from ryze_tui.cli.exits import KINDS

from ..terminal.process import environment, private_dirs
from ..terminal.server import Server
from .commands import COMMAND, Commands, check, schema

pytestmark = pytest.mark.e2e


@pytest.fixture
def ryze(shared: Server, tmp_path: Path) -> Commands:
    return Commands(shared, tmp_path / "commands")


def test_options_may_stand_before_the_command(ryze: Commands) -> None:
    assert ryze("--json", "ls").out[:1] == "{"
    env = {"RYZE_URL": "", "RYZE_TOKEN": ryze.server.token}
    done = ryze("--url", ryze.server.url, "--timeout=30", "-q", "ls", env=env)
    assert (done.code, done.err) == (0, "") and "sim-00001" in done.out.splitlines()
    done = ryze("--read-only", "reconnect", "sim-00001")
    assert done.code == 4


def test_a_word_that_is_no_command_is_called_so(ryze: Commands) -> None:
    for words in (["lst", "--json"], ["--json", "lst"], ["--profile", "acme", "lst"]):
        done = ryze(*words)
        assert (done.code, done.out) == (2, "")
        assert "no such command" in done.err, words
    assert ryze("lst", "--json").error()["kind"] == "usage"


@pytest.mark.parametrize("words", ["reconnect -", "send sim-00001 5511999990000 --yes", "plan -", "delete sim-00001",
                                   "proxy set sim-00001 --from-json -", "ls --token-file -"])  # fmt: skip
def test_a_standard_input_that_was_closed(ryze: Commands, words: str) -> None:
    shell = f"exec {' '.join(COMMAND)} {words} --json <&-"
    done = subprocess.run(["sh", "-c", shell], env=ryze.env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert '"kind":"' in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr


def test_a_user_without_a_home(ryze: Commands) -> None:
    """`docker run --user 4242`: nobody in the list of users, and no HOME."""
    code = "import sys, pathlib\ndef home(cls): raise RuntimeError('no home')\npathlib.Path.home = classmethod(home)\n"
    code += "from ryze_tui.cli import main\nsys.exit(main())"
    env = {name: value for name, value in ryze.env.items() if not name.startswith("XDG_") and name != "HOME"}
    for more, found in (([], "ryze-tui: "), (["--json"], '{"error":')):
        done = subprocess.run(
            [COMMAND[0], "-c", code, "ls", *more], env=env, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(found) and "HOME" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_home_that_takes_no_server(tmp_path: Path) -> None:
    env = environment({"HOME": "/dev/null/home"})
    done = subprocess.run([*COMMAND, "server", "start"], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "did not start: /dev/null/home" in done.stderr and "Traceback" not in done.stderr


def test_an_output_that_takes_no_more_is_told_of(ryze: Commands) -> None:
    for words in ("schema ls", "completion zsh", "ls --json"):
        done = subprocess.run(
            ["sh", "-c", f"{' '.join(COMMAND)} {words} >/dev/full"], env=ryze.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert done.stderr.count("the output could not be written") == 1, words


def test_a_refused_token_says_what_to_look_at(ryze: Commands) -> None:
    wrong = {"RYZE_TOKEN": "a-wrong-token-0123456789"}
    for words in (["ls"], ["show", "sim-00001"], ["reconnect", "sim-00001"], ["watch", "--timeout", "9"], ["export", "--all"]):
        done = ryze(*words, env=wrong)
        assert done.code == 4
        assert "RYZE_TOKEN" in done.err and "this server's" in done.err, words
    assert "set RYZE_TOKEN" in ryze("ls", env={"RYZE_TOKEN": ""}).err  # and is not masked


def test_the_token_of_one_instance_creates_nothing_and_says_why(ryze: Commands) -> None:
    token = ryze("show", "sim-00001", "--brief", "--reveal", "--json").document()["token"]
    done = ryze("create", "of-an-instance", "--json", env={"RYZE_TOKEN": token})
    assert done.code == 4
    assert "account's token" in done.error()["message"]


def test_every_kind_is_documented_with_its_exit_code() -> None:
    words = schema("error")["properties"]["error"]["properties"]["kind"]["description"]
    told = {
        kind: int(code)
        for code, kinds in (part.split(": ") for part in words.removeprefix("Each has one exit code. ").rstrip(".").split("; "))
        for kind in kinds.split(", ")
    }
    assert told == KINDS


def test_too_many_requests_say_when_again_and_are_waited_for(tmp_path: Path) -> None:
    with Server(tmp_path / "server", instances=2, rate_limit=2) as server:
        ryze = Commands(server, tmp_path / "commands")
        while (done := ryze("ls", "--json")).code == 0:
            pass
        told = done.error()
        assert done.code == 6 and told["kind"] == "rate_limited"
        assert 0 < told["retry_after"] <= 60
        assert "taken again in" in told["message"]
        done = ryze("wait", "sim-00001", "connected", "--timeout", "1", "--json")
        assert done.code == 7, "a limit is waited for like a server that is away"


def test_advice_names_commands_not_keys(ryze: Commands) -> None:
    ryze("create", "never-paired", "-q")
    try:
        shown = ryze("show", "never-paired", "--brief", "--json").document()
        assert "ryze-tui connect --number" in shown["next"]
        done = ryze("bring-back", "never-paired", "--json")
        assert "ryze-tui connect never-paired" in done.document()["results"][0]["message"]
        busy = [one["name"] for one in ryze("ls", "state:connecting", "--json").document()["instances"]]
        told = ryze("bring-back", *busy, "--json").document()["results"]
        assert told and all("ryze-tui connect" in one["message"] for one in told if "connecting" in one["message"])
    finally:
        ryze("delete", "never-paired", "--yes", "-q")


def test_tags_of_this_machine_filter_the_list(ryze: Commands) -> None:
    assert ryze("ls", "-q", "tag:vip").out == ""  # and the key of fingerprints is made
    done = subprocess.run(
        [COMMAND[0], "-c", "import sys\nfrom ryze_tui.fleet.notes import Notes\n"
         "Notes(*sys.argv[1:3], keep=True).tag({'sim-00002': ['vip']})", ryze.server.url, ryze.server.token],
        env=ryze.env, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert ryze("ls", "-q", "tag:vip").out == "sim-00002\n"


def test_a_server_tells_where_its_token_is(tmp_path: Path) -> None:
    env = environment(private_dirs(tmp_path / "home"))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, *words], env=env, capture_output=True, text=True, timeout=100, check=False)

    try:
        done = run("server", "start", "--port", "0", "--json")
        told = check("server", json.loads(done.stdout))
        listed = run("ls", "--url", told["url"], "--token-file", told["token_file"], "--json")
        assert (done.returncode, listed.returncode) == (0, 0), listed.stderr
        again = run("server", "start")
        assert again.returncode == 0 and told["token_file"] in again.stderr and "profile add" in again.stderr
        other = run("server", "start", "--port", "9", "--json")
        assert other.returncode == 1 and told["url"] in other.stderr, "another port than the one asked for is no success"
    finally:
        assert run("server", "stop").returncode == 0


def test_an_option_that_does_not_exist_is_told_with_the_one_that_was_meant(ryze: Commands) -> None:
    done = ryze("create", "never-made", "--chatwoot-token-file", "x", "--json")
    assert done.code == 2 and '"--chatwoot-api-token-file"' in done.error()["message"]
    assert '"--state"' in ryze("ls", "--stat", "banned", "--json").error()["message"]


def test_a_plan_that_this_token_cannot_carry_out_says_so(ryze: Commands, tmp_path: Path) -> None:
    token = ryze("show", "sim-00001", "--brief", "--reveal", "--json").document()["token"]
    file = tmp_path / "one.yaml"
    file.write_text("version: 1\ninstances:\n  made-by-plan:\n    settings: {ignoreGroupMessages: true}\n")
    done = ryze("plan", str(file), "--json", env={"RYZE_TOKEN": token})
    assert done.code == 10
    assert "account's token" in check("warning", json.loads(done.err))["warning"]["message"]
    whole = ryze("plan", str(file), "--read-only")
    assert (whole.code, whole.err) == (10, ""), "drift may be looked for without the right to mend it"


def test_all_servers_at_once(ryze: Commands) -> None:
    env = {"RYZE_URL": "", "RYZE_TOKEN": ""}
    assert ryze("ls", "--all-profiles", "--json", env=env).error()["kind"] == "config"
    for name in ("day", "night"):
        assert ryze("profile", "add", name, "--url", ryze.server.url, given=ryze.server.token).code == 0
    done = ryze("ls", "--all-profiles", "state:banned", "--json", env=env)
    assert (done.code, done.err) == (0, "")
    assert [(one["profile"], one["total"] >= 12) for one in done.lines()] == [("day", True), ("night", True)]
    assert ryze("profile", "add", "away", "--url", "http://127.0.0.1:9", given="some-token-of-away").code == 0
    done = ryze("ls", "--all-profiles", "--json", env=env)
    assert done.code == 8 and len(done.lines()) == 2
    assert [json.loads(line)["error"]["kind"] for line in done.err.splitlines()] == ["unreachable", "partly"]
    assert json.loads(done.err.splitlines()[0])["error"]["message"].startswith("away: 127.0.0.1:9")
    told = ryze("ls", "--all-profiles", "state:banned", env=env)
    assert told.code == 8 and told.out.count("NAME") == 2 and "night  http://" in told.out
    assert ryze("ls", "--all-profiles", "--profile", "day", env=env).code == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_reader_that_reads_no_more_keeps_nobody_from_ending(ryze: Commands, number: signal.Signals, code: int) -> None:
    """`watch | something that hangs`: the pipe is full, and the loop that hears signals waits in a write."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen(
        [*COMMAND, "watch", "--json", "--heartbeat", "0.01"], env=ryze.env, stdin=subprocess.DEVNULL, stdout=writer,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(writer)
    try:
        waiting = array.array("i", [0])
        while waiting[0] < 3000:
            assert process.poll() is None
            fcntl.ioctl(reader, termios.FIONREAD, waiting)
            time.sleep(0.01)
        process.send_signal(number)
        assert process.wait(60) == code
        assert process.stderr is not None and "Traceback" not in process.stderr.read()
    finally:
        os.close(reader)
        process.kill()
        process.communicate()
