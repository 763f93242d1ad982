"""Proxies that other people wrote, each in a process of its own: pproxy (HTTP and SOCKS5) and proxy.py (HTTP, HTTPS)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

USER: Final = "user"
PASSWORD: Final = "real-password-0123456789"
_DEATH: Final = 1  # PR_SET_PDEATHSIG


def free_port() -> int:
    """One that nobody has at the moment."""
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return int(asking.getsockname()[1])


def _dies_with_us() -> None:
    ctypes.CDLL(None).prctl(_DEATH, signal.SIGKILL)


class RealProxy:
    """Started on entering the block, and killed with everything it started on leaving it. `log`: what it says."""

    def __init__(self, home: Path, module: str, *options: str) -> None:
        self.port, self.log = free_port(), home / f"{module}.log"
        self._home = home
        self._argv = [sys.executable, "-m", module, *(option.replace("PORT", str(self.port)) for option in options)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

    def start(self, seconds: float = 20.0) -> None:
        """On the same port each time; returns when it accepts."""
        environment = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
        environment |= {"HOME": str(self._home), "PYTHONUNBUFFERED": "1"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._home, env=environment,
                start_new_session=True, preexec_fn=_dies_with_us,
            )  # fmt: skip
        end = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None and time.monotonic() < end, self.log.read_text()
                time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, to the whole group."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It keeps every connection and does nothing any more."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """And on it goes."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGCONT)


def pproxy(home: Path, *, auth: bool = True) -> RealProxy:
    """HTTP and SOCKS5 on one port. `--auth 0`: else an address that was let in once is let in for good."""
    listen = "http+socks5://127.0.0.1:PORT" + (f"#{USER}:{PASSWORD}" if auth else "")
    return RealProxy(home, "pproxy", "-v", "-l", listen, "--auth", "0")


def proxy_py(home: Path, certificate: tuple[Path, Path] | None = None) -> RealProxy:
    """HTTP; with certificate and key the proxy itself is spoken to in TLS."""
    tls = ["--cert-file", str(certificate[0]), "--key-file", str(certificate[1])] if certificate else []
    return RealProxy(
        home, "proxy", "--hostname", "127.0.0.1", "--port", "PORT", "--basic-auth", f"{USER}:{PASSWORD}", "--num-acceptors", "1",
        "--num-workers", "1", "--timeout", "60", "--data-dir", str(home / "proxy.py"), *tls,
    )  # fmt: skip
