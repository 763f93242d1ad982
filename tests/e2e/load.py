"""Concurrent clients that use every write of the API at once and put down in a ledger what was acknowledged."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any, Final

import httpx
from ryze_tui.api.events import EVENT_NAMES
from ryze_tui.backend.blocks import block_views, from_flat

from .ledger import BLOCKS, NEVER, OUT, Entry, Link, told

WORKERS: Final = 10
MOST: Final = 14
"""Instances of one worker."""

FLAGS: Final = (
    "proxyEnabled", "webhookEnabled", "webhookByEvents", "webhookMediaBase64", "websocketEnabled", "websocketMediaBase64",
    "chatwootEnabled", "chatwootSignMessages", "chatwootIgnoreGroups", "chatwootStartAsPending", "chatwootReopenResolved",
    "autoRejectCalls", "ignoreGroupMessages", "keepOnlineStatus", "autoReadMessages", "disableHistorySync", "ignoreStatus",
    "s3Enabled",
)
TEXTS: Final = (
    "proxyUsername", "proxyPassword", "webhookAuthorization", "callRejectMessage", "s3Region", "s3Bucket", "s3AccessKey",
    "s3SecretKey", "s3PathPrefix", "chatwootApiToken", "chatwootInboxName",
)
URLS: Final = ("webhookURL", "s3Endpoint", "chatwootBaseUrl")
SECRETS: Final = {
    "proxyPassword": ("proxy", "password"), "webhookAuthorization": ("webhook", "authorization"),
    "s3SecretKey": ("s3", "secretKey"), "chatwootApiToken": ("chatwoot", "chatwootApiToken"),
}
"""Create field -> where the store keeps it."""


def body_of(rng: random.Random, name: str, proxy_port: int) -> dict[str, Any]:
    """A create body with any of the forty fields in it, all of them valid; the proxy is one that runs."""
    made: dict[str, Any] = {flag: rng.random() < 0.5 for flag in FLAGS}
    made |= {text: f"{text} {rng.randrange(10**6)} ü\n'\"" for text in TEXTS}
    made |= {url: f"https://example.com/{rng.randrange(10**6)}?a=b" for url in URLS}
    made |= {"chatwootBaseUrl": f"http://127.0.0.1:9/{rng.randrange(10**6)}"}  # it is dialled at once
    made |= {"webhookEvents": _events(rng), "websocketEvents": _events(rng), "chatwootAccountId": rng.randrange(1, 10**6)}
    made |= {"proxyHost": rng.choice(["127.0.0.1", "localhost"]), "proxyPort": rng.choice([str(proxy_port), proxy_port])}
    made |= {"proxyProtocol": rng.choice(["http", "socks5"]), "token": f"custom-{rng.randrange(10**12):012d}-{name}"}
    kept = rng.random()
    return {"name": name} | {field: value for field, value in made.items() if rng.random() < kept or field == "proxyEnabled"} | (
        {field: made[field] for field in ("proxyHost", "proxyPort", "proxyProtocol")}
    )


def _events(rng: random.Random) -> list[str]:
    return rng.choices(EVENT_NAMES, k=rng.randrange(4))


class Worker:
    """One client with instances of its own; every operation waits for its answer, or races another one on purpose."""

    def __init__(self, number: int, seed: int, counts: Counter[str], proxy_port: int) -> None:
        self._number, self._rng, self._counts, self._proxy_port = number, random.Random(seed), counts, proxy_port
        self._made = 0
        self.entries: dict[str, Entry] = {}
        self.wrong: list[str] = []
        self._http: httpx.AsyncClient

    async def run(self, http: httpx.AsyncClient) -> None:
        """Until the server is gone."""
        self._http = http
        while True:
            try:
                await self._step()
            except httpx.TransportError:
                return
            except _Stopping:
                return

    async def _step(self) -> None:
        rng, there = self._rng, [entry for entry in self.entries.values() if entry.there]
        if len(there) < 3 or (len(there) < MOST and rng.random() < 0.3):
            await self._create()
            return
        entry = rng.choice(there)
        paired = all(state == "connected" for state, _ in entry.links)
        acts = [self._reconnect, self._logout, self._unlink, self._race, self._configure] if paired else [
            self._pair, self._pair, self._pair, self._by_code, self._race, self._configure, self._logout,
        ]
        act = rng.choice(acts) if rng.random() < 0.9 else self._delete
        await act(entry)

    # -- the operations ------------------------------------------------------------------------------------------------

    async def _create(self) -> None:
        self._made += 1
        name = f"w{self._number}-{self._made}"
        body = body_of(self._rng, name, self._proxy_port)
        entry = self.entries[name] = Entry(name, body, body.get("token", ""))
        predicted = block_views({block.kind: block.values for block in from_flat(body)})
        entry.views, entry.sockets = {kind: predicted[kind] for kind in BLOCKS}, [predicted["websocket"]]
        entry.exists = {True, False}
        reply = await self._call("POST", "/api/instance/new", json=body)
        made = reply.json()["instance"]
        if {kind: told(made[kind]) for kind in predicted} != {kind: told(view) for kind, view in predicted.items()}:
            self.wrong.append(f"{name} was answered {made}, not {predicted}")
        entry.created(made)

    async def _pair(self, entry: Entry) -> None:
        await self._paired(entry, f"55119{self._rng.randrange(10**8):08d}", by_code=False)

    async def _by_code(self, entry: Entry) -> None:
        await self._paired(entry, f"55119{self._rng.randrange(10**8):08d}", by_code=True)

    async def _paired(self, entry: Entry, number: str, *, by_code: bool) -> None:
        entry.links |= {NEVER}
        reply = await self._call("GET", f"/api/instance/connect/{entry.name}", params={"number": number} if by_code else {})
        body = {"code": reply.json()["pairingCode"]} if by_code else {"number": number}
        action = "enter-code" if by_code else "scan"
        await self._link(entry, ("connected", number), "POST", f"/simulator/{entry.name}/{action}", body)

    async def _reconnect(self, entry: Entry) -> None:
        await self._call("POST", f"/api/instance/reconnect/{entry.name}", headers={"token": entry.token})

    async def _logout(self, entry: Entry) -> None:
        await self._link(entry, OUT, "DELETE", f"/api/instance/logout/{entry.name}")

    async def _unlink(self, entry: Entry) -> None:
        await self._link(entry, OUT, "POST", f"/simulator/{entry.name}/unlink", {})

    async def _configure(self, entry: Entry) -> None:
        block = {"enabled": self._rng.random() < 0.7, "events": _events(self._rng), "mediaBase64": self._rng.random() < 0.5}
        view = block if block["enabled"] else {"enabled": False, "events": [], "mediaBase64": False}
        entry.sockets = [*entry.sockets, view]
        reply = await self._call("POST", f"/api/events/websocket/{entry.name}", json=block)
        if reply.is_success:
            entry.sockets = [view]

    async def _delete(self, entry: Entry) -> None:
        entry.exists, entry.links = {True, False}, entry.links | {OUT}
        await self._call("DELETE", f"/api/instance/delete/{entry.name}")
        entry.exists = {False}

    async def _race(self, entry: Entry) -> None:
        """Two at once on the same instance: whatever comes first, a refusal means that it did not happen."""
        other = self._rng.choice([self._logout, self._delete, self._configure])
        if all(state != "connected" for state, _ in entry.links):
            entry.links |= {NEVER}
            await self._call("GET", f"/api/instance/connect/{entry.name}")
            number = f"55119{self._rng.randrange(10**8):08d}"
            before = entry.links
            scan = self._call("POST", f"/simulator/{entry.name}/scan", json={"number": number}, refused=(404, 409))
            entry.links = before | {("connected", number)}
            scanned, *_ = await self._both(scan, other(entry))
            # After a logout no code can be scanned: if both were done, the logout was the later one.
            if other != self._logout:
                entry.links = {("connected", number)} if scanned.is_success else before
            return
        twice = self._configure if other != self._configure else self._delete
        await self._both(other(entry), twice(entry))

    async def _both(self, *calls: Any) -> list[Any]:
        done = await asyncio.gather(*calls, return_exceptions=True)
        for result in done:
            if isinstance(result, BaseException):
                raise result
        return done

    # -- calling -------------------------------------------------------------------------------------------------------

    async def _link(self, entry: Entry, outcome: Link, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        before, entry.links = entry.links, entry.links | {outcome}
        reply = await self._call(method, path, json=body, refused=(404, 409))
        entry.links = {outcome} if reply.is_success else before

    async def _call(self, method: str, path: str, *, refused: tuple[int, ...] = (404,), **more: Any) -> httpx.Response:
        reply = await self._http.request(method, path, **more)
        self._counts[f"{path.split('/')[3]} {reply.status_code}"] += 1
        if reply.status_code == 503:
            raise _Stopping
        if not reply.is_success and reply.status_code not in refused:
            self.wrong.append(f"{method} {path} was answered {reply.status_code} {reply.text}")
            raise _Stopping
        return reply


class _Stopping(Exception):
    """The server said that it stops, or it said something it must not say."""
