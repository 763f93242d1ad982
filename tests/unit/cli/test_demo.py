"""Servers as children: nothing starts that could not be shown, and nothing stays behind however the start goes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from ryze_tui import cli, local
from ryze_tui.cli import console


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The directory for temporary files, empty."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def handlers() -> object:
    """Signal handlers as they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def ended(pid: int) -> bool:
    """Whether the process ends soon; works for processes that are not our children."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 20)[0])
    finally:
        os.close(descriptor)


def test_nothing_starts_that_cannot_be_shown(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(local, "start_demo_now", lambda *_: pytest.fail("a server was started"))
    assert cli.main(["demo"]) == 2
    assert "TERM=dumb" in capsys.readouterr().err


def test_a_server_that_does_not_start_leaves_nothing(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "refusal", lambda: "")
    monkeypatch.setattr(local.sys, "executable", "/bin/false")
    assert cli.main(["demo"]) == 1
    assert "did not start" in capsys.readouterr().err
    assert not list(temporary.iterdir())


def test_a_program_that_is_not_there_is_told(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "refusal", lambda: "")
    monkeypatch.setattr(local.sys, "executable", "/nowhere/python")
    assert cli.main(["demo"]) == 1
    assert "did not start" in capsys.readouterr().err
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(("end", "code"), [(2, 2), (KeyboardInterrupt(), 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_server_ends_with_the_console(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, end: int | BaseException, code: int
) -> None:
    started: list[int] = []

    def show(url: str, token: str, **_: object) -> int:
        started.append(local._children[-1].pid)
        if isinstance(end, signal.Signals):
            signal.raise_signal(end)  # as if it came before the console had its own handlers
        elif isinstance(end, BaseException):
            raise end
        return int(end)

    monkeypatch.setattr(console, "refusal", lambda: "")
    monkeypatch.setattr(console, "show", show)
    try:
        got = cli.main(["demo"])
    except SystemExit as left:
        got = int(str(left.code))
    assert got == code
    assert ended(*started)
    assert not list(temporary.iterdir())


KILLED = """
import os, signal, tempfile
from ryze_tui import local
server = local.start_demo_now()
print(server.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_demo_removes_what_a_killed_one_left(temporary: Path) -> None:
    environment = os.environ | {"TMPDIR": str(temporary)}
    killed = subprocess.run([sys.executable, "-c", KILLED], env=environment, capture_output=True, text=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (left,) = temporary.iterdir()
    assert ended(int(killed.stdout))
    foreign = temporary / "ryze-tui-demo-not-ours"
    foreign.mkdir()
    (temporary / "ryze-tui-demo-link").symlink_to(foreign)
    first = local.start_demo_now()
    try:
        (ours,) = local._directories
        assert not left.exists()
        local._remove_stale()  # as another demo does, beside the one that runs
        assert (ours / "data").is_dir()
        assert foreign.is_dir()
    finally:
        local.end_children()
    assert ended(first.pid)
    assert not ours.exists()
    local.end_children()  # nothing more to do


def test_a_directory_stays_while_its_server_lives(temporary: Path) -> None:
    local.start_demo_now()
    try:
        (ours,) = local._directories
        os.close(local._locks.pop())  # the program is gone; its server is not yet
        local._remove_stale()
        assert (ours / "data").is_dir()
    finally:
        local.end_children()
    assert not ours.exists()
