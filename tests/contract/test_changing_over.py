"""The console changes over between real servers in both modes: nothing of the account that was left stays or comes late."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ryze_tui.console.accounts import Place
from ryze_tui.console.app import RyzeConsole
from textual.pilot import Pilot

from tests.terminal.server import Server

pytestmark = pytest.mark.long
MODES = pytest.mark.parametrize("extensions", [True, False], ids=["stream", "plain"])


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def pair(extensions: bool, tmp_path: Path) -> Iterator[tuple[Place, Place]]:
    """Two servers: `north` with two numbers, `south` with three."""
    with (
        Server(tmp_path / "north", extensions=extensions, rate_limit=500) as north,
        Server(tmp_path / "south", extensions=extensions, rate_limit=900) as south,
    ):
        for server, names in ((north, ("n-1", "n-2")), (south, ("s-1", "s-2", "s-3"))):
            for name in names:
                server.create(name, websocketEnabled=True, websocketEvents=["instance.state"])
            server.http.close()  # its connection is not one of the console's
        yield Place(north.url, north.token, "north"), Place(south.url, south.token, "south")


async def until(pilot: Pilot[int], condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}\n{shown(pilot.app)}"  # type: ignore[arg-type]
        await pilot.pause(0.01)


def shown(app: RyzeConsole) -> str:
    return "\n".join("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())


def ours() -> Counter[str]:
    """The tasks that run for an account, by name; a task that somebody else named is not ours."""
    names = (task.get_name() for task in asyncio.all_tasks())
    known = ("keep", "feed", "health", "poll", "follow", "watch", "sockets", "socket ", "connect ", "stream")
    return Counter(name for name in names if name.startswith(known))


def ports() -> Counter[int]:
    """How many connections of this process are open to which port of this machine."""
    links = []
    for number in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue  # the one that listed them
    inodes = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:")}
    lines = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return Counter(int(words[2].partition(":")[2], 16) for words in lines if words[9] in inodes and words[3] == "01")


def port(place: Place) -> int:
    return int(place.host.rpartition(":")[2])


@MODES
async def test_no_task_socket_or_budget_of_the_one_that_was_left(pair: tuple[Place, Place]) -> None:
    north, south = pair
    app = RyzeConsole(north.url, north.token, profile="north")
    async with app.run_test(size=(120, 40)) as pilot:

        async def there(place: Place, rows: int) -> None:
            await until(pilot, lambda: app.account and app.account.url == place.url and app.account.link.kind == "live", "live")
            await until(pilot, lambda: app.main.loaded and len(app.main.instances.names) == rows, "its rows")

        await there(north, 2)
        tasks, sockets = ours(), ports()[port(north)]
        assert tasks["feed"] == 1 and sockets
        limits = set()
        for _turn in range(3):
            app.accounts.change_over(south)
            await there(south, 3)
            await until(pilot, lambda: not ports()[port(north)], "no connection to north is left")
            assert "n-1" not in shown(app) and "s-1" in shown(app)
            assert app.account is not None
            limits.add(app.account.budget.limit)
            app.accounts.change_over(north)
            await there(north, 2)
            await until(pilot, lambda: not ports()[port(south)], "no connection to south is left")
            assert "s-1" not in shown(app) and "n-1" in shown(app)
            limits.add(app.account.budget.limit)
        await until(pilot, lambda: ours() == tasks, "the tasks of one account")
        assert limits == {500, 900}
        accounts = [worker for worker in app.workers if worker.group == "account" and not worker.is_finished]
        assert len(accounts) == 1
    await until_none()


async def until_none() -> None:
    async with asyncio.timeout(10):
        while ours():
            await asyncio.sleep(0.01)


class Slow:
    """A server whose list is answered when the test says so, if anybody still wants it then."""

    def __init__(self) -> None:
        self.asked, self.go, self.answered = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ")[1]
                if path.startswith(b"/api/instance/list"):
                    self.asked.set()
                    await self.go.wait()
                    item = {"name": "of-the-slow-one", "token": "t" * 20, "connection": {"state": "banned"}}
                    body, status = {"success": True, "message": "1 Instance found", "instances": [item]}, "200 OK"
                else:
                    body, status = {"success": False, "error": {"message": "Not found"}}, "404 Not Found"
                text = json.dumps(body).encode()
                head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n".encode()
                writer.write(head + text)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if self.go.is_set():
                self.answered.set()
            writer.close()


@pytest.mark.parametrize("extensions", [True], ids=["stream"])
async def test_answers_that_are_under_way_never_show_under_another(pair: tuple[Place, Place]) -> None:
    slow, (_north, south) = Slow(), pair
    server = await asyncio.start_server(slow.serve, "127.0.0.1", 0)
    place = Place(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "token-of-the-slow-one-0123", "slow")
    app = RyzeConsole(place.url, place.token, profile="slow")
    seen = []
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, slow.asked.is_set, "it was asked")
        await pilot.press("R")  # by hand as well
        left = app.account
        app.accounts.change_over(south)
        for _step in range(3):
            seen.append(shown(app))
            await pilot.pause()
        slow.go.set()
        await until(pilot, lambda: slow.answered.is_set() or not ports()[port(place)], "nobody waits for it any more")
        await until(pilot, lambda: app.main.loaded, "the rows of south")
        seen.append(shown(app))
        assert app.account is not left and "s-1" in seen[-1]
        assert all("of-the-slow-one" not in one and "slow @" not in one for one in seen[1:])
        assert not list(app._notifications)
    server.close()
