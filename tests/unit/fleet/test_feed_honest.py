"""The feed where servers are odd: sockets that never open, full servers, gateways that answer for them, frames told twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ryze_tui.api.errors import BadReply, RateLimited, Unreachable
from ryze_tui.client.replies import Health

from .test_feed import FULL, MODES, PLAIN, World, world


def test_a_numbered_frame_told_twice_changes_nothing() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.happens("i001", "disconnected")
        w.server.happens("i001", "connected")
        (socket,) = w.server.sockets
        socket.push(w.server.ring[-2])
        await asyncio.sleep(0.01)
        assert w.state("i001") == "connected"
        assert len(w.events) == 2
        assert w.kind == "live"

    world(story, extensions=FULL)


@pytest.mark.parametrize("seq", ["E.0", "another.7"])
def test_a_stream_that_contradicts_itself_begins_again_with_a_snapshot(seq: str) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.happens("i001", "disconnected")
        await asyncio.sleep(0.01)
        w.server.instances["i002"].state = "banned"
        (socket,) = w.server.sockets
        socket.push({"seq": seq, "event": "heartbeat", "data": {}, "instance": ""})
        await asyncio.sleep(3)
        assert "after=" not in w.server.dials[-1][1]
        assert len(w.server.dials) == 2
        assert (w.kind, w.state("i002")) == ("live", "banned")

    world(story, extensions=FULL)


def test_an_event_told_again_late_on_a_socket_is_nobodys_news_and_is_read_again() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.happens("i001", "qr_ready", timestamp="2026-01-01T00:00:01Z", codes=["2@old"])
        w.server.happens("i001", "connected", timestamp="2026-01-01T00:00:02Z")
        await asyncio.sleep(2)
        w.server.lists.clear()
        socket = next(socket for socket in w.server.sockets if socket.name == "i001")
        data = {"state": "qr_ready", "timestamp": "2026-01-01T00:00:01Z", "codes": ["2@old"]}
        socket.push({"event": "instance.state", "data": data, "instanceData": {"instance": "i001"}})
        await asyncio.sleep(0.01)
        assert w.state("i001") == "connected"
        assert w.events[-1] == ("i001", "qr_ready", False)
        await asyncio.sleep(2)
        assert [names for _at, names in w.server.lists] == ["i001"]

    world(story, extensions=PLAIN)


@MODES
def test_a_server_whose_sockets_never_open_is_polled_calmly_and_is_not_offline(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        async def dial(path: str, token: str) -> Any:
            w.server.dials.append((w.clock.monotonic(), path))
            raise Unreachable("does not speak WebSocket here")

        w.feed._stream._dial = w.feed._sockets._dial = dial  # type: ignore[assignment]
        await asyncio.sleep(60)
        w.links.clear()
        w.server.dials.clear()
        asked, health = 0, w.server.health

        async def counted() -> Health:
            nonlocal asked
            asked += 1
            return await health()

        w.server.health = counted  # type: ignore[method-assign]
        w.server.instances["i001"].state = "banned"
        await asyncio.sleep(600)
        assert w.kind == "polling"
        assert {kind for _at, kind in w.links} <= {"polling"}
        assert w.state("i001") == "banned"
        assert asked <= 60
        assert len(w.server.dials) <= 600
        w.feed._stream._dial = w.feed._sockets._dial = w.server.dial
        await asyncio.sleep(60)
        assert w.kind == "live"

    world(story, extensions=extensions)


def test_sockets_that_need_the_accounts_token_leave_the_person_their_share() -> None:
    async def story(w: World) -> None:
        most = 0
        for _n in range(300):
            await asyncio.sleep(1)
            most = max(most, *(used for token, (_began, used) in w.server._windows.items() if token == w.server.token))
        assert w.server.refused == 0
        assert most <= 70
        assert w.kind == "live"

    async def body(w: World) -> None:
        for inst in w.server.instances.values():
            inst.shows_token = False
        await story(w)

    world(body, count=150, extensions=PLAIN, limit=100, latency=0.2)


def test_a_doubt_that_came_after_a_list_was_asked_for_is_not_settled_by_it() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.latency = 4.0
        w.feed.doubt()
        await asyncio.sleep(3)
        w.server.instances["i001"].streaming = False
        w.server.instances["i001"].state = "banned"
        w.feed.doubt()
        await asyncio.sleep(6)
        assert w.state("i001") == "banned"

    world(story, extensions=PLAIN)


def test_reading_one_row_after_an_outage_takes_the_offline_badge_away_and_the_rest_is_read_at_once() -> None:
    async def story(w: World) -> None:
        for inst in w.server.instances.values():
            inst.streaming = False
        await asyncio.sleep(200)
        w.server.goes_down()
        while w.kind != "offline":
            await asyncio.sleep(0.01)
        w.server.instances["i002"].state = "banned"
        w.server.comes_up()
        await w.feed.read(["i001"])
        await asyncio.sleep(0.5)
        assert (w.kind, w.state("i002")) == ("polling", "banned")

    world(story, extensions=PLAIN)


def test_a_person_who_keeps_reading_one_row_does_not_hold_up_the_others() -> None:
    async def story(w: World) -> None:
        for inst in w.server.instances.values():
            inst.streaming = False
        await asyncio.sleep(30)
        w.server.instances["i002"].state = "banned"
        for _n in range(10):
            await asyncio.sleep(3)
            await w.feed.read(["i001"])
        assert w.state("i002") == "banned"

    world(story, extensions=PLAIN)


def test_a_gateway_that_answers_for_a_server_that_is_away_does_not_take_the_stream_away() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        real = w.server.health

        async def gateway() -> Health:
            raise BadReply("the server answered 502 without saying why", status=502)

        w.server.health = gateway  # type: ignore[method-assign]
        w.server.goes_down()
        await asyncio.sleep(2)
        w.server.answer = BadReply("the server answered 502 without saying why", status=502)
        w.server.comes_up()
        await asyncio.sleep(60)
        w.server.health, w.server.answer = real, None  # type: ignore[method-assign]
        await asyncio.sleep(60)
        assert w.kind == "live"
        assert [socket.name for socket in w.server.sockets] == [None]

    world(story, extensions=FULL)


def test_a_first_health_that_fails_is_asked_again() -> None:
    async def story(w: World) -> None:
        real = w.server.health

        async def gateway() -> Health:
            raise BadReply("the server answered 502 without saying why", status=502)

        w.server.health = gateway  # type: ignore[method-assign]
        await asyncio.sleep(20)
        w.server.health = real  # type: ignore[method-assign]
        await asyncio.sleep(60)
        assert [socket.name for socket in w.server.sockets] == [None]
        assert w.kind == "live"

    world(story, extensions=FULL)


def test_the_first_instance_of_an_account_is_not_live_while_the_server_is_away() -> None:
    async def story(w: World) -> None:
        w.server.instances.clear()
        await asyncio.sleep(10)
        item, _message = await w.server.create({"name": "first"})
        now = w.clock.monotonic()
        w.server.goes_down()
        w.feed.doubt()
        await asyncio.sleep(0.01)
        w.feed.told(w.model.apply_created(item, received_at=now, now=w.clock.time()))
        w.feed.prefer("first", created=True)
        for _n in range(100):
            assert w.kind == "offline"
            await asyncio.sleep(0.02)

    world(story, extensions=PLAIN)


def test_a_new_instances_socket_that_hangs_is_not_live_for_long() -> None:
    async def story(w: World) -> None:
        w.server.instances.clear()
        await asyncio.sleep(10)
        item, _message = await w.server.create({"name": "first"})

        async def hanging(path: str, token: str) -> Any:
            await asyncio.sleep(1e6)

        w.feed._sockets._dial = hanging  # type: ignore[assignment]
        w.server.answer = BadReply("not JSON")
        w.feed.told(w.model.apply_created(item, received_at=w.clock.monotonic(), now=w.clock.time()))
        w.feed.prefer("first", created=True)
        await asyncio.sleep(40)
        assert w.kind != "live"

    world(story, extensions=PLAIN)


def test_a_row_made_a_moment_ago_is_not_asked_about_while_its_socket_opens() -> None:
    async def story(w: World) -> None:
        w.server.add("other", streaming=True)
        await asyncio.sleep(60)
        assert w.kind == "live"
        item, _message = await w.server.create({"name": "first"})

        async def hanging(path: str, token: str) -> Any:
            await asyncio.sleep(1e6)

        w.feed._sockets._dial = hanging  # type: ignore[assignment]
        w.feed.told(w.model.apply_created(item, received_at=w.clock.monotonic(), now=w.clock.time()))
        w.feed.prefer("first", created=True)
        assert w.feed.covers("first"), "at once"
        await asyncio.sleep(1)
        assert w.feed.covers("first"), "its socket is only late"
        await asyncio.sleep(5)
        assert not w.feed.covers("first"), "by now anybody may have linked it"

    world(story, extensions=PLAIN)


def test_rows_that_only_lists_tell_of_are_not_younger_than_the_list() -> None:
    async def story(w: World) -> None:
        w.server.add("quiet", streaming=False)
        await asyncio.sleep(60)
        assert w.kind == "live"
        await asyncio.sleep(10)
        for name in list(w.model.rows):
            w.server.happens(name, "disconnected")
        for _n in range(60):
            await asyncio.sleep(1)
            last = max(at for at, names in w.server.lists if names is None)
            assert w.feed.link().since <= last

    world(story, extensions=PLAIN)


@MODES
def test_names_that_are_gone_are_not_kept(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        for n in range(20):
            w.feed.prefer(f"i{n % 12:03}")
            w.server.remove("i000") if n == 10 else None
            await asyncio.sleep(1)
        assert w.feed._sockets._first <= w.model.rows.keys()
        w.feed.prefer("never-there")
        w.server.instances["i001"].streaming = False
        await asyncio.sleep(120)
        assert w.feed._sockets._first <= w.model.rows.keys()

    world(story, extensions=extensions)


def test_a_server_that_is_full_of_sockets_is_polled_and_answers_keys() -> None:
    """Contract §8 #36: a 429 on the upgrade that is about sockets, not about requests."""

    async def story(w: World) -> None:
        async def dial(path: str, token: str) -> Any:
            raise RateLimited("At most 16 sockets at a time", retry_after=30.0)

        w.feed._stream._dial = dial  # type: ignore[assignment]
        await asyncio.sleep(120)
        assert w.kind == "polling"
        w.feed._stream._dial = w.server.dial
        await asyncio.sleep(45)
        assert w.kind == "live"

    world(story, extensions=FULL)




