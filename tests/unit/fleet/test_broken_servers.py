"""The feed against servers that are there but wrong: what is known stays, words say what is wrong, it comes back by itself."""

from __future__ import annotations

import asyncio
import json

import pytest
from ryze_tui.api.errors import BadReply, NoAnswer, RyzeError
from ryze_tui.fleet import account_stream, poller

from .test_feed import FULL, MODES, PLAIN, World, world

GATEWAY = BadReply("the server answered 502", status=502)


def cut(w: World) -> None:
    for socket in list(w.server.sockets):
        socket.drop()


@MODES
def test_items_without_a_name_cost_no_row_that_was_known(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        items = [inst.item() for inst in w.server.instances.values()]
        w.server.answer = json.dumps({"instances": [*items[:9], 7, None, {"status": "connected"}]})
        await w.feed.read()
        assert len(w.model.rows) == 12
        assert w.model.unreadable == 3
        await asyncio.sleep(2)
        assert len(w.model.rows) == 12, "asked for by name they were unreadable too"
        del w.server.instances["i011"]
        w.server.answer = None
        await w.feed.read()
        assert sorted(w.model.rows) == [f"i{n:03}" for n in range(11)]

    world(story, extensions=extensions)


def test_a_row_gone_while_another_is_unreadable_goes_when_it_is_asked_for_by_name() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        list_text = w.server.list_text

        async def partly(names: list[str] | None = None) -> str:
            text = await list_text(names)
            return text if names else text.replace('"instances": [', '"instances": [7, ')

        w.server.list_text = partly  # type: ignore[method-assign]
        del w.server.instances["i003"]
        await w.feed.read()
        assert "i003" in w.model.rows
        await asyncio.sleep(3)
        assert "i003" not in w.model.rows

    world(story, extensions=PLAIN)


def test_an_item_that_says_nothing_readable_leaves_what_was_known_and_marks_it() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        items = [inst.item() for inst in w.server.instances.values()]
        items[1] = {"name": "i001", "status": 3, "connection": [7], "profile": "x"}
        w.server.answer = json.dumps({"instances": items})
        for _twice in range(2):
            await w.feed.read()
            row = w.model.rows["i001"]
            assert (row.state, row.number, row.item.profile_name, row.garbled) == ("connected", "5511999990000", "Acme", True)
            assert (w.model.unreadable, w.model.rows["i002"].garbled) == (1, False)
        w.server.happens("i001", "logged_out")
        await asyncio.sleep(0.01)
        assert (row.state, row.garbled) == ("loggedout", False)
        await w.feed.read()
        assert row.garbled
        w.server.answer = None
        await w.feed.read()
        assert not row.garbled

    world(story, extensions=PLAIN)


@MODES
def test_a_gateway_that_speaks_for_a_server_that_is_gone_is_an_outage(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.answer = w.server.health_answer = w.server.dial_answer = GATEWAY
        cut(w)
        await asyncio.sleep(30)
        assert (w.kind, w.feed.link().message, len(w.model.rows)) == ("offline", GATEWAY.message, 12)
        await asyncio.sleep(30)
        w.server.happens("i001", "temp_banned")
        w.server.answer = w.server.health_answer = w.server.dial_answer = None
        await asyncio.sleep(3)
        assert w.state("i001") == "banned"
        await asyncio.sleep(20)
        assert w.kind == "live"

    world(story, extensions=extensions)


@pytest.mark.parametrize("error", [NoAnswer("was not done in time"), BadReply("not JSON"), BadReply("500: oops", status=500)])
def test_a_list_that_is_broken_alone_keeps_its_words_on_the_screen(error: RyzeError) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        for inst in w.server.instances.values():
            inst.streaming = False
        await w.feed.read()
        await asyncio.sleep(5)
        w.server.answer = error
        w.server.lists.clear()
        await asyncio.sleep(30)
        for _second in range(600):
            await asyncio.sleep(1)
            assert (w.kind, w.feed.link().message) == ("stale", error.message)
        assert len(w.model.rows) == 12
        assert len(w.server.lists) < 40
        w.server.instances["i001"].state = "banned"
        w.server.answer = None
        await asyncio.sleep(31)
        assert (w.kind, w.state("i001")) == ("polling", "banned")

    world(story, extensions=PLAIN)


@MODES
def test_a_list_that_is_broken_while_streams_prove_the_rows_is_live_with_words(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.answer = BadReply("not JSON")
        with pytest.raises(BadReply):
            await w.feed.read()
        await asyncio.sleep(1)
        assert (w.kind, w.feed.link().message) == ("live", "not JSON")
        w.server.answer = None
        await asyncio.sleep(5)
        assert (w.kind, w.feed.link().message) == ("live", "")

    world(story, extensions=extensions)


@MODES
def test_streams_that_cannot_be_opened_are_said_while_lists_go_on(extensions: frozenset[str]) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        for error in (NoAnswer("does not speak WebSocket"), BadReply("answered 200 instead", status=200)):
            w.server.dial_answer = error
            cut(w)
            await asyncio.sleep(60)
            w.server.lists.clear()
            for _second in range(120):
                await asyncio.sleep(1)
                assert (w.kind, w.feed.link().message) == ("polling", error.message)
            assert 5 <= len(w.server.lists) <= 8
            w.server.dial_answer = None
            await asyncio.sleep(61)
            assert (w.kind, w.feed.link().message) == ("live", "")

    world(story, extensions=extensions)


def test_one_bad_health_after_a_restart_does_not_cost_the_account_stream() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.health_answer = BadReply("500", status=500)
        w.server.goes_down()
        await asyncio.sleep(2)
        w.server.comes_up()
        await asyncio.sleep(3)
        assert (w.kind, [socket.name for socket in w.server.sockets]) == ("live", [None])

    world(story, extensions=FULL)


def test_a_server_whose_health_was_broken_at_the_start_gets_its_account_stream_later() -> None:
    async def story(w: World) -> None:
        w.server.health_answer = BadReply("500", status=500)
        await asyncio.sleep(10)
        assert w.kind == "live"
        assert len(w.server.sockets) == 12
        w.server.health_answer = None
        await asyncio.sleep(50)
        assert (w.kind, [socket.name for socket in w.server.sockets]) == ("live", [None])

    world(story, extensions=FULL)


def test_lists_that_a_person_asked_for_do_not_delay_the_one_after_an_outage() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        for _press in range(8):
            await w.feed.read()
        for state in ("banned", "connected", "disconnected"):
            w.server.goes_down()
            await asyncio.sleep(3)
            w.server.instances["i001"].state = state
            w.server.comes_up()
            await asyncio.sleep(1)
            assert w.state("i001") == state

    world(story, extensions=PLAIN)


def test_a_server_that_comes_and_goes_all_the_time_is_not_asked_for_lists_all_the_time() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.lists.clear()
        for _flap in range(60):
            w.server.goes_down()
            await asyncio.sleep(0.5)
            w.server.comes_up()
            await asyncio.sleep(1.5)
        assert len(w.server.lists) <= 2 * (6 + 4) + 4

    world(story, extensions=PLAIN)


def test_when_one_socket_opens_again_the_others_follow_at_once() -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.dial_answer = NoAnswer("does not speak WebSocket")
        cut(w)
        await asyncio.sleep(120)
        w.server.dial_answer = None
        while not w.server.sockets:
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        assert len(w.server.sockets) == 12

    world(story, extensions=PLAIN)


def test_heartbeats_of_a_stream_that_never_said_where_it_begins_prove_nothing() -> None:
    async def story(w: World) -> None:
        w.server._begin = lambda socket, after: w.server.beat(socket)  # type: ignore[method-assign]
        await asyncio.sleep(30)
        assert (w.kind, w.feed.link().message) == ("polling", "the stream is open, but tells nothing")

    world(story, extensions=FULL)


@MODES
def test_more_instances_than_can_be_held_are_refused_in_words(
    extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (poller, account_stream):
        monkeypatch.setattr(module, "ROWS_MOST", 100)

    async def story(w: World) -> None:
        await asyncio.sleep(10)
        w.server.answer = json.dumps({"instances": [{"name": f"x{n}", "status": "connected"} for n in range(101)]})
        with pytest.raises(BadReply, match="more than 100 instances"):
            await w.feed.read()
        assert len(w.model.rows) == 12, "what was known stays, and nothing of it was half taken"
        w.server.answer = None
        await w.feed.read()
        assert len(w.model.rows) == 12

    world(story, extensions=extensions)


def test_a_snapshot_without_an_end_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_stream, "ROWS_MOST", 100)

    async def story(w: World) -> None:
        await asyncio.sleep(10)
        [socket] = w.server.sockets
        for start in range(0, 1000, 50):
            rows = [{"name": f"y{n}", "state": "connected"} for n in range(start, start + 50)]
            socket.push({"event": "snapshot", "seq": "E.1", "data": {"rows": rows, "last": False}})
        await asyncio.sleep(0.05)
        assert len(w.model.rows) <= 112
        assert "more than 100 instances" in w.feed.link().message or w.feed.link().kind != "live"
        await asyncio.sleep(60)
        assert len(w.model.rows) == 12, "the next stream begins with a true snapshot"

    world(story, extensions=FULL)


def test_rows_told_one_by_one_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_stream, "ROWS_MOST", 100)

    async def story(w: World) -> None:
        await asyncio.sleep(10)
        [socket] = w.server.sockets
        for n in range(300):
            row = {"name": f"y{n}", "state": "connected"}
            socket.push({"event": "instance.row", "seq": f"E.{n + 1000}", "instance": f"y{n}", "data": row})
        await asyncio.sleep(0.05)
        assert len(w.model.rows) <= 112

    world(story, extensions=FULL)
