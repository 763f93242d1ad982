"""GET /ws/:instance and GET /ws: live events (contract §5.9, §9). Refusals come before the upgrade, in the error shape."""

from __future__ import annotations

from starlette.websockets import WebSocket

from ...api import errors as texts
from .. import auth
from ..app import Backend, backend_of
from ..errors import ApiError
from ..events.bus import REVOKED
from ..events.sockets import ACCOUNT_FRAMES, HEARTBEAT_SECONDS, INSTANCE_FRAMES, MAX_SOCKETS, Socket

FULL = f"At most {MAX_SOCKETS} sockets at a time"


def _check_origin(websocket: WebSocket, backend: Backend) -> None:
    origin, allowed = websocket.headers.get("origin"), backend.settings.socket_origins
    if origin and allowed and origin not in allowed:
        raise ApiError(403, texts.ORIGIN_REFUSED)


async def _accept(websocket: WebSocket) -> bool:
    """False when the client is gone already."""
    try:
        await websocket.accept()
    except OSError:
        return False
    return True


async def instance_socket(websocket: WebSocket) -> None:
    """The events of one instance that its websocket block lets through."""
    backend = backend_of(websocket)
    record = auth.instance_of(websocket.scope, backend.catalog)
    _check_origin(websocket, backend)
    if not record.blocks.get("websocket", {}).get("enabled"):
        raise ApiError(400, texts.WEBSOCKET_OFF.replace("{instance}", record.name))
    if backend.bus.listeners_of_instance(record) >= MAX_SOCKETS:
        raise ApiError(429, FULL)
    socket = Socket(websocket, max_frames=INSTANCE_FRAMES)
    if not await _accept(websocket):
        return
    if record.gone:
        socket.close(1008, "instance deleted")
    elif auth.revoked(websocket.scope, backend.catalog):
        socket.close(1008, REVOKED)
    backend.bus.follow_instance(record, socket, websocket.scope[auth.CALLER].credential)
    try:
        await socket.run()
    finally:
        backend.bus.leave_instance(record, socket)


class _Heart:
    """A heartbeat every 15 s, until it is stopped."""

    def __init__(self, backend: Backend, account: str, socket: Socket) -> None:
        self._backend, self._account, self._socket = backend, account, socket
        self._timer = backend.clock.call_later(HEARTBEAT_SECONDS, self._beat)

    def _beat(self) -> None:
        self._backend.bus.heartbeat(self._account, self._socket)
        self._timer = self._backend.clock.call_later(HEARTBEAT_SECONDS, self._beat)

    def stop(self) -> None:
        """No more."""
        self._timer.cancel()


async def account_socket(websocket: WebSocket) -> None:
    """The account stream: TokenAccount in a header, never in the query."""
    backend = backend_of(websocket)
    account = auth.account_token(websocket.scope)
    _check_origin(websocket, backend)
    if backend.bus.listeners_of_account(account) >= MAX_SOCKETS:
        raise ApiError(429, FULL)
    names = frozenset(name.strip() for name in websocket.query_params.get("events", "").split(",")) - {""}
    after = websocket.query_params.get("after", "")
    socket = Socket(websocket, max_frames=ACCOUNT_FRAMES)
    if not await _accept(websocket):
        return
    if auth.revoked(websocket.scope, backend.catalog):
        socket.close(1008, REVOKED)
        await socket.run()
        return
    backend.bus.follow_account(account, socket, events=names or None, after=after, records=backend.catalog.of_account(account))

    heart = _Heart(backend, account, socket)
    try:
        await socket.run()
    finally:
        heart.stop()
        backend.bus.leave_account(account, socket)
