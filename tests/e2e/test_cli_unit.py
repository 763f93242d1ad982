"""`server unit`: what systemd would run, run as systemd does, with nothing but what stands in the file."""

from __future__ import annotations

import configparser
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from ..terminal.server import READY, Server
from .commands import Commands

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def read(text: str) -> configparser.ConfigParser:
    """The unit, as far as it is written like every other INI file."""
    parser = configparser.ConfigParser(interpolation=None, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


def started(unit: str) -> subprocess.Popen[bytes]:
    """ExecStart with an empty environment, as of the manual: $$ and %% are one of it, the rest is like a shell's."""
    words = [word.replace("$$", "$").replace("%%", "%") for word in shlex.split(read(unit)["Service"]["ExecStart"])]
    return subprocess.Popen(words, cwd="/", env={}, stdout=subprocess.PIPE)


def test_what_the_unit_starts_serves_and_is_found(shared: Server, tmp_path: Path) -> None:
    ryze = Commands(shared, tmp_path / 'a home of $HOME %h "quoted"', RYZE_URL="", RYZE_TOKEN="")
    assert ryze("server", "unit", "--port", "0").code == ryze("server", "unit", "--json").code == 2
    unit = ryze("server", "unit", "--port", "18123")
    assert unit.code == 0 and unit.err == "" and "systemctl --user enable --now" in unit.out
    assert read(unit.out)["Install"]["WantedBy"] == "default.target" and shared.token not in unit.out
    process = started(unit.out.replace('"18123"', '"0"'))
    try:
        assert process.stdout is not None
        url = READY.search(process.stdout.readline())
        assert url is not None
        told = ryze("server", "status", "--json")
        assert (told.code, told.document()["running"], told.document()["accounts"]) == (0, True, 1)
        assert "systemctl --user stop" in told.document()["problem"]
        for what in ("start", "stop"):
            assert re.search("did not start.*systemctl --user stop ryze-tui", ryze("server", what).err)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert ryze("server", "status").code == 3
    assert Path(told.document()["data"], "account-token").stat().st_mode & 0o777 == 0o600
