"""The feed on a virtual clock: live by push in both modes, few lists, outages, gaps, half-open sockets, limits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ryze_tui.api.errors import BadReply
from ryze_tui.api.events import ACCOUNT_STREAM, Event
from ryze_tui.fleet.feed import Feed, Watcher
from ryze_tui.fleet.model import FleetModel

from tests.fakes.ryze import FakeRyze, Inst
from tests.fakes.virtual import VirtualClock, run

PLAIN: frozenset[str] = frozenset()
FULL = frozenset({ACCOUNT_STREAM})
MODES = pytest.mark.parametrize("extensions", [FULL, PLAIN], ids=["stream", "plain"])


class World:
    def __init__(self, **options: Any) -> None:
        self.clock = VirtualClock()
        self.sockets = options.pop("sockets", 200)
        self.server = FakeRyze(self.clock, **options)
        self.model = FleetModel()
        self.links: list[tuple[float, str]] = []
        self.events: list[tuple[str, str, bool]] = []

    def link(self) -> None:
        now, kind = self.clock.monotonic(), self.feed.link().kind
        if not self.links or self.links[-1][1] != kind:
            self.links.append((now, kind))

    async def __aenter__(self) -> World:
        server: Any = self.server
        watcher = Watcher(
            changes=lambda changes: None, link=self.link, health=lambda health: None,
            event=lambda event, at, live: self.events.append((event.instance, event.state_word, live)),
        )
        self.feed = Feed(server, server.dial, self.model, self.clock, watcher, random=lambda: 0.5, sockets=self.sockets)
        self.tasks = [asyncio.create_task(self.feed.run()), asyncio.create_task(self.server.hearts())]
        return self

    async def __aexit__(self, *_error: object) -> None:
        for task in self.tasks:
            task.cancel()
        for result in await asyncio.gather(*self.tasks, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                raise result

    @property
    def kind(self) -> str:
        return self.feed.link().kind

    def state(self, name: str) -> str:
        return self.model.rows[name].state

    def lists_within(self, seconds: float) -> int:
        now = self.clock.monotonic()
        return sum(now - at < seconds for at, _names in self.server.lists)


def world(test: Callable[..., Awaitable[None]], count: int = 12, **options: Any) -> None:
    async def body() -> None:
        made = World(**options)
        made.server.add(*(f"i{n:03}" for n in range(count)))
        async with made as opened:
            await test(opened)

    run(body())


@MODES
def test_everything_is_live_soon_and_a_change_is_pushed_at_once(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(5)
        assert w.kind == "live"
        assert len(w.model.rows) == 12
        w.server.happens("i003", "logged_out")
        await asyncio.sleep(0.01)
        assert w.state("i003") == "loggedout"
        assert ("i003", "logged_out", True) in w.events

    world(story, extensions=extensions)


@MODES
def test_idle_hours_cost_few_lists_and_stay_live(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.lists.clear()
        w.links.clear()
        w.link()
        for _minute in range(120):
            await asyncio.sleep(60)
            assert w.lists_within(60) <= 4
        assert [kind for _at, kind in w.links] == ["live"]
        assert len(w.server.lists) == (0 if extensions else pytest.approx(160, abs=2))

    world(story, extensions=extensions)


@MODES
def test_an_outage_is_said_and_everything_is_right_within_a_second_after_it(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.goes_down()
        await asyncio.sleep(2)
        assert w.kind == "offline"
        assert w.feed.link().message == "refuses connections"
        w.server.instances["i001"].state = "banned"
        del w.server.instances["i002"]
        await asyncio.sleep(58)
        assert w.kind == "offline"
        assert w.state("i001") == "connected"
        w.server.comes_up()
        await asyncio.sleep(1)
        assert w.state("i001") == "banned"
        assert "i002" not in w.model.rows
        await asyncio.sleep(4)
        assert w.kind == "live"

    world(story, extensions=extensions)


@MODES
def test_an_outage_is_probed_gently_and_for_ever(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.goes_down()
        w.server.lists.clear()
        w.server.dials.clear()
        await asyncio.sleep(6 * 3600)
        assert not w.server.lists
        assert not w.server.healths[2:]  # only knocks after the first doubt, and those less and less
        assert len(w.server.dials) <= 16
        assert sum(at < 1010 + 60 for at in w.server.knocks) <= 60 / 0.375
        assert sum(at > 1010 + 5 * 3600 for at in w.server.knocks) <= 3600 / 3.75 + 1
        w.server.comes_up()
        await asyncio.sleep(6)
        assert w.feed.reach.up

    world(story, extensions=extensions)


@MODES
def test_a_server_that_takes_connections_and_answers_nothing_is_asked_slower_and_slower(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.goes_down()
        w.server.listens = True
        await asyncio.sleep(60)
        assert w.kind == "offline"
        assert len(w.server.healths) <= 45
        w.server.healths.clear()
        await asyncio.sleep(3600)
        assert len(w.server.healths) <= 3600 / 22.5 + 60
        w.server.comes_up()
        await asyncio.sleep(31)
        assert w.kind == "live" or w.feed.reach.up

    world(story, extensions=extensions)


@MODES
def test_never_live_without_heartbeats(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        assert w.kind == "live"
        w.server.up = False
        w.server.latency = 1e6  # nothing is refused, nothing answers: the cable was pulled
        for socket in w.server.sockets:
            socket.frozen = True
        await asyncio.sleep(36)
        assert w.kind != "live"

    world(story, extensions=extensions)


def test_a_half_open_account_stream_is_stale_at_20_s_and_replaced_at_40() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(60)
        (socket,) = w.server.sockets
        w.links.clear()
        w.server.latency = 1.0
        socket.frozen = True
        w.server.instances["i001"].state = "disconnected"
        await asyncio.sleep(60)
        kinds = [kind for _at, kind in w.links]
        assert kinds[:2] == ["stale", "polling"]
        assert kinds[-1] == w.kind == "live"
        assert w.links[0][0] <= 1045 + 20.2
        assert len(w.server.dials) == 2
        assert w.state("i001") == "disconnected"

    world(story, extensions=FULL)


def test_fifty_sockets_that_drop_at_once_cost_one_list() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(30)
        assert w.kind == "live"
        w.server.lists.clear()
        for socket in list(w.server.sockets):
            socket.drop()
        w.server.instances["i001"].state = "disconnected"
        await asyncio.sleep(12)
        assert w.kind == "live"
        assert w.state("i001") == "disconnected"
        assert len(w.server.lists) == 1

    world(story, count=50, extensions=PLAIN)


def test_sockets_open_a_few_a_second_with_the_instances_own_tokens() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(40)
        times = [at for at, _path in w.server.dials]
        assert len(times) == 200
        assert all(sum(at <= other < at + 1 for other in times) <= 26 for at in times)
        assert all(w.server.budgets.of(f"token-of-i{n:03}").wait() == 0 for n in range(200))
        assert w.kind != "live"  # 50 rows have no socket

    world(story, count=250, extensions=PLAIN)


@pytest.mark.parametrize("count", [1, 20, 120, 200])
def test_live_soon_with_any_number_of_sockets_and_never_more_than_four_lists_a_minute(count: int) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(3 + count / 8)
        assert w.kind == "live"
        for _second in range(180):
            await asyncio.sleep(1)
            assert w.lists_within(60) <= 4
            assert w.kind == "live"

    world(story, count=count, extensions=PLAIN)


def test_rows_without_a_stream_are_polled_at_most_four_times_a_minute() -> None:
    async def story(w: World) -> None:
        w.server.add("quiet", streaming=False)
        await asyncio.sleep(119)
        assert w.lists_within(60) in (3, 4)
        assert w.kind == "live"
        w.server.instances["quiet"].state = "banned"
        await asyncio.sleep(21)
        assert w.state("quiet") == "banned"
        assert not w.feed.covers("quiet")
        assert w.feed.covers("i001")

    world(story, extensions=PLAIN)


def test_without_any_stream_it_is_polling_and_stale_when_polls_fail() -> None:
    async def story(w: World) -> None:
        for inst in w.server.instances.values():
            inst.streaming = False
        await asyncio.sleep(30)
        assert w.kind == "polling"
        w.server.answer = BadReply("not JSON")
        await asyncio.sleep(25)
        assert (w.kind, w.feed.link().message) == ("stale", "not JSON")
        assert len(w.model.rows) == 12
        w.server.answer = None
        await asyncio.sleep(31)
        assert w.kind == "polling"

    world(story, extensions=PLAIN)


@MODES
def test_a_revoked_token_is_refused_in_words_and_tried_again_slowly(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.accepts = False
        for socket in list(w.server.sockets):
            socket.drop(1008)
        await asyncio.sleep(40)
        assert (w.kind, w.feed.link().message) == ("refused", "Invalid token")
        assert len(w.model.rows) == 12
        w.server.lists.clear()
        await asyncio.sleep(300)
        assert len(w.server.lists) <= 11
        w.server.accepts = True
        await asyncio.sleep(40)
        assert w.kind == "live"

    world(story, extensions=extensions)


def test_the_token_of_one_instance_falls_back_to_its_own_socket() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        assert w.feed.poller.account_token is False
        assert list(w.model.rows) == ["i003"]
        assert w.kind == "live"
        w.server.happens("i003", "temp_banned")
        await asyncio.sleep(0.01)
        assert w.state("i003") == "banned"

    world(story, extensions=FULL, token="token-of-i003")


def test_a_server_that_loses_and_regains_its_account_stream() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.extensions = PLAIN
        w.server.goes_down()
        await asyncio.sleep(1)
        w.server.comes_up()
        await asyncio.sleep(15)
        assert w.kind == "live"
        assert sum(socket.name is not None for socket in w.server.sockets) == 12
        w.server.extensions = FULL
        w.server.goes_down()
        await asyncio.sleep(1)
        w.server.comes_up()
        await asyncio.sleep(15)
        assert w.kind == "live"
        assert [socket.name for socket in w.server.sockets] == [None]

    world(story, extensions=FULL)


def test_what_was_missed_is_told_again_and_not_trusted_for_its_age() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        (socket,) = w.server.sockets
        socket.drop()
        w.server.happens("i001", "qr_ready", codes=["a", "b"])
        await asyncio.sleep(3)
        assert ("i001", "qr_ready", False) in w.events
        w.server.happens("i001", "connected")
        await asyncio.sleep(0.01)
        assert ("i001", "connected", True) in w.events
        assert not [names for _at, names in w.server.lists[1:] if names is None]

    world(story, extensions=FULL)


def test_silence_after_a_resume_proves_nothing() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        beat, w.server.beat = w.server.beat, lambda socket: None  # type: ignore[method-assign]
        (socket,) = w.server.sockets
        socket.drop()
        await asyncio.sleep(2)
        (socket,) = w.server.sockets
        assert "after=" in w.server.dials[-1][1]
        assert w.kind != "live"
        assert not w.feed.covers("i001")
        w.server.happens("i001", "qr_ready", codes=["a", "b"])  # as if told again late: nothing says that it is new
        await asyncio.sleep(8)
        assert ("i001", "qr_ready", False) in w.events
        assert w.kind != "live"
        beat(socket)
        await asyncio.sleep(0.01)
        assert w.kind == "live"
        w.server.happens("i001", "connected")
        await asyncio.sleep(0.01)
        assert ("i001", "connected", True) in w.events

    world(story, extensions=FULL)


def test_a_stream_that_merely_opened_makes_nothing_younger() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.beat = lambda socket: None  # type: ignore[method-assign]
        w.server.answer = BadReply("not JSON")
        (socket,) = w.server.sockets
        before = w.feed.link().since
        for _n in range(3):
            socket.drop()
            await asyncio.sleep(10)
            (socket,) = w.server.sockets
        assert w.feed.link().since == before
        assert w.kind == "stale"

    world(story, extensions=FULL)


@MODES
def test_names_and_tokens_that_cannot_be_sent_cost_their_rows_only(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        w.server.add("bad\ud800", "..", "a/b?c")
        w.server.instances["i001"].number = "\ud800"
        await asyncio.sleep(10)
        assert w.kind == "live"
        assert len(w.model.rows) == 14
        w.server.happens("i001", "logged_out")
        w.server.happens("bad\ud800", "logged_out")
        w.server.happens("..", "logged_out")
        await asyncio.sleep(0.01)
        assert (w.state("i001"), w.state("..")) == ("loggedout", "loggedout")
        assert not any(path.startswith("/ws/..") for _at, path in w.server.dials)

    world(story, extensions=extensions)


def test_a_bug_costs_one_connection_and_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        heal, broken = w.feed._sockets._heard, iter([KeyError("token-of-i001")])

        def heard(event: Event, at: float, live: bool) -> None:
            for error in broken:
                raise error
            heal(event, at, live)

        w.feed._sockets._heard = heard
        w.server.happens("i001", "logged_out")
        await asyncio.sleep(0.01)
        assert w.kind != "live"
        assert "KeyError" in caplog.text
        assert "token-of" not in caplog.text
        await asyncio.sleep(20)
        assert w.kind == "live"
        w.server.happens("i001", "connected")
        await asyncio.sleep(0.01)
        assert w.state("i001") == "connected"
        assert ("i001", "connected", True) in w.events

    world(story, extensions=PLAIN)


def test_frames_that_cannot_be_read_are_skipped_and_many_end_the_socket() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        (socket,) = w.server.sockets
        for junk in ("", "nul", "[]", "{", '{"event":1}', "\ud800", '{"event":"snapshot","data":{"rows":3}}'):
            socket.push(junk)
        w.server.happens("i001", "disconnected")
        await asyncio.sleep(0.01)
        assert w.state("i001") == "disconnected"
        for _n in range(30):
            socket.push("junk")
        await asyncio.sleep(2)
        assert len(w.server.dials) == 2
        assert w.kind == "live"

    world(story, extensions=FULL)


def test_a_snapshot_that_breaks_off_half_way_begins_again() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        (socket,) = w.server.sockets
        rows = [Inst("i000").row()]
        socket.push({"seq": "E.9", "event": "snapshot", "data": {"rows": rows, "last": False}, "instance": ""})
        await asyncio.sleep(0.01)
        assert w.kind != "live"
        socket.drop()
        await asyncio.sleep(3)
        assert w.server.dials[-1][1].endswith("instance.state")
        assert (w.kind, len(w.model.rows)) == ("live", 12)

    world(story, extensions=FULL)


@MODES
def test_another_operators_instance_appears_with_its_details(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.appears("theirs")
        w.server.instances.pop("i005")
        w.server._account("i005", "instance.deleted", {})
        await asyncio.sleep(46)
        assert w.model.rows["theirs"].item.token == "token-of-theirs"
        assert "i005" not in w.model.rows

    world(story, extensions=extensions)


def test_a_frame_about_another_instance_is_nobodys() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        socket = next(socket for socket in w.server.sockets if socket.name == "i001")
        socket.push({"event": "instance.state", "data": {"state": "temp_banned"}, "instanceData": {"instance": "i002"}})
        await asyncio.sleep(0.01)
        assert w.state("i002") == "connected"
        assert not w.events

    world(story, extensions=PLAIN)


def test_hours_of_outages_under_the_hosted_limits_never_exceeds_them() -> None:
    async def story(w: World) -> None:
        for n in range(30):
            await asyncio.sleep(400 + 37 * n % 400)
            if n % 3 == 0:
                w.server.goes_down()
                await asyncio.sleep(20 + 13 * n % 90)
                w.server.instances["i001"].state = "connected" if n % 2 else "disconnected"
                w.server.comes_up()
            elif n % 3 == 1:
                for socket in list(w.server.sockets)[: 5 + n]:
                    socket.drop()
            else:
                for socket in list(w.server.sockets)[:3]:
                    socket.frozen = True
        await asyncio.sleep(120)
        assert w.server.refused == 0
        assert w.kind == "live"
        assert w.state("i001") == w.server.instances["i001"].state

    world(story, count=40, extensions=PLAIN, limit=100, latency=0.2)


def test_a_429_is_obeyed() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(30)
        assert w.server.refused <= 1
        await asyncio.sleep(600)
        assert w.server.refused <= 12

    async def body() -> None:
        made = World(extensions=PLAIN, limit=1)
        made.server.add("a", streaming=False)
        async with made as opened:
            await story(opened)

    run(body())


@MODES
def test_a_person_who_asks_first_after_an_outage_at_the_start_does_not_stop_the_streams(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(1)
        assert w.kind == "offline"
        w.server.up = True
        await w.feed.read()
        await asyncio.sleep(5)
        assert w.kind == "live"

    world(story, extensions=extensions, up=False)


def test_the_feed_does_not_go_on_without_its_signs_of_life() -> None:
    """Nobody would know any more that a socket is dead, and its row would be called live."""

    async def story(w: World) -> None:
        await asyncio.sleep(5)
        assert w.server.sockets

        def broken() -> float:
            raise ZeroDivisionError("a mistake of ours")

        w.feed._sockets._signs._look = broken  # type: ignore[method-assign]
        await asyncio.wait(w.tasks[:1])

    with pytest.raises(ExceptionGroup) as caught:
        world(story, extensions=PLAIN)
    assert caught.group_contains(ZeroDivisionError)
