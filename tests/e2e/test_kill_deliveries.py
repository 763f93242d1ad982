"""kill -9 while webhooks go to receivers that fail: whatever was answered 200 arrives, in order, under one id."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..terminal.server import Server
from .receivers import HANG, MOODS, WELL, Receiver, Sight

CYCLES = int(os.environ.get("RYZE_DELIVERY_KILLS", "20"))
SEED = int(os.environ.get("RYZE_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
CHATS = 3
SETTLE_SECONDS = 90.0
"""How long everything may take to arrive once the kills are over: two retries and a hang, and some."""

MESSAGES, STATES = "message.exchange", "instance.state"


@dataclass
class Row:
    """A webhook row, what it wants, and who gets it. `gone`: its receiver says 410."""

    instance: str
    label: str
    receiver: Receiver
    events: list[str]
    gone: bool = False

    @property
    def path(self) -> str:
        return f"/{self.instance}/{self.label}"

    def seen(self) -> list[Sight]:
        return [one for one in self.receiver.got if one.path == self.path]

    def wants(self, event: str) -> bool:
        return not self.events or event in self.events


@dataclass
class Said:
    """What the server answered 200 to. `states`: instance -> word, and between which Unix seconds it happened."""

    messages: dict[str, list[tuple[str, int, str]]] = field(default_factory=lambda: defaultdict(list))
    states: dict[str, list[tuple[str, float, float]]] = field(default_factory=lambda: defaultdict(list))
    total: int = 0


def moody(rng: random.Random, most: int = 2) -> Callable[[int, str, dict[str, Any]], str]:
    """Fails at random, but no delivery more than `most` times."""
    return lambda number, key, body: rng.choice(MOODS) if number <= most and rng.random() < 0.4 else WELL


def hanging(rng: random.Random) -> Callable[[int, str, dict[str, Any]], str]:
    """Now and then it takes a request and says nothing more."""
    return lambda number, key, body: HANG if number == 1 and rng.random() < 0.02 else WELL


def poisoned(number: int, key: str, body: dict[str, Any]) -> str:
    """Stumbles over some messages for ever."""
    message = body["data"].get("message") or {}
    return "500" if str(message.get("content", "")).endswith("poison") else WELL


def refusing(number: int, key: str, body: dict[str, Any]) -> str:
    return "410"


class Load:
    """Messages into every chat, and trouble for the links; everything that was answered is put down."""

    def __init__(self, server: Server, instances: list[str], said: Said, rng: random.Random) -> None:
        self.server, self.instances, self.said, self.rng = server, instances, said, rng
        self.numbers: dict[tuple[str, str], int] = defaultdict(int)

    async def life(self, end: signal.Signals, answers: int) -> int:
        """Until the process gets that signal after so many answers more; its exit code."""
        at_least = self.said.total + answers
        async with httpx.AsyncClient(
            base_url=self.server.url, headers={"token": self.server.token}, timeout=30, trust_env=False,
            limits=httpx.Limits(max_connections=200),
        ) as http:
            works = [self._chat(http, name, f"55119{number:08d}") for name in self.instances for number in range(CHATS)]
            works += [self._trouble(http, name) for name in self.instances]
            tasks = [asyncio.create_task(self._until_gone(work)) for work in works]
            async with asyncio.timeout(60):
                while self.said.total < at_least and not any(task.done() for task in tasks):
                    await asyncio.sleep(0.002)
                asyncio.get_running_loop().call_later(self.rng.uniform(0, 0.05), self.server.process.send_signal, end)
                await asyncio.gather(*tasks)
        self.server.http.close()
        return await asyncio.to_thread(self.server.process.wait, 20)

    async def _until_gone(self, work: Awaitable[None]) -> None:
        try:
            await work
        except httpx.TransportError:
            return

    async def _chat(self, http: httpx.AsyncClient, name: str, sender: str) -> None:
        while True:
            number = self.numbers[name, sender] = self.numbers[name, sender] + 1
            text = f"{number} {'poison' if self.rng.random() < 0.03 else 'fine'}"
            answer = await http.post(f"/simulator/{name}/message", json={"from": sender, "text": text})
            if answer.status_code == 200:
                self.said.messages[name].append((sender, number, text))
                self.said.total += 1
            await asyncio.sleep(self.rng.uniform(0, 0.05))  # a pace of work, not a wait for anything

    async def _trouble(self, http: httpx.AsyncClient, name: str) -> None:
        while True:
            await asyncio.sleep(self.rng.uniform(0.05, 0.4))
            began = time.time()
            answer = await http.post(f"/simulator/{name}/drop", json={"seconds": 1})
            if answer.status_code == 200:
                self.said.states[name].append(("disconnected", began, time.time()))
                self.said.total += 1


class Story:
    """The server, its receivers and rows, and what is asked of them at the end."""

    def __init__(self, home: Path) -> None:
        self.rng = random.Random(SEED)
        self.server = Server(home, speed=200.0, rate_limit=0)
        self.said = Said()
        rngs = [random.Random(SEED + number) for number in range(1, 4)]
        moods = [moody(rngs[0]), hanging(rngs[1]), poisoned, refusing, moody(rngs[2])]
        self.receivers = [Receiver(), *(Receiver(mood) for mood in moods)]
        self.rows: list[Row] = []
        self.instances = [f"n{number}" for number in range(5)]

    def plan(self) -> None:
        steady, mood, hang, poison, gone, other = self.receivers
        for name, kinds in zip(self.instances, (
            [(steady, [])], [(mood, []), (steady, [])], [(hang, []), (mood, [MESSAGES]), (steady, [STATES])],
            [(poison, [MESSAGES, STATES]), (other, []), (gone, [])], [(other, [STATES]), (hang, [])],
        ), strict=True):  # fmt: skip
            self.rows += [Row(name, f"row-{n}", receiver, events, receiver is gone) for n, (receiver, events) in enumerate(kinds)]

    def set_up(self) -> None:
        for name in self.instances:
            self.server.paired(name)
        for row in self.rows:
            body = {"label": row.label, "enabled": True, "url": row.receiver.url + row.path, "events": row.events}
            self.server.call("POST", f"/api/events/webhook/{row.instance}", json=body)

    def missing(self) -> list[str]:
        """What was answered 200 and has not arrived."""
        found = []
        for row in self.rows:
            if row.gone:
                continue
            seen = row.seen()
            texts = {(_sender(one), one.data["message"]["content"]) for one in seen if one.event == MESSAGES}
            stamps = [(one.data["state"], _unix(one.data["timestamp"])) for one in seen if one.event == STATES]
            if row.wants(MESSAGES):
                said = self.said.messages[row.instance]
                found += [f"{row.path}: {sender} {text}" for sender, _n, text in said if (sender, text) not in texts]
            if row.wants(STATES):
                found += [f"{row.path}: {word} at {began}" for word, began, end in self.said.states[row.instance]
                          if not any(word == w and began - 0.002 <= at <= end + 0.002 for w, at in stamps)]  # fmt: skip
        return found

    def unwell(self) -> list[str]:
        """Events that came out of order, under two ids, or to a row that did not want them."""
        found = []
        for row in self.rows:
            ids: dict[str, set[str]] = defaultdict(set)
            order: dict[str, list[int]] = defaultdict(list)
            moments: list[float] = []
            for one in row.seen():
                if not row.wants(one.event):
                    found.append(f"{row.path} got {one.event}")
                if one.event == MESSAGES:
                    ids[one.data["id"]].add(one.id)
                if one.number > 1:
                    continue
                if one.event == MESSAGES:
                    order[one.data["chat"]["jid"]].append(int(one.data["message"]["content"].split()[0]))
                elif one.event == STATES:
                    moments.append(_unix(one.data["timestamp"]))
            found += [f"{row.path}: message {message} has ids {have}" for message, have in ids.items() if len(have) > 1]
            found += [f"{row.path}: chat {chat} out of order: {n}" for chat, n in order.items() if n != sorted(n)]
            if moments != sorted(moments):
                found.append(f"{row.path}: states out of order")
        return found

    async def settled(self) -> list[str]:
        """What is still missing when everybody had the time."""
        end = time.monotonic() + SETTLE_SECONDS
        while (left := self.missing()) and time.monotonic() < end:
            await asyncio.sleep(0.1)
        return left

    def kept(self, row: Row, status: str) -> list[dict[str, Any]]:
        path, asked = f"/api/events/webhook/{row.instance}/deliveries", {"label": row.label, "status": status, "limit": 500}
        found: list[dict[str, Any]] = self.server.call("GET", path, params=asked)["deliveries"]
        return found


def _sender(sight: Sight) -> str:
    return str(sight.data["chat"]["jid"]).partition("@")[0]


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_no_delivery_is_lost_however_often_the_server_is_killed(tmp_path: Path) -> None:
    story, began = Story(tmp_path / "server"), time.monotonic()
    async with AsyncExitStack() as stack:
        for receiver in story.receivers:
            await stack.enter_async_context(receiver)
        story.plan()
        server, load = story.server, Load(story.server, story.instances, story.said, story.rng)
        try:
            await asyncio.to_thread(server.start)
            await asyncio.to_thread(story.set_up)
            paused: dict[str, int] = {}
            for cycle in range(CYCLES):
                end = signal.SIGTERM if story.rng.random() < 0.15 else signal.SIGKILL
                code = await load.life(end, story.rng.choice((0, 20, 100, 300)))
                assert code == (0 if end is signal.SIGTERM else -signal.SIGKILL), f"RYZE_SEED={SEED}, life {cycle + 1}: {code}"
                await asyncio.to_thread(server.start)
                for row in story.rows:
                    if row.gone and row.label in (await asyncio.to_thread(_paused, server, row.instance)):
                        assert len(row.seen()) <= paused.setdefault(row.path, len(row.seen())), f"RYZE_SEED={SEED}: 410 and on"
            left = await story.settled()
            assert not left, f"RYZE_SEED={SEED}, lost:\n" + "\n".join(left[:20])
            assert not (wrong := story.unwell()), f"RYZE_SEED={SEED}:\n" + "\n".join(wrong[:20])
            assert paused, "the row whose receiver is gone was never paused"
            for row in story.rows:
                dead = [] if row.gone else await asyncio.to_thread(story.kept, row, "dead")
                assert not [one for one in dead if one["httpStatus"] != 500], f"RYZE_SEED={SEED}: {dead[:3]}"
            assert server.stop() == 0
            assert "Traceback" not in (log := server.log.read_text(errors="replace")), f"RYZE_SEED={SEED}:\n{log[-4000:]}"
        finally:
            if server.process.poll() is None:
                server.process.kill()
                server.process.wait()
    sights = sum(len(receiver.got) for receiver in story.receivers)
    twice = sum(one.number > 1 for receiver in story.receivers for one in receiver.got)
    seconds = time.monotonic() - began
    print(f"{CYCLES} lives in {seconds:.0f} s; {story.said.total} acknowledged, {sights} requests, {twice} of them again")


def _paused(server: Server, instance: str) -> list[str]:
    found: list[str] = server.call("GET", f"/api/events/webhook/{instance}/deliveries", params={"limit": 1})["paused"]
    return found
