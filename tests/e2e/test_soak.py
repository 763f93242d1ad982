"""Storms, lost connections, every screen opened and closed, other sizes, over and over: nothing in console or server grows.

`make soak` for half an hour of it; `RYZE_SOAK=MINUTES` for as long as you like; 40 s otherwise.
"""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .driver import Console
from .watching import assert_no_crash

SECONDS: Final = float(os.environ.get("RYZE_SOAK", "0")) * 60 or 40.0
WARM: Final = 4
"""Rounds after which everything was seen once: what is kept on purpose (modules, styles, the log of calls) is there."""
SCREENS: Final = {
    "?": "esc closes", "L": "Log of calls", "E": "Tape", "P": "Profiles", "T": "Theme", "n": "New instance",
    ":": "Type a command",
}  # fmt: skip
INSTANCES: Final = 120
BOUNDED: Final = {
    "ryze_tui.console.reel.Item": 2_000, "ryze_tui.fleet.model.Transition": 20 * INSTANCES, "ryze_tui.client.calls.Call": 2_000,
}  # fmt: skip
"""What is kept on purpose: up to so many events on the tape, changes of 120 rows, calls."""
WORDS: Final = {"loggedout": "logged out"}
pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(SECONDS * 3 + 240)]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a process holds: MB of memory, descriptors, of which sockets; and what is alive in the console."""

    memory: float
    descriptors: int
    sockets: int
    told: dict[str, Any]


def held(pid: int, told: dict[str, Any] | None = None) -> Seen:
    """By /proc."""
    status = Path(f"/proc/{pid}/status").read_text()
    memory = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:"))
    links = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(str(path.readlink()))
        except FileNotFoundError:
            continue
    return Seen(memory, len(links), sum(link.startswith("socket:") for link in links), told or {})


class Soak:
    """One console on one server, through a proxy that breaks."""

    def __init__(self, console: Console, server: Server, proxy: Proxy, told: Path) -> None:
        self.console, self.server, self.proxy, self.told = console, server, proxy, told
        self.rounds = 0

    def round(self) -> None:
        """A storm with somebody at the keys, a connection that breaks, every screen, another size."""
        console = self.console
        self.rounds += 1
        self.server.storm(400, 0.6)
        console.press(*["down"] * 5, "pagedown", "space", "up", "space", "home", "*", "*", "s")
        if self.rounds % 3 == 0:
            self.proxy.drop()
        console.press("/")
        console.type("sim-001")
        console.wait_for("sim-001█", 20)
        console.press("esc")
        console.wait_gone("█", 20)
        console.press("R")  # not waiting for the next attempt
        console.resize(*((80, 24) if self.rounds % 2 else (120, 40)))
        console.wait_for(lambda t: "LIVE" in t.text() and console.rows(), 30, what="LIVE again")
        for key, words in SCREENS.items():
            console.press(key)
            console.wait_for(words, 20)
            console.press("esc")
            console.wait_gone(words, 20)
        console.press("R")
        console.wait_for(lambda _: self.right(), 30, what="the rows as the server has them")

    def right(self) -> bool:
        """Every row that is shown is as the server has it."""
        states, rows = self.server.states(), self.console.rows()
        return bool(rows) and all(WORDS.get(states[name], states[name]) == word for name, word in rows.items())

    def look(self) -> Seen:
        """What the console holds now: at rest, without a toast, in the same size each time."""
        self.console.resize(120, 40)
        self.console.wait_gone("▌", 30)
        self.console.settle(0.5)
        before = len(self.told.read_text().splitlines()) if self.told.exists() else 0
        self.console.signal(signal.SIGUSR2)
        self.console.wait_for(lambda _: self.told.exists() and len(self.told.read_text().splitlines()) > before, 20)
        return held(self.console.pid, json.loads(self.told.read_text().splitlines()[-1]))


def grown(first: dict[str, int], last: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Types of which there are more, and by more than a tenth and a handful."""
    most = {name: max(first.get(name, 0) * 1.1 + 30, BOUNDED.get(name, 0)) for name in last}
    return {name: (first.get(name, 0), count) for name, count in last.items() if count > most[name]}


def others(told: dict[str, Any]) -> int:
    """Objects of all types but those, and but one that each of them holds (the data of an event)."""
    return int(told["objects"]) - 2 * sum(told["types"].get(name, 0) for name in BOUNDED)


def test_nothing_grows(tmp_path: Path) -> None:
    told = tmp_path / "told.jsonl"
    env = {"SOAK_TOLD": str(told), "PYTHONPATH": str(Path(__file__).with_name("soaked"))}
    with (
        Server(tmp_path / "server", instances=INSTANCES, speed=10.0, rate_limit=0) as server, Proxy(server.url) as proxy,
        Console(proxy.url, server.token, tmp_path, env=env) as console,
    ):  # fmt: skip
        console.ready()
        soak, began = Soak(console, server, proxy, told), time.monotonic()
        for _ in range(WARM):
            soak.round()
        first, first_server = soak.look(), held(server.process.pid)
        while time.monotonic() - began < SECONDS or soak.rounds < 3 * WARM:
            soak.round()
        last, last_server = soak.look(), held(server.process.pid)
        rounds = soak.rounds - WARM
        print(f"{rounds} rounds: console {first.memory:.1f} -> {last.memory:.1f} MB, {first.descriptors} -> {last.descriptors} "
              f"descriptors, {first.told['objects']} -> {last.told['objects']} objects; server {first_server.memory:.1f} -> "
              f"{last_server.memory:.1f} MB, {first_server.descriptors} -> {last_server.descriptors} descriptors")  # fmt: skip
        for kind, count in last.told["tasks"].items():  # a toast may be on its way out; one a round would be more
            assert count <= first.told["tasks"].get(kind, 0) + 4, (kind, first.told["tasks"], last.told["tasks"])
        assert last.told["timers"] <= first.told["timers"] + 3
        assert (last.told["threads"], last.sockets) == (first.told["threads"], first.sockets)
        assert last.descriptors <= first.descriptors + 1
        assert not grown(first.told["types"], last.told["types"])
        assert others(last.told) < others(first.told) * 1.05 + 1_000
        assert last.memory < first.memory * 1.05 + 4
        assert last_server.descriptors <= first_server.descriptors + 2 and last_server.sockets <= first_server.sockets + 1
        assert last_server.memory < first_server.memory * 1.1 + 6
        console.quit()
    assert_no_crash(tmp_path)
