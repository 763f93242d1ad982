"""A real S3: SeaweedFS in a process of its own, on free ports of loopback, killed for certain."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ACCESS, SECRET, BUCKET = "AKIDEXAMPLE", "secret-of-the-store-0123456789", "media"
_PORTS: Final = ("master.port", "volume.port", "filer.port", "s3.port")
_IDENTITY: Final = {
    "name": "tests", "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}], "actions": ["Admin", "Read", "Write", "List"],
}  # fmt: skip
LIMITED, LIMITED_SECRET = "AKIDLIMITED", "secret-of-the-limited-0123456789"
"""May read and write in BUCKET alone, and not make another one (which an Admin's put does)."""
WRITER, WRITER_SECRET = "AKIDWRITER", "secret-of-the-writer-0123456789"
"""May put objects there, and not get them."""
_OTHERS: Final = (
    {"name": "limited", "credentials": [{"accessKey": LIMITED, "secretKey": LIMITED_SECRET}],
     "actions": [f"Read:{BUCKET}", f"Write:{BUCKET}"]},
    {"name": "writer", "credentials": [{"accessKey": WRITER, "secretKey": WRITER_SECRET}], "actions": [f"Write:{BUCKET}"]},
)  # fmt: skip
_DIE_WITH_PARENT: Final = (
    "import ctypes, os, sys\n"
    "if sys.platform == 'linux': ctypes.CDLL(None).prctl(1, 9)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)
"""However the tests end, it ends with them."""


def _free(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Weed:
    """`url` is its endpoint."""

    def __init__(self, home: Path) -> None:
        self._home = home
        numbers = iter(_free(2 * len(_PORTS)))
        self._ports = {name: next(numbers) for port in _PORTS for name in (port, f"{port}.grpc")}
        self.url = f"http://127.0.0.1:{self._ports['s3.port']}"
        self.port = self._ports["s3.port"]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 60.0) -> None:
        """Start it and wait until it answers."""
        data = self._home / "data"
        data.mkdir(exist_ok=True)
        (self._home / "s3.json").write_text(json.dumps({"identities": [_IDENTITY, *_OTHERS]}))
        program = Path(sys.executable).with_name("weed")
        found = str(program) if program.exists() else _elsewhere()
        argv = [
            sys.executable, "-c", _DIE_WITH_PARENT, found, f"-logdir={self._home}", "server", "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1", f"-dir={data}", "-s3", f"-s3.config={self._home / 's3.json'}", "-volume.max=4",
            "-master.volumeSizeLimitMB=64", "-s3.port.iceberg=0", "-s3.port.lance=0",  # of fixed ports there is one for all
            *(f"-{name}={port}" for name, port in self._ports.items()),
        ]  # fmt: skip
        with (self._home / "weed.log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + seconds
        while not self._ready():
            assert self.process.poll() is None and time.monotonic() < end, (self._home / "weed.log").read_text()[-3000:]
            time.sleep(0.05)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.url, timeout=5):
                return True
        except urllib.error.HTTPError as refused:
            return refused.code == 403  # it knows its identities
        except OSError:
            return False

    def stop(self) -> None:
        """At once: a SIGTERM would take it half a minute."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def block(self, **more: Any) -> dict[str, Any]:
        """The configuration that leads here."""
        return {"enabled": True, "region": "us-east-1", "bucket": BUCKET, "accessKey": ACCESS, "secretKey": SECRET,
                "endpoint": self.url, "pathPrefix": "wa"} | more  # fmt: skip


def _elsewhere() -> str:
    """A virtual environment that is built upon another has its programs there."""
    programs = (Path(entry).parents[2] / "bin" / "weed" for entry in sys.path if Path(entry).name == "site-packages")
    found = next((str(program) for program in programs if program.exists()), None) or shutil.which("weed")
    assert found, "weed is missing: pip install -e '.[dev]'"
    return found


@contextlib.contextmanager
def running() -> Iterator[Weed]:
    """One that is there while the block runs."""
    home = Path(tempfile.mkdtemp(prefix="weed-"))
    weed = Weed(home)
    try:
        weed.start()
        yield weed
    finally:
        weed.stop()
        shutil.rmtree(home, ignore_errors=True)
