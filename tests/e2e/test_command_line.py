"""The command line in a real terminal: tokens from a pipe, terminals that are not there, demos that are stopped early."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ..terminal.process import environment, private_dirs
from ..terminal.server import Server
from .driver import COMMAND, Console
from .test_leaving import children, gone

pytestmark = pytest.mark.e2e


def piped(words: Sequence[str], before: str = 'printf "%s\\n" "$GIVEN" |') -> list[str]:
    """A shell that starts `ryze-tui` behind something."""
    return ["sh", "-c", f"{before} {shlex.join([*COMMAND, *words])}"]


def test_a_token_from_a_pipe_leaves_the_keyboard_alive(shared: Server, tmp_path: Path) -> None:
    argv = piped(["--url", shared.url, "--token-file", "-"])
    with Console("", "", tmp_path, (80, 24), argv=argv, env={"GIVEN": shared.token}) as console:
        console.ready()
        first = console.cursor()
        console.press("down")
        console.wait_for(lambda _: console.cursor() not in ("", first), 5, what="the cursor to move")
        console.quit()


def test_standard_input_from_elsewhere_leaves_the_keyboard_alive(shared: Server, tmp_path: Path) -> None:
    argv = ["sh", "-c", f"{shlex.join([*COMMAND, '--url', shared.url])} </dev/null"]
    with Console("", shared.token, tmp_path, (80, 24), argv=argv) as console:
        console.ready()
        console.quit()


def test_a_token_typed_at_the_terminal_is_not_shown(shared: Server, tmp_path: Path) -> None:
    with Console(shared.url, "", tmp_path, (80, 24), options=["--token-file", "-"]) as console:
        console.wait_for("Token:")
        console.type(shared.token + "\r")
        console.ready()
        console.quit()
        assert shared.token not in console.text()


@pytest.mark.parametrize("words", [["--url", "http://127.0.0.1:9", "--token-file", "-"], ["demo"]], ids=["console", "demo"])
def test_without_a_terminal_it_says_so(tmp_path: Path, words: list[str]) -> None:
    main, terminal = pty.openpty()  # for the error output only: no terminal controls the new session
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        [*COMMAND, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=terminal, start_new_session=True,
        env=environment(private_dirs(tmp_path / "home") | {"TMPDIR": str(tmp_path / "tmp")}),
    )  # fmt: skip
    try:
        process.communicate(b"the-token-of-this-test\n", timeout=60)
        said = os.read(main, 4096).decode()
    finally:
        process.kill()  # in case it does not end by itself; its server ends with it
        process.wait()
        os.close(main)
        os.close(terminal)
    assert process.returncode == 2
    assert "terminal" in said
    assert "Traceback" not in said
    assert "\x1b" not in said
    assert "the-token-of-this-test" not in said
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_demo_stopped_early_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with Console("", "", tmp_path, (80, 24), options=["demo"], env={"TMPDIR": str(temporary)}) as console:
        console.wait_for(lambda _: list(temporary.glob("ryze-tui-demo-*/data")), 20, what="the server's directory")
        servers = children(console.pid)
        assert servers
        console.signal(number)
        assert console.wait_exit() in (128 + number, 0 if number == signal.SIGINT else 128 + number)
        console.assert_clean()
        assert "Traceback" not in console.text()
        assert all(gone(pid) for pid in servers)
        assert not list(temporary.iterdir())


def test_a_demo_in_a_terminal_that_cannot_show_it_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with Console("", "", tmp_path, (80, 24), options=["demo"], env={"TMPDIR": str(temporary), "TERM": "dumb"}) as console:
        assert console.wait_exit() == 2
        assert "TERM" in console.text()
        assert not list(temporary.iterdir())


def test_a_token_as_an_argument_is_refused_and_not_repeated(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "ryze_tui", "--token", "typed-by-mistake"]
    with Console("", "", tmp_path, (80, 24), argv=argv) as console:
        assert console.wait_exit() == 2
        assert "never" in console.text()
        assert "typed-by-mistake" not in console.text()
