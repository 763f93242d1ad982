"""Every command of the README is run here. A command without a way to run it fails the test: write it below."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from ryze_tui.cli.schema import WITH_JSON

from ..terminal.process import Terminal, environment, private_dirs
from ..terminal.server import READY, TOKEN, Server
from .receivers import Receiver

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
        """Until the list is there; then q. On our own server, with the token file and the profile that it names."""
        command = re.sub(r"(--url[ =])\S+", rf"\g<1>{self.server.url}", re.sub(r"^RYZE_TOKEN=\S+ ", "", command))
        env = dict(self.env)
        if file := re.search(r"--token-file[ =](\S+)", command):
            (self.home / file[1]).write_text(TOKEN + "\n")
            del env["RYZE_TOKEN"]
        if profile := re.search(r"--profile[ =](\S+)", command):
            self.shell(f"{shlex.quote(sys.executable)} -c {shlex.quote(SAVE)} {profile[1]} {self.server.url} {TOKEN}")
            env = {name: value for name, value in env.items() if not name.startswith("RYZE_")}
        where = ROOT if command.startswith("make") else self.home
        with Terminal(["bash", "-c", f"cd {shlex.quote(str(where))} && {command}"], 80, 24, env) as term:
            term.wait_for(lambda t: "LIVE" in t.text() or "POLLING" in t.text(), 30, what=command)
            term.press("q")
            assert term.wait_exit() == 0
            term.assert_clean()

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
            assert "running on http" in self.shell("ryze-tui server start --port 0")
            assert "running on http" in self.shell("ryze-tui server status")
        finally:
            assert "stopped" in self.shell("ryze-tui server stop")

    def environment_made(self, command: str) -> None:
        """A virtual environment, in an empty directory."""
        (self.home / "venv").mkdir()
        self.shell(command.replace("python3", shlex.quote(sys.executable)) + " --without-pip", cwd=self.home / "venv")

    def install(self, command: str) -> None:
        """Everything but the download: the constraints are there, and pip takes the words."""
        words = shlex.split(command)[1:]
        self.shell(shlex.join([sys.executable, "-m", *["pip", *words[:-1]], "--dry-run", "--no-deps", "--no-index", "pip"]))

    def curl(self, command: str) -> None:
        """On our own server, after the commands that come before it in the README."""
        instance = re.search(r"/(?:connect|simulator|webhook|text)/([\w-]+)|instanceName=([\w-]+)", command)
        if instance:
            name = instance[1] or instance[2]
            self.server.create(name)
            if "/message/" in command:
                self.server.call("GET", f"/api/instance/connect/{name}")
                self.server.simulate(name, "scan")
                self.server.wait_state(name, "connected")
            if "/simulator/" in command:
                self.server.call("GET", f"/api/instance/connect/{name}")
        command = re.sub(r"http://127\.0\.0\.1:\d+", self.server.url, command)
        assert '"success":true' in self.shell(command.replace("curl", "curl -sS", 1)).replace(" ", "")

    def account(self, command: str) -> None:
        """On our own server's data directory, in the order of the README: what is rotated and removed was added before."""
        where = shlex.quote(str(self.server.home / "server"))
        if re.search(r"account (rotate|remove)", command):
            self.shell(f"ryze-tui account add acme --token-file before.token --data-dir {where}", cwd=self.home)
        done = self.shell(f"{command} --data-dir {where}", cwd=self.home)
        if " add " in command:
            assert (self.home / "acme.token").stat().st_mode & 0o777 == 0o600
            self.shell(f"ryze-tui account remove acme --yes --data-dir {where}", cwd=self.home)
        elif "rotate" in command:
            assert (self.home / "acme.token").read_text() != (self.home / "before.token").read_text()
            self.shell(f"ryze-tui account remove acme --yes --data-dir {where}", cwd=self.home)
        assert done.strip()

    def moved(self, command: str) -> None:
        """Between two servers that have stopped; the file is as the whatsapp engine keeps it."""
        with Server(self.home / "stopped") as stopped:
            stopped.create("sales")
            (item,) = stopped.call("GET", "/api/instance/list")["instances"]
        data = self.home / "stopped" / "server"
        (data / "whatsapp").mkdir(mode=0o700)
        file = data / "whatsapp" / f"{item['id']}.session" if " export " in command else self.home / "sales.session"
        with contextlib.closing(sqlite3.connect(file)) as database, database:
            database.execute("CREATE TABLE whatsmeow_device (jid TEXT)")
            database.execute("INSERT INTO whatsmeow_device VALUES ('5511999990001:1@s.whatsapp.net')")
        self.shell(command.replace("./data", str(data)), cwd=self.home)
        assert (self.home / "sales.session").exists()
        assert (data / "whatsapp" / f"{item['id']}.session").exists() == (" import " in command)

    def configured(self, command: str) -> None:
        """With an editor that leaves the file as it is; what it made is a valid file."""
        self.shell(f"EDITOR=true VISUAL= {command}")
        assert "nothing is wrong" in self.shell("EDITOR=true VISUAL= ryze-tui config edit 2>&1; ryze-tui config check 2>&1")

    def scripted(self, command: str) -> None:
        """On our own server, with the instances it names there and in a state in which it can do what it says."""
        made = [name for name in ("sales", "support") if re.search(rf"\b{name}\b", command)]
        for name in made if " create " not in command else ():
            if name in self.server.instances():
                self.server.call("DELETE", f"/api/instance/delete/{name}")
            self.server.create(name)
            if " connect " not in command:
                self.server.call("GET", f"/api/instance/connect/{name}")
                self.server.simulate(name, "scan")
                self.server.wait_state(name, "connected")
        if " connect " in command:
            self.paired(command)
        elif " watch" in command:
            assert '"present"' in self.shell(f"{command} --timeout 2")
        else:
            self.shell(command)
        for name in set(made) & set(self.server.instances()):
            self.server.call("DELETE", f"/api/instance/delete/{name}")

    def coded(self, command: str) -> None:
        """In a directory of its own, on a file that was just exported."""
        self.home.mkdir(exist_ok=True)
        if " export " not in command:
            self.shell("ryze-tui export --output numbers.yaml", self.home)
        self.shell(command, self.home)

    def paired(self, command: str) -> None:
        """In a terminal, until the phone has it."""
        with Terminal(["bash", "-c", command], 80, 24, self.env) as term:
            term.wait_for("s left", 30)
            if "--number" in command:
                code = re.search(r"(?:[A-Z0-9] ){4}- (?:[A-Z0-9] ?){4}", term.text())
                assert code
                self.server.simulate("sales", "enter-code", code=re.sub(r"[ -]", "", code[0]))
            else:
                self.server.simulate("sales", "scan")
            assert term.wait_exit(30) == 0

    def profile(self, command: str) -> None:
        """On our own server; those that name one find it there."""
        add = f"printenv RYZE_TOKEN | ryze-tui profile add acme --url {self.server.url}"
        if " add " in command:
            here = re.sub(r"(--url )\S+", rf"\g<1>{self.server.url}", command)
            self.shell(f"printenv RYZE_TOKEN | {here}")
            assert "acme" in self.shell("ryze-tui profile list")
        else:
            self.shell(f"{add} && {command}")

    def taped(self, command: str) -> None:
        """What is recorded is played back."""
        self.server.paired("sales", websocketEnabled=True)
        tape = "sales.ndjson"
        if "--record" in command:
            self.shell(re.sub(r"--seconds \d+", "--seconds 1", command), cwd=self.home)
            return
        line = {"at": "", "after": 0, "instance": "sales", "event": "instance.state",
                "frame": {"event": "instance.state", "data": {"state": "connected"}}}  # fmt: skip
        (self.home / tape).write_text(json.dumps(line) + "\n")
        with Receiver().beside() as receiver:
            self.shell(re.sub(r"http://127\.0\.0\.1:\d+", receiver.url, command), cwd=self.home)
            assert [sight.event for sight in receiver.got] == ["instance.state"]

    def unit(self, command: str) -> None:
        """Into a home of its own; test_cli_unit.py runs what is in it."""
        self.shell(command.replace("~", str(self.home / "home")))
        assert "[Service]" in (self.home / "home/.config/systemd/user/ryze-tui.service").read_text()

    def completion(self, command: str) -> None:
        """In a home of its own; what is written is there."""
        (self.home / "home" / ".zfunc").mkdir()
        (self.home / "home" / ".config" / "fish" / "completions").mkdir(parents=True)
        self.shell(command.replace("~", str(self.home / "home")))

    def text(self, command: str) -> None:
        """Prints something and ends."""
        assert self.shell(re.sub(r"^\S*/", "", command)).strip()

    def kept(self, command: str) -> None:
        """Sets something for the lines after it: it must be a command the shell takes."""
        self.shell(f"bash -nc {shlex.quote(command)}")


