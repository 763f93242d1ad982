"""RyzeClient: the contract's calls, one method each, logged and paid from a budget; only RyzeError comes out."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..api.deliveries import Delivery
from ..api.errors import INSTANCE_NOT_FOUND, RATE_LIMITED, RateLimited, RyzeError
from ..api.events import REVISION
from ..api.instance import Instance
from ..api.wire import CHATWOOT_DELETE, CHATWOOT_READ
from . import replies
from .address import base_url, checked_token, quoted, segment
from .budget import Budgets, date_of, is_spent
from .calls import CallLog, said, without
from .clock import SYSTEM, Clock
from .replies import Connecting, Health, Sent, StreamBlock, Written
from .transport import Answer, Bounds, Transport

if TYPE_CHECKING:
    from ..api.wire import Wire

T = TypeVar("T")
request_id: ContextVar[str] = ContextVar("request_id", default="")
"""What the server called the last request of this task (`X-Request-Id`); empty when it did not say."""
revision: ContextVar[str] = ContextVar("revision", default="")
"""The tag of what the last call of this task read, for the write that replaces it; empty where the server knows no conditions."""

CHANGED: Final = 412
"""It is not what `revision` says any more, so nothing was written."""
ORDINARY: Final = Bounds()
LISTING: Final = Bounds(seconds=60.0, most=1 << 25)
"""A list of 10,000 items is 14 MB; what one takes to read is up to seven times as much."""
SETTING: Final = Bounds(seconds=75.0, silence=75.0)
"""Setting Chatwoot up takes the server up to a minute (contract §6)."""
TRIALS: Final = {
    "proxy": "/api/instance/proxy/{name}/test", "s3": "/api/instance/s3/{name}/test",
    "webhook": "/api/events/webhook/{name}/test", "chatwoot": "/api/chatwoot/test/{name}",
}
"""Kind -> where a server of ours tries it out."""
PUT_OFF: Final = 3
"""How often a patient call is sent again after a 429."""
CONNECTING: Final = Bounds(seconds=75.0, silence=75.0)
"""The server itself waits about 60 s for a code (contract §3)."""


def retry_after(headers: Mapping[str, str], unix_now: float) -> float:
    """Seconds to wait after a 429: `Retry-After`, else until `X-RateLimit-Reset`, else 30; between 1 and 300.

    Times are the server's: by its own clock where it tells that one, else by ours (`unix_now`).
    """
    server_now = date_of(headers) or unix_now
    moment = date_of(headers, "retry-after")
    dated = None if moment is None else moment - server_now
    for seconds in (_seconds(headers, "retry-after"), dated, _seconds(headers, "x-ratelimit-reset", server_now)):
        if seconds is not None and (seconds >= 0.0 or "date" in headers):
            return min(max(seconds, 1.0), 300.0)
    return 30.0


def _seconds(headers: Mapping[str, str], name: str, origin: float = 0.0) -> float | None:
    try:
        seconds = float(headers.get(name, "")) - origin
    except ValueError:
        return None
    return None if seconds != seconds else seconds  # "nan" is a number to float()


class RyzeClient:
    """One server and one token. Raises BadAddress when either cannot be used."""

    def __init__(
        self, url: str, token: str, *, calls: CallLog | None = None, budgets: Budgets | None = None, clock: Clock = SYSTEM
    ) -> None:
        self.token = checked_token(token)
        self.transport = Transport(base_url(url))
        self.base = self.transport.base
        self.calls = calls if calls is not None else CallLog()
        self.budgets = budgets if budgets is not None else Budgets(clock)
        self.clock = clock
        self.patience: int | None = None
        """None: a call that the limits do not allow now is refused. A number: it waits, and leaves so many a minute to others."""
        self.budgets.keep(self.token)

    def acting_as(self, token: str) -> RyzeClient:
        """The same connections, log and budgets with another token. Raises BadAddress for one that no header can hold."""
        client = copy.copy(self)
        client.token = checked_token(token)
        return client

    # -- reads ---------------------------------------------------------------------------------------------------------

    async def knock(self) -> None:
        """Whether the server takes connections; asks it nothing, so it is neither counted nor logged. Raises Unreachable."""
        await self.transport.knock()

    async def health(self) -> Health:
        """`GET /health`; outside the limits, sent without the token. A degraded server (503) still says what it is."""
        return await self._call("GET", "/health", replies.health, token="", accept=(503,))

    async def list_text(self, names: Sequence[str] | None = None) -> str:
        """`GET /api/instance/list` as text: parse it with `api.instance.iter_items`. One unknown name is a 404."""
        query = "?instanceName=" + ",".join(quoted(name) for name in names) if names else ""
        return await self._call("GET", "/api/instance/list" + query, replies.no_page, bounds=LISTING)

    async def item(self, name: str) -> Instance | None:
        """The list narrowed to one name; None when the server does not know it (404, or a list without it)."""
        try:
            return await self._call(
                "GET", f"/api/instance/list?instanceName={quoted(name)}", partial(replies.only_item, name=name), bounds=LISTING
            )
        except RyzeError as error:
            if error.status == 404:
                return None
            raise

    async def stream_block(self, name: str) -> StreamBlock | None:
        """`GET /api/events/getWebsocket/:instance`; None when it was never written (404 with that text)."""
        try:
            return await self._call("GET", f"/api/events/getWebsocket/{segment(name)}", replies.stream_block)
        except RyzeError as error:
            if error.status == 404 and error.message != INSTANCE_NOT_FOUND:
                return None
            raise

    async def block(self, wire: Wire, name: str) -> dict[str, Any] | None:
        """A block as it is on the wire (webhooks are several: see there); None when it was never written."""
        read = partial(replies.block, key=wire.key) if wire.key else partial(replies.chatwoot, names=CHATWOOT_READ)
        try:
            return await self._call("GET", wire.read + segment(name), read)
        except RyzeError as error:
            if error.status == 404 and error.message.lower() != INSTANCE_NOT_FOUND.lower():
                return None
            raise

    async def webhooks(self, name: str) -> list[dict[str, Any]]:
        """`GET /api/events/getWebhook/:instance`: every row, enabled or not."""
        return await self._call("GET", f"/api/events/getWebhook/{segment(name)}", replies.webhooks)

    async def deliveries(self, name: str, label: str, before: str = "") -> list[Delivery]:
        """`GET /api/events/webhook/:instance/deliveries`, an extension: those of a label, the newest first."""
        query = f"?label={quoted(label)}&limit=100" + (f"&before={quoted(before)}" if before else "")
        return await self._call("GET", f"/api/events/webhook/{segment(name)}/deliveries{query}", replies.deliveries)

    async def metrics(self, name: str) -> dict[str, Any]:
        """`GET /api/instance/metrics/:instance`: its counters (contract §2.11)."""
        return await self._call("GET", f"/api/instance/metrics/{segment(name)}", partial(replies.block, key="metrics"))

    async def own_profile(self, name: str) -> str:
        """`GET /api/profile/getAccount/:instance`: the number, asked of WhatsApp through the instance's own connection."""
        return await self._call("GET", f"/api/profile/getAccount/{segment(name)}", replies.own_profile)

    # -- writes (called from operations only) --------------------------------------------------------------------------

    async def create(self, body: dict[str, Any]) -> tuple[Instance, str]:
        """`POST /api/instance/new` with the flat body; the new instance and the server's message."""
        read = partial(replies.created, name=str(body.get("name", "")), streaming=body.get("websocketEnabled") is True)
        return await self._call("POST", "/api/instance/new", read, body=body, bucket="new")

    async def connect(self, name: str, number: str = "", history: int | None = None) -> Connecting:
        """`GET /api/instance/connect/:instance`. It re-creates the WhatsApp client: never repeat it without being asked.

        `history`: days to ask for at the first pairing; None leaves it to the instance's settings.
        """
        given = {"number": quoted(number)} if number else {}
        given |= {"history": str(history)} if history is not None else {}
        query = "?" + "&".join(f"{key}={value}" for key, value in given.items()) if given else ""
        return await self._call("GET", f"/api/instance/connect/{segment(name)}{query}", replies.connecting, bounds=CONNECTING)

    async def reconnect(self, name: str) -> Written:
        """`POST /api/instance/reconnect/:instance`: dial again with the saved session."""
        return await self._call("POST", f"/api/instance/reconnect/{segment(name)}", replies.written)

    async def logout(self, name: str) -> Written:
        """`DELETE /api/instance/logout/:instance`: unlink the device."""
        return await self._call("DELETE", f"/api/instance/logout/{segment(name)}", replies.written)

    async def delete(self, name: str) -> Written:
        """`DELETE /api/instance/delete/:instance`."""
        return await self._call("DELETE", f"/api/instance/delete/{segment(name)}", replies.written)

    async def set_stream(self, name: str, block: StreamBlock, match: str = "") -> StreamBlock:
        """`POST /api/events/websocket/:instance`: replaces the whole row; what the server holds afterwards."""
        path = f"/api/events/websocket/{segment(name)}"
        return await self._call("POST", path, replies.stream_block, body=block.body(), match=match)

    async def set_block(self, wire: Wire, name: str, body: dict[str, Any], match: str = "") -> dict[str, Any]:
        """Write a configuration block; the server's answer as an object. What it holds afterwards is for a read to tell."""
        bounds = SETTING if wire.kind == "chatwoot" else ORDINARY
        return await self._call("POST", wire.write + segment(name), replies.as_object, body=body, bounds=bounds, match=match)

    async def try_block(self, kind: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Have the server try a block as it is sent (an extension); nothing is stored. `kind`: one of TRIALS."""
        return await self._call("POST", TRIALS[kind].format(name=segment(name)), replies.as_object, body=body, bounds=SETTING)

    async def redeliver(self, name: str, delivery: str) -> Written:
        """`POST …/deliveries/:id/redeliver`, an extension: once more, under the same id."""
        where = f"/api/events/webhook/{segment(name)}/deliveries/{segment(delivery)}/redeliver"
        return await self._call("POST", where, replies.written)

    async def remove_chatwoot(self, name: str, match: str = "") -> Written:
        """`DELETE /api/chatwoot/delete/:instance`: the inbox stays."""
        return await self._call("DELETE", CHATWOOT_DELETE + segment(name), replies.written, bounds=SETTING, match=match)

    async def send_text(self, name: str, number: str, text: str) -> Sent:
        """`POST /api/message/text/:instance`. `number`: digits. The text is in no log, also where the server repeats it."""
        path, body = f"/api/message/text/{segment(name)}", {"number": number, "message": text}
        return await self._call("POST", path, replies.sent, body=body, bounds=SETTING, unsaid=text)

    async def simulate(self, name: str, action: str, body: dict[str, Any]) -> Written:
        """`POST /simulator/:instance/ACTION`: a simulated server's virtual phone."""
        return await self._call("POST", f"/simulator/{segment(name)}/{segment(action)}", replies.written, body=body)

    async def close(self) -> None:
        """Close every connection."""
        await self.transport.close()

    # -- one call ------------------------------------------------------------------------------------------------------

    async def _call(self, method: str, path: str, read: Callable[[str], T], *, bucket: str = "", **more: Any) -> T:
        """One call; a patient one that the server puts off (429: it did nothing) is sent again, some times."""
        for _try in range(PUT_OFF if self.patience is not None else 0):
            try:
                return await self._once(method, path, read, bucket=bucket, **more)
            except RateLimited as error:
                await self.clock.sleep(error.retry_after)
        return await self._once(method, path, read, bucket=bucket, **more)

    async def _once(
        self, method: str, path: str, read: Callable[[str], T], *, body: dict[str, Any] | None = None, token: str | None = None,
        bucket: str = "", bounds: Bounds = ORDINARY, accept: tuple[int, ...] = (), unsaid: str = "", match: str = "",
    ) -> T:
        """Send one request and `read` its answer; anything but 2xx (or one of `accept`) raises. Logged whatever happens.

        `unsaid`: a value of the body that neither the log nor an error repeats. `match`: a `revision`; a 412 says it is old.
        """
        token = self.token if token is None else token
        budget = self.budgets.of(token, bucket) if token else None
        if budget is not None:
            while self.patience is not None and (pause := budget.wait(keep=0 if bucket else self.patience)) > 0.0:
                await self.clock.sleep(pause)
            if blocked := budget.blocked():
                raise RateLimited(RATE_LIMITED, retry_after=blocked)
            budget.spend()
        headers = ({"token": token} if token else {}) | ({"If-Match": match} if match else {})
        content = None
        if body is not None:
            headers["Content-Type"], content = "application/json", json.dumps(body).encode()
        began, at = time.perf_counter(), self.clock.time()
        status: int | None = None
        message = ""
        try:
            answer = await self.transport.send(method, path, headers=headers, content=content, bounds=bounds)
            status = answer.status
            request_id.set(answer.headers.get("x-request-id", ""))
            told = answer.headers.get("etag", "")
            revision.set(told if told.startswith(f'"{REVISION}') else "")
            if budget is not None:
                budget.told(answer.headers)
            if not (200 <= status < 300 or status in accept):
                raise self._refusal(answer, budget)
            return read(answer.text)
        except RyzeError as error:
            if unsaid:
                error.message = without(error.message, unsaid)
                error.args = (error.message,)
            message, status = error.message, status if status is not None else error.status
            raise
        finally:
            ms = round((time.perf_counter() - began) * 1000)
            self.calls.record(self.base, method, path, at=at, status=status, ms=ms, message=message, body=said(body, unsaid))

    def _refusal(self, answer: Answer, budget: Any) -> RyzeError:
        if answer.status != 429:
            return replies.refusal(answer.status, answer.text, answer.headers.get("location", ""))
        seconds = retry_after(answer.headers, self.clock.time())
        if budget is not None and is_spent(answer.headers):
            budget.refused(seconds)
        return RateLimited(replies.error_text(answer.text) or RATE_LIMITED, retry_after=seconds)
