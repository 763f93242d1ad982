"""Nothing is dropped before the answer, and a code that cannot be scanned any more is never on the screen."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import pytest

from ..pace import patient
from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .driver import COMMAND, Console

pytestmark = pytest.mark.e2e
CONNECT = r"GET /api/instance/connect/"
SPEED = 20.0
QUICK = f"""
import sys
import ryze_tui.pairing.flow as flow

for name in ("FIRST_CODE", "NEXT_CODE", "ALONE", "PAIRING_CODE", "GRACE"):
    setattr(flow, name, getattr(flow, name) / {SPEED})
from ryze_tui.cli import main

sys.exit(main(sys.argv[1:]))
"""
"""The console with WhatsApp's times divided as the simulator divides them."""


def test_connecting_a_connected_number_waits_for_the_answer(serve: Server, proxy: Proxy, tmp_path: Path) -> None:
    with Console(proxy.url, serve.token, tmp_path, (80, 24)) as console:
        console.ready()
        name = next(name for name, word in console.rows().items() if word == "connected")
        console.put_cursor(name)
        for key, answer in (("c", "enter"), ("c", "esc"), ("p", "enter")):
            console.press(key)
            console.wait_for(f"{name} is connected as")
            console.press(answer)
            console.wait_gone(f"{name} is connected as")
        console.settle()
        assert proxy.seen(CONNECT) == []
        console.press("c")
        console.wait_for(f"{name} is connected as")
        assert proxy.seen(CONNECT) == []
        console.press("y")
        console.wait_for(lambda _: len(proxy.seen(CONNECT)) == 1, what="the one connect that was agreed to")


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_code_can_be_read_in_every_layout(shared: Server, tmp_path: Path, size: tuple[int, int]) -> None:
    name = f"qr-{size[0]}"
    shared.create(name, websocketEnabled=True)
    with Console(shared.url, shared.token, tmp_path, size) as console, shared.listen(name) as events:
        console.ready()
        console.put_cursor(name)
        console.press("c")
        console.wait_qr()
        console.press("m")
        console.settle()
        assert console.qr() == events.codes()[:1]
        console.resize(80, 24)
        console.settle()
        assert console.qr() == events.codes()[:1]
        console.resize(*size)
        console.settle()
        assert console.qr() == events.codes()[:1]


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_the_code_can_be_read_through_tmux(shared: Server, tmp_path: Path, size: tuple[int, int]) -> None:
    name = f"tmux-{size[0]}"
    shared.create(name, websocketEnabled=True)
    (tmp_path / "tmux.conf").write_text("set -g status off\nset -g default-terminal tmux-256color\n")
    tmux = ["tmux", "-u", "-S", str(tmp_path / "socket"), "-f", str(tmp_path / "tmux.conf"), "new-session"]
    with Console(shared.url, shared.token, tmp_path, size, argv=[*tmux, *COMMAND]) as console:
        console.ready()
        console.put_cursor(name)
        console.press("c")
        shown = console.wait_qr()
        shared.simulate(name, "scan", code=shown)
        console.wait_for("connected as")
        console.press("space")
        console.wait_badge(name, "connected")
        console.press("q")
        assert console.wait_exit() == 0
        console.assert_clean()


@pytest.mark.parametrize("serve", [{"speed": SPEED, "rate_limit": 0}], indirect=True)
def test_no_dead_code_is_ever_on_the_screen(serve: Server, proxy: Proxy, tmp_path: Path) -> None:
    """Six codes live and die while nobody scans; what can be read on the screen can always be scanned at that moment."""
    serve.create("sales", websocketEnabled=True)
    argv = [sys.executable, "-c", QUICK]
    with Console(proxy.url, serve.token, tmp_path, (80, 24), argv=argv) as console, serve.listen("sales") as events:
        console.ready()
        console.put_cursor("sales")
        console.press("c")
        console.wait_qr()
        codes, read, wrong = events.codes(), set(), 0.0
        assert len(codes) == 6
        end = time.monotonic() + 160 / SPEED + 2
        while time.monotonic() < end:
            console.watch(0.1)
            alive = serve.call("GET", "/simulator/sales")["phone"]["code"]
            shown = console.qr()
            read.update(shown)
            if shown in ([], codes[alive - 1 : alive] if alive else []):
                wrong = 0.0
            else:
                wrong = wrong or time.monotonic()
                assert time.monotonic() - wrong < patient(0.5), f"code {codes.index(shown[0]) + 1} is shown, {alive} lives"
        assert read == set(codes), "every code was shown in its time"
        assert console.qr() == []
        assert len(proxy.seen(CONNECT)) == 1, "the codes come from the stream, not from new calls"


def test_a_code_replaced_elsewhere_leaves_the_screen(serve: Server, proxy: Proxy, tmp_path: Path) -> None:
    serve.create("sales", websocketEnabled=True)
    with Console(proxy.url, serve.token, tmp_path) as console, serve.listen("sales") as events:
        console.ready()
        console.put_cursor("sales")
        console.press("c")
        first = console.wait_qr()
        assert first == events.codes()[0]
        serve.call("GET", "/api/instance/connect/sales")
        at = events.wait_state("qr_ready")
        console.wait_for(lambda _: console.qr() != [first], 3, what="the old code to go")
        assert console.read_at - at < patient(1.5)


def test_an_instance_deleted_elsewhere_takes_its_code_along(serve: Server, tmp_path: Path) -> None:
    serve.create("sales", websocketEnabled=True)
    with Console(serve.url, serve.token, tmp_path) as console:
        console.ready()
        console.put_cursor("sales")
        console.press("c")
        console.wait_qr()
        serve.call("DELETE", "/api/instance/delete/sales")
        console.wait_for(lambda _: console.qr() == [], 5, what="the code of a deleted instance to go")