SAVE: Final = "import sys; from ryze_tui import config; config.save_profile(config.Profile(*sys.argv[1:]))"
WAYS: Final[list[tuple[str, Callable[[Runner, str], None]]]] = [
    (r"git clone \S+( && cd \S+)?$", Runner.clone),
    (r"(cd|export) ", Runner.kept),
    (r"make [a-z-]+$", Runner.make),
    (r"python3 -m venv \S+$", Runner.environment_made),
    (r"(\S+/)?pip install ", Runner.install),
    (r"(\S+/)?ryze-tui (.* )?(--help|--version)", Runner.text),
    (r"(\S+/)?ryze-tui schema ", Runner.text),
    (r"(source <\()?(\S+/)?ryze-tui completion ", Runner.completion),
    (r"(\S+/)?ryze-tui (export|plan|apply)\b", Runner.coded),
    (r"(\S+/)?ryze-tui server (start|stop|status)", Runner.local_server),
    (r"mkdir -p \S+ && (\S+/)?ryze-tui server unit > ", Runner.unit),
    (r"(printenv RYZE_TOKEN \| )?(\S+/)?ryze-tui profile ", Runner.profile),
    (r"(\S+/)?ryze-tui ls --all-profiles$", Runner.profile),
    (r"(\S+/)?ryze-tui events ", Runner.taped),
    (rf"(echo .* \| )?(\S+/)?ryze-tui ({'|'.join(WITH_JSON)})\b", Runner.scripted),
    (r"(\S+/)?ryze-tui demo", Runner.console),
    (r"(RYZE_TOKEN=\S+ )?(\S+/)?ryze-tui --(url|profile)", Runner.console),
    (r"(\S+/)?ryze-tui$", Runner.welcome),
    (r"(RYZE_\w+=\S+ )?(\S+/)?ryze-tui serve( |$)", Runner.serve),
    (r"(\S+/)?ryze-tui account (add|list|rotate|remove|set)", Runner.account),
    (r"(\S+/)?ryze-tui session (export|import) ", Runner.moved),
    (r"(\S+/)?ryze-tui config (check|example|edit|keys|path)$", Runner.configured),
    (r"curl ", Runner.curl),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all commands; they do not depend on the mode."""
    with Server(tmp_path_factory.mktemp("readme"), instances=3, speed=10.0, rate_limit=0) as server:
        yield server


@pytest.mark.long
@pytest.mark.parametrize("command", commands((ROOT / "README.md").read_text(encoding="utf-8")))
def test_every_command_of_the_readme_works(command: str, server: Server, tmp_path: Path) -> None:
    for name in set(server.instances()) & {"sales"}:
        server.call("DELETE", f"/api/instance/delete/{name}")
    for pattern, way in WAYS:
        if re.match(pattern, command):
            way(Runner(tmp_path / "readme", server), command)
            return
    pytest.fail(f"no way to run this command of the README: {command}")


def test_commands_are_found_in_blocks() -> None:
    first = "```console\n$ make demo\nopens\n$ make test # all\n```\n"
    text = first + "```sh\n# why\nryze-tui serve \\\n  --port 1\n```\n```python\nx\n```\n"
    assert commands(text) == ["make demo", "make test # all", "ryze-tui serve    --port 1"]
