"""A RyzeAPI server without a network, for everything above the client: lists, sockets, outages, limits, half-open sockets."""

from __future__ import annotations

import asyncio
import copy
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ryze_tui.api.errors import RATE_LIMITED, RateLimited, Refused, RyzeError, TokenRefused, Unreachable
from ryze_tui.api.events import ACCOUNT_STREAM
from ryze_tui.api.instance import parse_item
from ryze_tui.client.budget import Budgets
from ryze_tui.client.calls import CallLog
from ryze_tui.client.replies import Connecting, Health, StreamBlock, Written, created
from ryze_tui.client.stream import StreamEnded

ACCOUNT = "account-token-0000"
REST = {"connected": "connected", "logged_out": "loggedout", "temp_banned": "banned", "disconnected": "disconnected",
        "qr_ready": "connecting", "pair_success": "connecting", "manual_reconnect": "connecting"}


@dataclass
class Inst:
    name: str
    state: str = "connected"
    streaming: bool = True
    number: str = "5511999990000"
    profile: str = "Acme"
    shows_token: bool = True
    block: StreamBlock | None = field(default_factory=lambda: StreamBlock(True, ("instance.state",)))

    @property
    def token(self) -> str:
        return f"token-of-{self.name}"

    def item(self) -> dict[str, Any]:
        return {
            "name": self.name, "token": self.token if self.shows_token else None, "status": self.state,
            "connection": {"state": self.state, "numberJid": f"{self.number}@s.whatsapp.net" if self.number else None},
            "profile": {"name": self.profile}, "websocket": {"enabled": self.streaming, "events": ["instance.state"]},
        }

    def row(self) -> dict[str, Any]:
        return {"id": self.name, "name": self.name, "state": self.state, "number": self.number, "profileName": self.profile,
                "blocks": "·S···" if self.streaming else "·····"}


class FakeSocket:
    """One end of a socket. `frozen`: half-open, nothing comes and no pong answers."""

    def __init__(self, server: FakeRyze, name: str | None) -> None:
        self.server, self.name = server, name
        self.queue: asyncio.Queue[str | StreamEnded] = asyncio.Queue()
        self.frozen = False
        self.closed = False
        self.arrived = server.clock.monotonic()

    def push(self, frame: dict[str, Any] | str) -> None:
        if not self.frozen and not self.closed:
            self.queue.put_nowait(frame if isinstance(frame, str) else json.dumps(frame))

    def drop(self, code: int = 1006) -> None:
        self.closed = True
        self.server.sockets.discard(self)
        self.queue.put_nowait(StreamEnded("dropped", code))

    async def recv(self, seconds: float | None) -> str | None:
        try:
            async with asyncio.timeout(seconds):
                frame = await self.queue.get()
        except TimeoutError:
            return None
        if isinstance(frame, StreamEnded):
            raise frame
        self.arrived = self.server.clock.monotonic()
        return frame

    async def ping(self, seconds: float) -> None:
        if self.frozen or self.closed:
            await asyncio.sleep(seconds)
            raise StreamEnded("no pong")
        self.arrived = self.server.clock.monotonic()

    def silence(self) -> float:
        return float(self.server.clock.monotonic() - self.arrived)

    async def close(self) -> None:
        self.closed = True
        self.server.sockets.discard(self)