def test_one_slow_list_does_not_make_lists_rare() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(60)
        w.server.latency = 14.0
        await w.feed.read()
        w.server.latency = 0.1
        w.server.add("theirs")
        await asyncio.sleep(46)
        assert "theirs" in w.model.rows

    world(story, extensions=PLAIN)


@pytest.mark.parametrize("error", [Unreachable("no answer in time"), BadReply("answered 502", status=502)], ids=["lost", "502"])
def test_one_instance_whose_socket_cannot_be_opened_holds_up_no_other(error: Any) -> None:
    async def story(w: World) -> None:
        async def dial(path: str, token: str) -> Any:
            if path == "/ws/i000":
                w.server.dials.append((w.clock.monotonic(), path))
                raise error
            return await w.server.dial(path, token)

        w.feed._sockets._dial = dial  # type: ignore[assignment]
        for socket in list(w.server.sockets):
            socket.drop()
        await asyncio.sleep(20)
        assert {socket.name for socket in w.server.sockets} == w.model.rows.keys() - {"i000"}
        w.server.dials.clear()
        await asyncio.sleep(600)
        assert len(w.server.dials) <= 60
        assert len(w.server.sockets) == 11
        assert w.feed.reach.up

    world(story, extensions=PLAIN)


def test_a_gateway_in_front_of_a_server_that_is_away_is_not_dialled_by_every_socket() -> None:
    async def story(w: World) -> None:
        async def dial(path: str, token: str) -> Any:
            w.server.dials.append((w.clock.monotonic(), path))
            raise BadReply("the server answered 502 without saying why", status=502)

        await asyncio.sleep(60)
        w.feed._sockets._dial = dial  # type: ignore[assignment]
        for socket in list(w.server.sockets):
            socket.drop()
        await asyncio.sleep(60)
        w.server.dials.clear()
        await asyncio.sleep(600)
        assert len(w.server.dials) <= 60
        w.feed._sockets._dial = w.server.dial
        await asyncio.sleep(75)
        assert w.kind == "live"

    world(story, count=100, extensions=PLAIN)
