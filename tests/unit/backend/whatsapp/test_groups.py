"""Names of groups: who waits for one, for how long, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from ryze_tui.backend.engine.whatsapp.worker import groups


class World:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, asyncio.Future[str]] = {}
        self.told: list[tuple[str, str, str]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.groups = groups.Groups(self.ask, self.pass_on, self.later)

    async def ask(self, group: str) -> str:
        self.asked.append(group)
        self.answers[group] = asyncio.get_running_loop().create_future()
        return await self.answers[group]

    def pass_on(self, what: str, data: dict[str, Any]) -> None:
        self.told.append((what, data.get("id", ""), data.get("name" if what == "group" else "chat_name", "")))

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work))

    def message(self, ident: str, chat: str = "1@g.us") -> None:
        self.groups.take("message", {"id": ident, "chat": chat, "name": "a person"})

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def test_who_comes_meanwhile_waits_in_order_and_others_do_not() -> None:
    world = World()
    world.message("a")
    world.message("b")
    world.message("c", "5511@s.whatsapp.net")
    world.groups.take("receipt", {"id": "r", "chat": "1@g.us"})
    await world.settle()
    assert world.told == [("message", "c", ""), ("receipt", "r", "")] and world.asked == ["1@g.us"]
    world.answers["1@g.us"].set_result("Bakers")
    await world.settle()
    world.message("d")
    assert world.told[2:] == [("message", one, "Bakers") for one in "abd"]
    world.groups.take("group", {"id": "g", "group": "1@g.us", "type": "name", "name": "Cooks"})
    world.message("e")
    assert world.told[5:] == [("group", "g", "Cooks"), ("message", "e", "Cooks")] and world.asked == ["1@g.us"]


async def test_a_name_that_cannot_be_had_is_not_asked_for_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.message("a")
    await world.settle()
    world.answers["1@g.us"].set_exception(RuntimeError("rate-overlimit"))
    await world.settle()
    world.message("b")
    await world.settle()
    assert world.told == [("message", "a", ""), ("message", "b", "")] and world.asked == ["1@g.us"]
    monkeypatch.setattr(groups, "AGAIN", -1.0)
    world.groups._not_before.clear()
    world.message("c")
    await world.settle()
    assert world.asked == ["1@g.us"] * 2
    world.answers["1@g.us"].set_result("Bakers")
    await world.settle()
    assert world.told[-1] == ("message", "c", "Bakers")


async def test_whose_turn_did_not_come_is_asked_about_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    for number in range(groups.AT_ONCE):
        world.message(str(number), f"{number}@g.us")
    await world.settle()
    monkeypatch.setattr(groups, "PATIENCE", 0.01)
    last = f"{groups.AT_ONCE}@g.us"
    world.message(str(groups.AT_ONCE), last)
    await world.tasks[-1]
    for answer in world.answers.values():
        answer.set_exception(RuntimeError("rate-overlimit"))
    await asyncio.gather(*world.tasks)
    assert len(world.told) == groups.AT_ONCE + 1 and last not in world.asked
    world.message("again", last)
    world.message("again", "0@g.us")
    await world.settle()
    assert world.asked[-1] == last and world.asked.count("0@g.us") == 1
    world.answers[last].set_result("Late")
    await world.settle()
    assert world.told[-1] == ("message", "again", "Late")


async def test_old_names_make_room() -> None:
    world = World()
    for number in range(groups.MOST + 5):
        world.groups.take("group", {"group": f"{number}@g.us", "type": "joined", "name": "x"})
    assert len(world.groups._names) == groups.MOST
