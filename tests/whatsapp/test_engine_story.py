"""First light on real software: the console in a terminal, our server, the real library, and the double in WhatsApp's place.

By keyboard alone a person makes two numbers, pairs one by the QR code that is on the screen and one by code, sees one unlinked,
logs out, brings back, deletes. The same helpers as the story on simulated numbers where they do not ask the simulator.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest
from ryze_tui.backend.engine.whatsapp.make import WORKER

from tests.e2e.driver import SIZES, Console
from tests.e2e.test_story import delete, log_out, make
from tests.fakes.whatsapp.double import WhatsAppDouble
from tests.terminal.proxy import Proxy
from tests.terminal.server import Server

from ..pace import patient

pytestmark = [pytest.mark.whatsapp, pytest.mark.e2e, pytest.mark.long]
T = TypeVar("T")


class Elsewhere:
    """The double, in a loop of a thread of its own: the console's driver waits for the terminal."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.wa = WhatsAppDouble()
        self.does(self.wa.__aenter__())
        return self

    def __exit__(self, *about: Any) -> None:
        try:
            self.does(self.wa.__aexit__(*about))
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    def does(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(40)


@contextmanager
def serving(home: Path, wa: WhatsAppDouble, *, extensions: bool) -> Iterator[Server]:
    """`ryze-tui serve --engine whatsapp`, whose workers know no other WhatsApp."""
    server = Server(home, extensions=extensions, options=["--worker-command", shlex.join(wa.command(WORKER))])
    server._argv[server._argv.index("simulated")] = "whatsapp"
    with server:
        yield server


@pytest.mark.parametrize("extensions", [True, False], ids=["extensions", "plain"])
@pytest.mark.parametrize("size", SIZES, ids=["120x40", "80x24"])
def test_first_light(tmp_path: Path, size: tuple[int, int], extensions: bool) -> None:
    with (
        Elsewhere() as there, serving(tmp_path / "server", there.wa, extensions=extensions) as server, Proxy(server.url) as proxy,
        Console(proxy.url, server.token, tmp_path, size) as console,
    ):  # fmt: skip
        console.wait_for("LIVE" if extensions else "POLLING", 20)
        assert "SIMULATED" not in console.text()
        make(console, "sales-north")
        north = there.wa.phone("5511999990077", "Acme Sales")
        console.press("c")
        shown = console.wait_qr()
        assert len(shown) == 257
        device = there.does(there.wa.scan(north, shown))
        console.wait_for("connected as", 20)
        console.wait_for("Acme Sales, +5511999990077", 10)
        assert console.qr() == []
        console.press("space")
        console.wait_badge("sales-north", "connected")

        make(console, "sales-south")
        console.press("p")
        console.wait_for("Phone number")
        console.retype("+55 11 99999-0078")
        console.press("enter")
        code = console.wait_code()
        south = there.does(there.wa.enter_code(there.wa.phone("5511999990078", "South"), code))
        console.wait_for("connected as", 20)
        console.press("space")
        console.wait_badge("sales-south", "connected")

        there.does(south.removed())
        console.wait_badge("sales-south", "logged out", 40)
        there.does(device.replaced())
        console.wait_badge("sales-north", "disconnected", 40)
        console.put_cursor("sales-north")
        console.press("b")
        console.wait_badge("sales-north", "connected", 40)

        log_out(console, server, "sales-north")
        assert device.jid in there.wa.logged_out
        console.wait_for(lambda _: console.cursor() == "sales-north")
        console.press("b")
        there.does(there.wa.scan(north, console.wait_qr()))
        console.wait_for("connected as", 20)
        console.press("space")
        console.wait_badge("sales-north", "connected")
        console.wait_for(lambda _: len(console.rows()) == 2 and console.cursor(), 20, what="the rows behind the messages")
        delete(console, server, "sales-south")
        console.quit()
    assert server.process.returncode == 0
    said = server.log.read_text()
    assert "Traceback" not in said and shown not in said and code not in said


def workers_of(pid: int) -> list[int]:
    """Child processes of the server, which are its workers."""
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_server_that_is_killed_takes_its_workers_along_and_comes_back(tmp_path: Path) -> None:
    with Elsewhere() as there, serving(tmp_path / "server", there.wa, extensions=True) as server:
        server.create("shop")
        text = server.call("GET", "/api/instance/connect/shop")["qrCode"]
        device = there.does(there.wa.scan(there.wa.phone("5511999990077", "Acme"), text))
        server.wait_state("shop", "connected")
        server.create("other")
        server.call("GET", "/api/instance/connect/other")  # a pairing is under way as well
        pids = workers_of(server.process.pid)
        assert len(pids) >= 3
        server.kill()
        end = time.monotonic() + patient(5)
        while alive := [pid for pid in pids if Path(f"/proc/{pid}").exists()]:
            assert time.monotonic() < end, alive
            time.sleep(0.01)
        server.start()
        server.wait_state("shop", "connected", 20)
        assert device.logins == 2
        assert server.state("other") == "disconnected"
        began = time.monotonic()
        pids = workers_of(server.process.pid)
        assert server.stop() == 0
        assert time.monotonic() - began < patient(5) and not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_it_refuses_before_anything_is_made(tmp_path: Path) -> None:
    """Without the extra: advice, and not even a directory."""
    import subprocess

    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.metadata as m\nold = m.version\n"
        "def version(name):\n    if name == 'neonize':\n        raise m.PackageNotFoundError(name)\n    return old(name)\n"
        "m.version = version\n"
    )
    data = tmp_path / "data"
    done = subprocess.run(
        [sys.executable, "-m", "ryze_tui", "serve", "--engine", "whatsapp", "--port", "0", "--data-dir", str(data)],
        capture_output=True, text=True, timeout=60,
        env={"PYTHONPATH": str(hidden), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 2 and done.stdout == ""
    assert "needs neonize, which is not installed; install it with: pip install 'ryze-tui[whatsapp]'" in done.stderr
    assert not data.exists()
