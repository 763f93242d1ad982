"""First light: by keyboard alone a person sees a dozen numbers, makes one, pairs two, logs out, brings back, deletes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ..pace import patient
from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .driver import SIZES, Console

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("size", SIZES, ids=["120x40", "80x24"])
def test_first_light(serve: Server, proxy: Proxy, tmp_path: Path, size: tuple[int, int]) -> None:
    begin = time.monotonic()
    with Console(proxy.url, serve.token, tmp_path, size) as console:
        console.ready()
        see(console, serve)
        make(console, "sales-north")
        pair_by_qr(console, serve, "sales-north")
        make(console, "sales-south")
        pair_by_code(console, serve, "sales-south")
        badge_turns(console, serve)
        log_out(console, serve, "sales-north")
        bring_back(console, serve, "sales-north")
        delete(console, serve, "sales-south")
        find(console)
        minutes = max(1.0, (time.monotonic() - begin) / 60)
        lists = [request.path for request in proxy.list_calls()]
        assert len([path for path in lists if "instanceName" not in path]) <= 2 * minutes, lists
        assert len(lists) <= 4 * minutes, lists
        console.quit()


def see(console: Console, server: Server) -> None:
    """The dozen, as the server knows them, and that they are made up."""
    words = {"loggedout": "logged out"}
    console.wait_for(lambda _: console.rows() == {name: words.get(state, state) for name, state in server.states().items()}, 5)
    assert "SIMULATED" in console.text()
    assert console.text().count("12 of 12") == 1


def make(console: Console, name: str) -> None:
    """n, the name, and the button that only creates."""
    console.press("n")
    console.wait_for("New instance")
    console.type("sales north")
    console.wait_for("a space cannot be in it")
    console.retype(name)
    console.press("tab", "tab", "tab", "tab")  # token, blocks, cancel, create
    console.wait_for("connected later with c or p")
    console.press("enter")
    console.wait_badge(name, "disconnected")
    console.wait_for(lambda _: console.cursor() == name, what=f"the cursor on {name}")


def pair_by_qr(console: Console, server: Server, name: str) -> None:
    """c; what a camera reads is what the server gave out; the badge follows within a second."""
    with server.listen(name) as events:
        console.press("c")
        events.wait_state("qr_ready")
        shown = console.wait_qr()
        assert shown == events.codes()[0]
        assert 240 <= len(shown) <= 275
        server.simulate(name, "scan", number="5511999990077", name="Acme Sales")
        at = events.wait_state("connected")
        console.wait_for("connected as")
        assert console.read_at - at < patient(1)
        console.wait_for("Acme Sales, +5511999990077", 3)
        assert console.qr() == []
        console.press("space")
        console.wait_badge(name, "connected")


def pair_by_code(console: Console, server: Server, name: str) -> None:
    """p, the number, and the code typed on the phone."""
    with server.listen(name) as events:
        console.press("p")
        console.wait_for("Phone number")
        console.type("0119")
        console.wait_for("without a leading zero")
        console.retype("+55 11 99999-0078")
        console.press("enter")
        code = console.wait_code()
        assert "5511999990078" in console.text()
        server.simulate(name, "enter-code", code=code)
        events.wait_state("connected")
        console.wait_for("connected as")
        console.press("space")
        console.wait_badge(name, "connected")
        refused = server.http.post(f"/simulator/{name}/enter-code", json={"code": code})
        assert refused.status_code == 409


def badge_turns(console: Console, server: Server) -> None:
    """Something happens to a number nobody is looking at: its badge says so within a second."""
    name = next(name for name, word in console.rows().items() if word == "connected" and name.startswith("sim-"))
    before = list(console.rows())
    with server.listen(name) as events:
        server.simulate(name, "unlink")
        at = events.wait_state("logged_out")
        assert console.wait_badge(name, "logged out", 5) - at < patient(1)
    assert list(console.rows()) == before, "a row moved by itself"
    assert "out of order" in console.text()


def log_out(console: Console, server: Server, name: str) -> None:
    """x asks for the name."""
    console.put_cursor(name)
    console.press("x")
    console.type_name(f"Log out {name}?", name)
    console.wait_badge(name, "logged out")
    console.wait_for("Instance logged out")  # the push is quicker than the answer, and until that comes the next key waits
    assert server.state(name) == "loggedout"


def bring_back(console: Console, server: Server, name: str) -> None:
    """b on a number that was logged out needs a new code, and says so; on one that only dropped it dials again."""
    console.wait_for(lambda _: console.cursor() == name)
    console.press("b")
    console.wait_qr()
    server.simulate(name, "scan", number="5511999990077")
    console.wait_for("connected as")
    console.press("space")
    console.wait_badge(name, "connected")
    saved = "sim-00003"  # its session is still there
    console.put_cursor(saved)
    assert console.rows()[saved] == "disconnected"
    console.press("b")
    console.wait_badge(saved, "connected")


def delete(console: Console, server: Server, name: str) -> None:
    """d asks for the name; the row goes."""
    console.put_cursor(name)
    console.press("d")
    console.type_name(f"Delete {name}?", name)
    console.wait_for(lambda _: console.rows() and console.rows().get(name, "deleted") == "deleted", what=f"{name} gone")
    assert name not in server.instances()


def find(console: Console) -> None:
    """/ takes words and states; s takes another order; esc gives everything back."""
    console.settle()
    everything = set(console.rows())
    console.press("/")
    console.settle()
    console.type("state:banned")
    console.wait_for(lambda _: set(console.rows().values()) == {"banned"}, what="only banned rows")
    console.press("esc")
    console.wait_for(lambda _: len(console.rows()) >= len(everything) - 1, what="all rows again")
    console.press("s")
    console.wait_for("by name")
    names = [name for name, word in console.rows().items() if word != "deleted"]
    assert names == sorted(names)
