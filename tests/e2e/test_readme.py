"""Every command of the README is run here. A command without a way to run it fails the test: write it below."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from ..terminal.process import Terminal, environment, private_dirs
from ..terminal.server import READY, TOKEN, Server

pytestmark = pytest.mark.e2e
ROOT: Final = Path(__file__).parents[2]
BLOCK: Final = re.compile(r"^```(?:console|sh|bash|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """The commands of the shell blocks: lines after `$ ` where a block has any, else all its lines; comments left out."""
    found = []
    for block in BLOCK.findall(text):
        lines = block.replace("\\\n", " ").splitlines()
        prompts = [line[2:] for line in lines if line.startswith("$ ")]
        for line in prompts or lines:
            words = shlex.join(shlex.split(line, comments=True))
            if words:
                found.append(line.split("  #")[0].strip())
    return list(dict.fromkeys(found))


class Runner:
    """One way to run a command for each kind of it. `url` and `token`: a server that is up."""

    def __init__(self, home: Path, server: Server) -> None:
        self.home, self.server = home, server
        binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.env = private_dirs(home) | {"PATH": binaries, "RYZE_TOKEN": TOKEN, "RYZE_URL": server.url}

    def shell(self, command: str, cwd: Path = ROOT, timeout: float = 60) -> str:
        """Run it to its end; its output."""
        done = subprocess.run(["bash", "-c", command], cwd=cwd, env=environment(self.env), timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def clone(self, command: str) -> None:
        """From this checkout instead of the network, with everything that comes after on the same line left out."""
        self.shell(f"git clone -q {shlex.quote(str(ROOT))} {shlex.quote(str(self.home / 'clone'))}")
        assert (self.home / "clone" / "Makefile").exists()

    def make(self, command: str) -> None:
        """The recipe exists; `make demo` is run for real, with the environment that is already there."""
        words = shlex.split(command)
        if words[1:] == ["demo"]:
            self.console(f"make -s -o .venv/.ready VENV={Path(sys.executable).parents[1]} demo")
        else:
            self.shell(f"make -n -o .venv/.ready {shlex.join(words[1:])}")

    def console(self, command: str) -> None:
        """Until the list is there; then q."""
        command = re.sub(r"(--url[ =])\S+", rf"\g<1>{self.server.url}", command)
        with Terminal(["bash", "-c", f"cd {shlex.quote(str(ROOT))} && {command}"], 80, 24, self.env) as term:
            term.wait_for(lambda t: "LIVE" in t.text() or "POLLING" in t.text(), 30, what=command)
            term.press("q")
            assert term.wait_exit() == 0

    def welcome(self, command: str) -> None:
        """The plain command asks where the numbers are."""
        env = {name: value for name, value in self.env.items() if not name.startswith("RYZE_")}
        with Terminal(["bash", "-c", command], 80, 24, env) as term:
            term.wait_for("Look around")
            term.press("q")
            assert term.wait_exit() == 0

    def serve(self, command: str) -> None:
        """Until its ready line, on another port and in its own directories; then SIGTERM."""
        command = re.sub(r"--port[ =]\d+", "", command) + " --port 0"
        places = r"(--(?:data-dir|key-file)[ =])\S+"
        command = re.sub(places, lambda found: f"{found[1]}{self.home}/{found[1].strip(' =-')}", command)
        with Terminal(["bash", "-c", f"exec {command}"], 200, 24, self.env) as term:
            term.wait_for(lambda t: READY.search(t.text().encode()), 30, what=command)
            term.signal(15)
            assert term.wait_exit() == 0

    def local_server(self, command: str) -> None:
        """The detached server: started, looked for, stopped, on a free port."""
        try:
            self.shell("ryze-tui server start --port 0")
            self.shell("ryze-tui server status")
        finally:
            self.shell("ryze-tui server stop")

    def text(self, command: str) -> None:
        """Prints something and ends."""
        assert self.shell(command).strip()

    def kept(self, command: str) -> None:
        """Sets something for the lines after it: it must be a command the shell takes."""
        self.shell(f"bash -nc {shlex.quote(command)}")


WAYS: Final[list[tuple[str, Callable[[Runner, str], None]]]] = [
    (r"git clone \S+( && cd \S+)?$", Runner.clone),
    (r"(cd|export) ", Runner.kept),
    (r"make [a-z-]+$", Runner.make),
    (r"(\S+/)?ryze-tui demo", Runner.console),
    (r"(RYZE_TOKEN=\S+ )?(\S+/)?ryze-tui --url", Runner.console),
    (r"(\S+/)?ryze-tui$", Runner.welcome),
    (r"(RYZE_\w+=\S+ )?(\S+/)?ryze-tui serve", Runner.serve),
    (r"(\S+/)?ryze-tui server (start|stop|status)", Runner.local_server),
    (r"(\S+/)?ryze-tui (.* )?(--help|--version)", Runner.text),
    (r"curl ", Runner.kept),
]


@pytest.fixture(params=[True], ids=["extensions"])
def extensions(request: pytest.FixtureRequest) -> bool:
    """The commands of the README do not depend on the mode."""
    return bool(request.param)


@pytest.mark.parametrize("command", commands((ROOT / "README.md").read_text(encoding="utf-8")))
def test_every_command_of_the_readme_works(command: str, serve: Server, tmp_path: Path) -> None:
    for pattern, way in WAYS:
        if re.match(pattern, command):
            way(Runner(tmp_path / "readme", serve), command)
            return
    pytest.fail(f"no way to run this command of the README: {command}")


def test_commands_are_found_in_blocks() -> None:
    first = "```console\n$ make demo\nopens\n$ make test # all\n```\n"
    text = first + "```sh\n# why\nryze-tui serve \\\n  --port 1\n```\n```python\nx\n```\n"
    assert commands(text) == ["make demo", "make test # all", "ryze-tui serve    --port 1"]
