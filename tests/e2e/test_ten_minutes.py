"""A person works for ten minutes on 300 numbers of a server with the documented limits: not one 429, and the screen is right.

`RYZE_MINUTES=10 pytest tests/e2e/test_ten_minutes.py -s` for the full ten; two minutes otherwise.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .driver import Console
from .watching import assert_no_crash

pytestmark = [pytest.mark.e2e, pytest.mark.long]
MINUTES: Final = float(os.environ.get("RYZE_MINUTES", "2"))
STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3})")
WORDS: Final = {"loggedout": "logged out"}


class Person:
    """What an operator does all day, at an operator's speed."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.codes = self.rounds = 0

    def round(self) -> None:
        """About a quarter of a minute: look around, filter, refresh, make one, pair it, delete it, read the log."""
        self.rounds += 1
        console, name = self.console, f"person-{self.rounds}"
        console.press(*["down"] * 8, "pagedown", "up", "home")
        self.filter("state:banned")
        console.press("R")
        console.watch(2)
        self.make(name)
        self.pair(name)
        self.delete(name)
        console.press("L")
        console.wait_for("Log of calls", 10)
        console.watch(1)
        console.press("esc")
        console.wait_gone("Log of calls")
        console.press("s")
        console.watch(2)

    def filter(self, text: str) -> None:
        console = self.console
        console.press("/")
        console.settle(0.2)
        console.type(text)
        console.wait_for(f"/ {text}")
        console.wait_for(lambda _: set(console.rows().values()) <= {"banned"}, 10, what="banned rows only")
        console.press("esc")
        console.wait_gone(f"/ {text}")

    def make(self, name: str) -> None:
        console = self.console
        console.press("n")
        console.wait_for("New instance")
        console.type(name)
        console.press("tab", "tab", "tab", "tab")  # token, blocks, cancel, create
        console.wait_for("connected later with c or p")
        console.press("enter")
        console.wait_for(lambda _: console.cursor() == name, 15, what=f"the cursor on {name}")

    def pair(self, name: str) -> None:
        console = self.console
        console.press("c")
        self.codes += bool(console.wait_qr(15))
        console.watch(2)
        console.press("esc")
        console.wait_for(lambda _: console.cursor() == name, 15, what="the list again")

    def delete(self, name: str) -> None:
        console = self.console
        console.press("d")
        console.wait_for(f"Delete {name}?")
        console.type(name)
        console.press("enter")
        console.wait_for(lambda _: name not in console.rows(), 15, what=f"{name} gone")


def cpu(pid: int) -> float:
    """Seconds of a processor that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def differences(console: Console, known: dict[str, str]) -> str:
    """Where the screen (tall enough for all) and the server disagree."""
    rows = {name: word for name, word in console.rows().items() if word != "deleted"}
    differing = [name for name in known | rows if rows.get(name) != known.get(name)]
    return ", ".join(f"{name}: {rows.get(name)}, there {known.get(name)}" for name in differing)


@pytest.mark.timeout(MINUTES * 60 + 240)
def test_not_one_429(tmp_path: Path) -> None:
    answers: Counter[int] = Counter()

    def count(data: bytes) -> tuple[bytes, float, bool]:
        if (head := STATUS.match(data)) is not None:
            answers[int(head[1])] += 1
        return data, 0.0, True

    with (
        Server(tmp_path / "server", instances=300, speed=1.0, extensions=False) as server,
        Proxy(server.url) as proxy,
        Console(proxy.url, server.token, tmp_path) as console,
    ):
        proxy.mangle(count)
        console.ready("300 of 300")
        server.storm(1, MINUTES * 30)  # what is down then comes back at the same rate, all of it before the end
        person, began, used = Person(console), time.monotonic(), cpu(console.pid)
        while time.monotonic() - began < MINUTES * 60:
            person.round()
        minutes, used = (time.monotonic() - began) / 60, cpu(console.pid) - used
        account = [r.at for r in proxy.requests if r.headers.get("token") == server.token and r.at >= began]
        busiest = max(sum(at <= other < at + 60 for other in account) for at in account)
        lists = [r for r in proxy.list_calls(began) if "instanceName" not in r.path]
        print(
            f"\n{minutes:.1f} minutes, {person.rounds} rounds, {person.codes} codes:",
            f"{len(account) / minutes:.1f} requests a minute",
            f"({busiest} in the busiest), {len(lists) / minutes:.1f} whole lists a minute, {proxy.sockets} sockets opened,",
            f"{100 * used / minutes / 60:.1f} % of a core, answers {dict(answers)}",
        )
        assert answers[429] == 0
        assert person.codes == person.rounds > 0
        console.resize(120, 340)
        end = time.monotonic() + 75  # a row without a socket is told by a list
        known = {name: WORDS.get(state, state) for name, state in server.states().items()}
        while told := differences(console, known):
            assert time.monotonic() < end, told
            console.watch(5)
            known = {name: WORDS.get(state, state) for name, state in server.states().items()}
        console.quit()
    assert_no_crash(tmp_path)
