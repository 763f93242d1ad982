"""A model of a RyzeAPI server: the truth and its past, the contract's answers, limits in fixed windows, what breaks."""

from __future__ import annotations

import asyncio
import json
import random
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ryze_tui.api.errors import INSTANCE_NOT_FOUND, INVALID_TOKEN, RATE_LIMITED, Unreachable
from ryze_tui.api.events import ACCOUNT_STREAM

from .connection import Connection

ACCOUNT = "account-token-of-the-simulation"
WORDS = {
    "connected": "connected", "disconnected": "disconnected", "logged_out": "loggedout", "temp_banned": "banned",
    "qr_ready": "connecting", "pair_success": "connecting", "manual_reconnect": "connecting", "stream_error": "disconnected",
}
"""Event word -> state, as the contract's table has it (§5.6)."""
WINDOW = 60.0
PERSON: ContextVar[bool] = ContextVar("person", default=False)
"""Whether what is being sent was asked for by a person."""

Reply = tuple[int, dict[str, str], str]


def stamp(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def bucket_of(path: str) -> str:
    """Creations have their own limit (contract §7)."""
    return "new" if path == "/api/instance/new" else ""


@dataclass(eq=False, slots=True)
class Truth:
    """One instance as it really is. `text`: its list item, made when first asked for."""

    name: str
    state: str
    since: float
    streaming: bool = True
    number: str = "5511999990000"
    profile: str = "Acme"
    text: str = ""

    @property
    def token(self) -> str:
        return f"token-of-{self.name}"


@dataclass(slots=True)
class Window:
    """A fixed window of one token. `background`: what nobody asked for."""

    began: float
    used: int = 0
    background: int = 0


@dataclass(eq=False)
class Server:
    """`limit`: requests a minute and token, 0 = off. `skew`: seconds by which its clock is ahead of ours."""

    rng: random.Random
    clock: Any
    extensions: frozenset[str] = frozenset({ACCOUNT_STREAM})
    limit: int = 100
    pings: float = 25.0
    aligned: bool = False
    skew: float = 0.0
    dated: bool = True
    shows_tokens: bool = True
    ring_size: int = 50_000
    latency: tuple[float, float] = (0.02, 0.4)
    frame_delay: tuple[float, float] = (0.01, 0.3)

    instances: dict[str, Truth] = field(default_factory=dict)
    past: dict[str, list[tuple[float, str | None]]] = field(default_factory=dict)
    connections: set[Connection] = field(default_factory=set)

    refusing: bool = False
    hole: bool = False
    html: bool = False
    no_upgrade: bool = False
    storm: float | None = None
    storm_says: bool = True
    duplicates: float = 0.0
    torn: bool = False

    def __post_init__(self) -> None:
        self.run = 0
        self.seq = 0
        self.ring: list[tuple[int, str]] = []
        self.windows: dict[tuple[str, str], Window] = {}
        self.lists: list[tuple[float, bool, bool]] = []  # at, by a person, whole
        self.requests = self.dials = self.connects = self.refused = self.healths = 0
        self.most_background = 0
        self.latest: dict[str | None, Connection] = {}
        self.untold: dict[str, float] = {}  # what no socket was told, since streaming was off
        self.quiet_until: dict[tuple[str, str], float] = {}
        self.faults: list[str] = []
        self.trouble: list[float] = []  # when an answer was no answer
        self._open = asyncio.Event()
        self._open.set()
        self._made = 0

    @property
    def now(self) -> float:
        return float(self.clock.monotonic())

    @property
    def epoch(self) -> str:
        return f"run{self.run}"

    # -- the truth -----------------------------------------------------------------------------------------------------

    def add(self, count: int, **fields: Any) -> list[Truth]:
        made = []
        for _n in range(count):
            self._made += 1
            state = self.rng.choices(("connected", "disconnected", "loggedout", "banned"), (12, 2, 1, 1))[0]
            made.append(self.create(f"i{self._made:05}", state, **fields))
        return made

    def create(self, name: str, state: str = "disconnected", **fields: Any) -> Truth:
        """Somebody creates an instance."""
        truth = self.instances[name] = Truth(name, state, self.clock.time(), **fields)
        self.past.setdefault(name, []).append((self.now, state))
        self.tell_row(truth)
        return truth

    def delete(self, name: str) -> None:
        del self.instances[name]
        self.latest.pop(name, None)
        self.past[name].append((self.now, None))
        self._account(name, "instance.deleted", {})
        for connection in [found for found in self.connections if found.name == name]:
            connection.end(1008)

    def happens(self, name: str, word: str, **data: Any) -> None:
        """An instance.state event, and the state that goes with it."""
        truth = self.instances[name]
        if WORDS[word] != truth.state:
            truth.state, truth.since, truth.text = WORDS[word], self.clock.time(), ""
            self.past[name].append((self.now, truth.state))
        data = {"state": word, "timestamp": stamp(self.clock.time() + self.skew), "instance": name, **data}
        self._account(name, "instance.state", data)
        if truth.streaming:
            frame = json.dumps({"event": "instance.state", "data": data, "instanceData": {"instance": name}})
            for connection in self.connections:
                if connection.name == name:
                    self._send(connection, frame)
        else:
            self.untold[name] = self.now

    def set_streaming(self, name: str, on: bool) -> None:
        """Open sockets stay when it is switched off, as the contract says (§2.13); they hear nothing more."""
        truth = self.instances[name]
        truth.streaming, truth.text = on, ""
        self.tell_row(truth)

    def tell_row(self, truth: Truth) -> None:
        self._account(truth.name, "instance.row", self._row(truth))

    def states_since(self, name: str, since: float) -> set[str | None]:
        """Every state that was true at some moment from `since` until now; None: it did not exist."""
        found: set[str | None] = set()
        for at, state in reversed(self.past.get(name, ())):
            found.add(state)
            if at <= since:
                return found
        return found | {None}

    # -- frames --------------------------------------------------------------------------------------------------------

    def _row(self, truth: Truth) -> dict[str, Any]:
        return {"id": truth.name, "name": truth.name, "state": truth.state, "since": stamp(truth.since), "reason": "",
                "number": truth.number, "profileName": truth.profile, "blocks": "·S···" if truth.streaming else "·····"}

    def _frame(self, seq: int, event: str, data: dict[str, Any], name: str = "") -> str:
        return json.dumps({"seq": f"{self.epoch}.{seq}", "event": event, "data": data, "instance": name})

    def _account(self, name: str, event: str, data: dict[str, Any]) -> None:
        if ACCOUNT_STREAM not in self.extensions:
            return
        self.seq += 1
        frame = self._frame(self.seq, event, data, name)
        self.ring.append((self.seq, frame))
        if len(self.ring) > self.ring_size:
            del self.ring[: self.ring_size // 2]
        for connection in self.connections:
            if connection.name is None:
                self._send(connection, frame)

    def _send(self, connection: Connection, frame: str) -> None:
        connection.send(frame, self.rng.uniform(*self.frame_delay))
        if self.duplicates and self.rng.random() < self.duplicates:
            connection.send(frame, self.rng.uniform(0.5, 30.0), in_order=False)

    def _begin(self, connection: Connection, after: str) -> None:
        epoch, _, number = after.rpartition(".")
        first = self.ring[0][0] if self.ring else self.seq + 1
        if epoch == self.epoch and number.isdigit() and first - 1 <= int(number) <= self.seq:
            for seq, frame in self.ring:
                if seq > int(number):
                    connection.send(frame, 0.05)
        else:
            rows = [self._row(truth) for truth in self.instances.values()]
            slice_ = 10
            for start in range(0, max(len(rows), 1), slice_):
                if self.torn and start:
                    asyncio.get_running_loop().call_later(0.5, connection.end, 1006)
                    return
                data = {"rows": rows[start : start + slice_], "last": start + slice_ >= len(rows)}
                connection.send(self._frame(self.seq, "snapshot", data), self.rng.uniform(0.02, 0.3))
        self._beat(connection)

    def _beat(self, connection: Connection) -> None:
        if connection in self.connections:
            connection.send(self._frame(self.seq, "heartbeat", {}), 0.02)
            asyncio.get_running_loop().call_later(15.0, self._beat, connection)

    # -- the network ---------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """The process ends: connections break, nothing is accepted."""
        self.refusing = True
        self.run += 1
        self.seq, self.ring = 0, []
        for connection in list(self.connections):
            connection.end(1006)

    def start(self) -> None:
        self.refusing = False

    def swallow(self) -> None:
        """From now on nothing arrives and nothing is refused."""
        for connection in self.connections:
            connection.arrived = connection.heard
        self.hole = True
        self._open.clear()

    def release(self) -> None:
        """The network is back: some sockets go on and tell what they held back, some are dead without a word, some break."""
        self.hole = False
        self._open.set()
        for connection in sorted(self.connections, key=lambda found: found.number):
            fate = self.rng.random()
            if fate < 0.4:
                connection.go_on()
            elif fate < 0.7:
                connection.freeze()
            else:
                connection.end(1006)

    async def travel(self, run: int) -> None:
        """One way of a message."""
        await asyncio.sleep(self.rng.uniform(*self.latency) / 2)
        while self.hole:
            await self._open.wait()
        if self.refusing or run != self.run:
            raise Unreachable("the server refuses connections; is it running?")

    # -- answers -------------------------------------------------------------------------------------------------------

    def sent(self, token: str, path: str) -> None:
        """Something leaves us with this token: never while a refusal of before still stands."""
        self.requests += 1
        until = self.quiet_until.get((token, bucket_of(path)), 0.0)
        if self.now < until - 1e-6:
            self.faults.append(f"{self.now:.1f}: sent with {token} {until - self.now:.1f} s too early after a 429")

    def refusal(self, status: int, message: str, headers: dict[str, str] | None = None) -> Reply:
        return status, headers or {}, json.dumps({"success": False, "error": {"message": message}})

    def admit(self, token: str, path: str) -> Reply | dict[str, str]:
        """The checks before any answer, in the contract's order; the rate headers when it may pass."""
        if self.html:
            return 502, {}, "<html><body>502 Bad Gateway</body></html>"
        if self.storm is not None:
            headers = {"retry-after": str(round(self.storm))} if self.storm_says else {}
            return self.refusal(429, RATE_LIMITED, headers)
        headers, allowed = self._count(token, bucket_of(path))
        if not allowed:
            self.refused += 1
            return self.refusal(429, RATE_LIMITED, headers)
        if token != ACCOUNT and not any(truth.token == token for truth in self.instances.values()):
            return self.refusal(401, INVALID_TOKEN, headers)
        return headers

    def _count(self, token: str, bucket: str) -> tuple[dict[str, str], bool]:
        if not self.limit:
            return {}, True
        now, size = self.now, self.limit if not bucket else max(1, self.limit // 5)
        window = self.windows.get((token, bucket))
        if window is None or now >= window.began + WINDOW:
            wall = self.clock.time() + self.skew
            began = now - wall % WINDOW if self.aligned else now
            window = self.windows[token, bucket] = Window(began)
        allowed = window.used < size
        window.used += allowed
        if token == ACCOUNT and not PERSON.get():
            window.background += 1
            self.most_background = max(self.most_background, window.background)
        end = self.clock.time() + self.skew + window.began + WINDOW - now
        headers = {"x-ratelimit-limit": str(size), "x-ratelimit-remaining": str(size - window.used),
                   "x-ratelimit-reset": str(-int(-end // 1))}
        if self.dated:
            headers["date"] = formatdate(self.clock.time() + self.skew, usegmt=True)
        if not allowed:
            headers["retry-after"] = str(max(1, -int(-(window.began + WINDOW - now) // 1)))
        return headers, allowed

    def answer(self, method: str, path: str, token: str, content: bytes | None) -> Reply:
        parts = urlsplit(path)
        if parts.path == "/health":
            if self.html:
                return 502, {}, "<html><body>502 Bad Gateway</body></html>"
            return 200, {}, json.dumps({"status": "ok", "service": "RyzeAPI", "extensions": sorted(self.extensions)})
        headers = self.admit(token, parts.path)
        if isinstance(headers, tuple):
            return headers
        if parts.path == "/api/instance/list":
            return self._list(parse_qs(parts.query).get("instanceName", [""])[0], headers)
        if parts.path == "/api/instance/new" and content is not None:
            truth = self.create(json.loads(content)["name"], "disconnected", number="", profile="")
            return 201, headers, '{"success":true,"message":"made","instance":' + self._item(truth) + "}"
        action, name = parts.path.split("/")[3], unquote(parts.path.rpartition("/")[2])
        if name not in self.instances:
            return self.refusal(404, INSTANCE_NOT_FOUND, headers)
        return self._act(action, name, headers)

    def _item(self, truth: Truth) -> str:
        if not truth.text:
            known = ACCOUNT_STREAM in self.extensions
            jid = f"{truth.number}@s.whatsapp.net" if truth.number else None
            since = {"since": stamp(truth.since), "reason": ""} if known else {}
            truth.text = json.dumps({
                "id": truth.name, "name": truth.name, "token": truth.token if self.shows_tokens else None, "status": truth.state,
                "connection": {"state": truth.state, "numberJid": jid} | since,
                "profile": {"name": truth.profile}, "websocket": {"enabled": truth.streaming, "events": ["instance.state"]},
            })
        return truth.text

    def _list(self, names: str, headers: dict[str, str]) -> Reply:
        wanted = names.split(",") if names else None
        found = [self.instances[name] for name in wanted if name in self.instances] if wanted else self.instances.values()
        if wanted and len(wanted) == 1 and not found:
            return self.refusal(404, INSTANCE_NOT_FOUND, headers)
        return 200, headers, '{"success":true,"instances":[' + ",".join(self._item(truth) for truth in found) + "]}"

    def _act(self, action: str, name: str, headers: dict[str, str]) -> Reply:
        def said(**fields: Any) -> Reply:
            return 200, headers, json.dumps({"success": True, "message": action, **fields})

        if action == "connect":
            self.connects += not PERSON.get()
            self.happens(name, "qr_ready", codes=["2@one", "2@two"])
            return said(status="qr", qrCode="2@one")
        if action == "reconnect":
            self.happens(name, "manual_reconnect")
            return said(status="connecting")
        if action == "logout":
            self.happens(name, "logged_out")
            return said(instance={"status": "loggedout"})
        self.delete(name)
        return said(instance={"status": "deleted"})

    def upgrade(self, path: str, token: str) -> Connection | Reply:
        """`GET /ws…`: a connection, or the refusal before it."""
        headers = self.admit(token, path)
        if isinstance(headers, tuple):
            return headers
        parts = urlsplit(path)
        if parts.path == "/ws":
            if ACCOUNT_STREAM not in self.extensions:
                return self.refusal(404, "Not found", headers)
            connection = self._opened(None)
            self._begin(connection, parse_qs(parts.query).get("after", [""])[0])
            return connection
        name = unquote(parts.path.removeprefix("/ws/"))
        if name not in self.instances:
            return self.refusal(404, INSTANCE_NOT_FOUND, headers)
        if not self.instances[name].streaming:
            return self.refusal(400, "WebSocket is not enabled for this instance.", headers)
        return self._opened(name)

    def _opened(self, name: str | None) -> Connection:
        connection = self.latest[name] = Connection(self, name)
        self.connections.add(connection)
        return connection
