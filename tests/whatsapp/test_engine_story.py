"""First light on real software: the console in a terminal, our server, the real library, and the double in WhatsApp's place.

By keyboard alone a person makes two numbers, pairs one by the QR code that is on the screen and one by code, reads a message,
answers it, sees one number unlinked and one replaced, the server go and come back, a ban; logs out, brings back, deletes. The
same helpers as the story on simulated numbers where they do not ask the simulator.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.e2e.driver import SIZES, Console
from tests.e2e.test_story import delete, log_out, make
from tests.fakes.whatsapp.device import Device
from tests.terminal.proxy import Proxy
from tests.terminal.server import Server

from ..pace import patient
from .elsewhere import Elsewhere, serving, workers_of

pytestmark = [pytest.mark.whatsapp, pytest.mark.e2e, pytest.mark.long]


def talk(console: Console, there: Elsewhere, device: Device, *, live: bool) -> None:
    """Somebody writes, which the tape shows where the stream is the account's; m answers."""
    ana = there.wa.person("5511777770001", "Ana")
    if live:
        console.press("E")
        console.wait_for("Hold still")
    there.does(ana.say(device, "Are you open?"))
    if live:
        console.wait_for("Are you open?", 20)
        console.press("E")
        console.wait_gone("Are you open?")
    console.press("m")
    console.wait_for("Test message from sales-north")
    console.type("+55 11 77777-0001")
    console.press("enter")
    console.settle(0.2)
    console.type("Until six")
    console.press("enter")
    console.wait_for("Send to")
    console.press("y")
    console.wait_for("✔ To", 20)
    heard = there.does(ana.heard())
    assert (heard.text, heard.device) == ("Until six", device)
    console.press("esc")
    console.wait_gone("Test message from")


def restart(console: Console, server: Server, device: Device) -> None:
    """The server goes and comes back: who was connected is again, by itself, and who was logged out is not."""
    logins = device.logins
    assert server.stop() == 0
    server.start()
    console.wait_for(lambda _: device.logins == logins + 1, 30, what="the login of the server that was started again")
    server.wait_state("sales-north", "connected", 20)
    console.wait_for("LIVE", 40)
    console.wait_badge("sales-north", "connected", 40)
    assert console.rows()["sales-south"] == "logged out"


def ban(console: Console, there: Elsewhere, device: Device) -> None:
    """For a few seconds; b is for when it is over."""
    there.does(device.fail(402, code=101, expire=8))
    console.wait_badge("sales-north", "banned", 40)
    over = time.time() + 10
    device.refusal = None
    console.put_cursor("sales-north")
    console.wait_for(lambda _: time.time() > over, 30, what="the end of the ban")
    console.press("b")
    console.wait_badge("sales-north", "connected", 40)


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

        talk(console, there, device, live=extensions)

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

        if extensions:  # without them the console looks every half minute at most, and no end of a ban is told
            restart(console, server, device)
            ban(console, there, device)

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