@dataclass(eq=False)
class FakeRyze:
    """Stands where RyzeClient and Dialler stand. `limit`: requests a minute and token, 0 = off."""

    clock: Any
    extensions: frozenset[str] = frozenset({ACCOUNT_STREAM})
    token: str = ACCOUNT
    base: str = "http://127.0.0.1:1"
    up: bool = True
    listens: bool = False
    latency: float = 0.0
    limit: int = 0
    instances: dict[str, Inst] = field(default_factory=dict)
    sockets: set[FakeSocket] = field(default_factory=set)
    lists: list[tuple[float, str | None]] = field(default_factory=list)
    dials: list[tuple[float, str]] = field(default_factory=list)
    knocks: list[float] = field(default_factory=list)
    healths: list[float] = field(default_factory=list)
    connects: list[tuple[float, str, str]] = field(default_factory=list)
    refused: int = 0
    epoch: str = "E"
    seq: int = 0
    ring: list[dict[str, Any]] = field(default_factory=list)
    answer: Any = None
    health_answer: RyzeError | None = None
    dial_answer: RyzeError | None = None
    accepts: bool = True
    profile: Any = ""
    keeps: StreamBlock | None = None

    def __post_init__(self) -> None:
        self.budgets = Budgets(self.clock)
        self.calls = CallLog()
        self._windows: dict[str, tuple[float, int]] = {}

    def add(self, *names: str, **fields: Any) -> None:
        for name in names:
            self.instances[name] = Inst(name, **fields)

    def acting_as(self, token: str) -> FakeRyze:
        """The same server, asked with another token."""
        other = copy.copy(self)
        other.token = token
        return other

    # -- as a client ---------------------------------------------------------------------------------------------------

    async def _arrive(self, token: str | None) -> None:
        if token is not None:
            self.budgets.of(token).spend()
        if self.latency:
            await asyncio.sleep(self.latency / 2)
        if not self.up:
            raise Unreachable("refuses connections")
        if token is None:
            return
        if not self.accepts:
            raise TokenRefused("Invalid token", status=401)
        self._count(token)

    def _count(self, token: str) -> None:
        if not self.limit:
            return
        now = self.clock.monotonic()
        began, used = self._windows.get(token, (now, 0))
        if now - began >= 60:
            began, used = now, 0
        self._windows[token] = (began, used + 1)
        reset = began + 60 - now
        left = max(self.limit - used - 1, 0)
        headers = {"x-ratelimit-limit": str(self.limit), "x-ratelimit-remaining": str(left),
                   "x-ratelimit-reset": str(self.clock.time() + reset)}
        if used >= self.limit:
            self.refused += 1
            self.budgets.of(token).refused(reset)
            raise RateLimited(RATE_LIMITED, retry_after=reset)
        self.budgets.of(token).told(headers)

    async def knock(self) -> None:
        self.knocks.append(self.clock.monotonic())
        if not (self.up or self.listens):
            raise Unreachable("refuses connections")

    async def health(self) -> Health:
        self.healths.append(self.clock.monotonic())
        await self._arrive(None)
        if self.health_answer is not None:
            raise self.health_answer
        return Health("ok", "RyzeAPI", self.extensions, "simulated" if self.extensions else "")

    async def list_text(self, names: Any = None) -> str:
        self.lists.append((self.clock.monotonic(), ",".join(names) if names else None))
        await self._arrive(self.token)
        if self.answer is not None:
            if isinstance(self.answer, RyzeError):
                raise self.answer
            return str(self.answer)
        own = next((inst for inst in self.instances.values() if inst.token == self.token), None)
        items = [inst.item() for inst in self.instances.values() if not names or inst.name in names]
        if own is not None:
            items = [own.item()]
        elif names and len(names) == 1 and not items:
            raise Refused("Instance not found", status=404)
        text = json.dumps({"success": True, "instances": items})
        if self.latency:
            await asyncio.sleep(self.latency / 2)
        return text

    async def item(self, name: str) -> Any:
        await self._arrive(self.token)
        return parse_item(self.instances[name].item()) if name in self.instances else None

    async def own_profile(self, name: str) -> str:
        await self._arrive(self.token)
        if isinstance(self.profile, RyzeError):
            raise self.profile
        return str(self.profile)

    async def stream_block(self, name: str) -> StreamBlock | None:
        await self._arrive(self.token)
        if name not in self.instances:
            raise Refused("Instance not found", status=404)
        return self.instances[name].block

    async def set_stream(self, name: str, block: StreamBlock, match: str = "") -> StreamBlock:
        await self._arrive(self.token)
        held = block if self.keeps is None else self.keeps
        self.instances[name].block, self.instances[name].streaming = held, held.tells_states
        return held

    async def create(self, body: dict[str, Any]) -> Any:
        await self._arrive(self.token)
        self.add(body["name"], state="disconnected", number="", profile="")
        answer = json.dumps({"message": "made", "instance": self.instances[body["name"]].item()})
        return created(answer, body["name"], streaming=True)

    async def connect(self, name: str, number: str = "", history: int | None = None) -> Connecting:
        self.connects.append((self.clock.monotonic(), name, number))
        await self._arrive(self.token)
        reply = self.answer_connect(name, number)
        if isinstance(reply, RyzeError):
            raise reply
        return reply

    def answer_connect(self, name: str, number: str) -> Connecting | RyzeError:
        n = len(self.connects)
        return Connecting("qr", "", pairing_code="ABCD-1234") if number else Connecting("qr", "", qr=f"2@code{n}")

    async def logout(self, name: str) -> Written:
        await self._arrive(self.token)
        self.happens(name, "logged_out")
        return Written("Instance logged out", "loggedout")

    async def reconnect(self, name: str) -> Written:
        await self._arrive(self.token)
        return Written("Reconnect initiated", "connecting")

    async def delete(self, name: str) -> Written:
        await self._arrive(self.token)
        self.remove(name)
        return Written("Instance deleted", "deleted")

    async def close(self) -> None:
        """Nothing to close."""

    # -- as a dialler --------------------------------------------------------------------------------------------------

    async def dial(self, path: str, token: str) -> FakeSocket:
        self.dials.append((self.clock.monotonic(), path))
        await self._arrive(token)
        if self.dial_answer is not None:
            raise self.dial_answer
        parts = urlsplit(path)
        if parts.path == "/ws":
            if token != ACCOUNT:
                raise TokenRefused("Invalid token", status=401)
            if ACCOUNT_STREAM not in self.extensions:
                raise Refused("Not found", status=404)
            socket = FakeSocket(self, None)
            self._begin(socket, parse_qs(parts.query).get("after", [""])[0])
        else:
            name = unquote(parts.path.removeprefix("/ws/"))
            inst = self.instances.get(name)
            if inst is None:
                raise Refused("Instance not found", status=404)
            if not inst.streaming:
                raise Refused("WebSocket is not enabled for this instance.", status=400)
            socket = FakeSocket(self, name)
        self.sockets.add(socket)
        return socket

    def _begin(self, socket: FakeSocket, after: str) -> None:
        epoch, _, number = after.rpartition(".")
        if epoch == self.epoch and int(number) <= self.seq:
            for frame in self.ring[int(number) :]:
                socket.push(frame)
        else:
            rows = [inst.row() for inst in self.instances.values()]
            for start in range(0, max(len(rows), 1), 500):
                data = {"rows": rows[start : start + 500], "last": start + 500 >= len(rows)}
                socket.push({"seq": f"{self.epoch}.{self.seq}", "event": "snapshot", "data": data, "instance": ""})
        self.beat(socket)

    # -- what happens there --------------------------------------------------------------------------------------------

    def beat(self, socket: FakeSocket) -> None:
        socket.push({"seq": f"{self.epoch}.{self.seq}", "event": "heartbeat", "data": {}, "instance": ""})

    async def hearts(self) -> None:
        """A heartbeat every 15 s on account streams, while the server is up."""
        while True:
            await asyncio.sleep(15)
            for socket in list(self.sockets):
                if socket.name is None and self.up:
                    self.beat(socket)

    def happens(self, name: str, word: str, **data: Any) -> None:
        """An instance.state event, and the state that goes with it."""
        if name in self.instances and word in REST:
            self.instances[name].state = REST[word]
            self.instances[name].number = str(data.get("jid", self.instances[name].number)).partition("@")[0]
        self._account(name, "instance.state", {"state": word, **data})
        for socket in list(self.sockets):
            if socket.name == name:
                socket.push({"event": "instance.state", "data": {"state": word, **data}, "instanceData": {"instance": name}})

    def remove(self, name: str) -> None:
        self.instances.pop(name, None)
        self._account(name, "instance.deleted", {})
        for socket in [socket for socket in self.sockets if socket.name == name]:
            socket.drop(1008)

    def appears(self, name: str, **fields: Any) -> None:
        """Another operator creates an instance."""
        self.add(name, **fields)
        self._account(name, "instance.row", self.instances[name].row())

    def _account(self, name: str, event: str, data: dict[str, Any]) -> None:
        self.seq += 1
        frame = {"seq": f"{self.epoch}.{self.seq}", "event": event, "data": data, "instance": name}
        self.ring.append(frame)
        for socket in list(self.sockets):
            if socket.name is None:
                socket.push(frame)

    def goes_down(self) -> None:
        """It ends; it will come up without its ring."""
        self.up = False
        self.epoch, self.seq, self.ring = self.epoch + "'", 0, []
        for socket in list(self.sockets):
            socket.drop()

    def comes_up(self) -> None:
        self.up = True
