"""A real sshd on loopback with keys and configuration of its own, and the real ssh that a person would come in by."""

from __future__ import annotations

import ctypes
import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

ADVICE: Final = "the tests over ssh need {what}: apt-get install --no-install-recommends openssh-server openssh-client"
_PLACES: Final = "/usr/sbin:/usr/local/sbin:/sbin:/usr/lib/ssh"
_PRIVILEGES: Final = Path("/run/sshd")
"""An sshd that runs as root wants this empty directory; its service file makes it."""
_CONFIG: Final = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {home}/host
PidFile none
AuthorizedKeysFile {home}/user.pub
AuthenticationMethods publickey
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
PrintMotd no
PrintLastLog no
AcceptEnv *
"""


def program(name: str) -> str:
    """Where a program of OpenSSH is. AssertionError with what to install: without it these tests would say nothing."""
    found = shutil.which(name) or shutil.which(name, path=_PLACES)
    assert found, ADVICE.format(what=name)
    return found


def _dies_with_us() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Sshd:
    """Started on entering the block, ended on leaving it. `through(words)`: the command that runs them over there."""

    def __init__(self, home: Path) -> None:
        self.home, self.log = home, home / "sshd.log"

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        for name in ("host", "user"):
            make = [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self.home / name)]
            subprocess.run(make, check=True, stdin=subprocess.DEVNULL)
        if os.geteuid() == 0:
            _PRIVILEGES.mkdir(mode=0o755, exist_ok=True)
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.terminate()
        self.process.wait()

    def _start(self) -> None:
        with socket.socket() as asking:
            asking.bind(("127.0.0.1", 0))
            self.port = int(asking.getsockname()[1])
        (self.home / "sshd_config").write_text(_CONFIG.format(port=self.port, home=self.home))
        argv = [program("sshd"), "-D", "-e", "-f", str(self.home / "sshd_config")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, preexec_fn=_dies_with_us
            )
        end = time.monotonic() + 20
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as asking:
                    assert asking.recv(4) == b"SSH-", self.log.read_text()
                break
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, self.log.read_text()
                time.sleep(0.02)
        key = (self.home / "host.pub").read_text().split()
        (self.home / "known").write_text(f"[127.0.0.1]:{self.port} {key[0]} {key[1]}\n")

    def through(self, words: Sequence[str], *sent: str) -> list[str]:
        """An ssh with a terminal. `sent`: names of variables of its environment that go along, so that none is in an argv."""
        options = {
            "Port": str(self.port), "User": pwd.getpwuid(os.geteuid()).pw_name, "IdentityFile": str(self.home / "user"),
            "IdentitiesOnly": "yes", "IdentityAgent": "none", "UserKnownHostsFile": str(self.home / "known"),
            "GlobalKnownHostsFile": "none", "BatchMode": "yes", "LogLevel": "ERROR", "EscapeChar": "none",
            "SendEnv": " ".join(sent) or "LANG",
        }  # fmt: skip
        flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return [program("ssh"), "-F", "none", "-tt", *flags, "127.0.0.1", "exec " + shlex.join(words)]
