"""Running the application on a socket: readiness, draining, and the close code that sockets get."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Generator
from typing import Final

import uvicorn
from starlette.applications import Starlette

from . import accepting
from .asgi import build
from .boot import EngineFactory, make_engine
from .clock import Clock
from .errors import StartupError
from .lost import SocketProtocol
from .protocol import Protocol
from .settings import Settings

PING_SECONDS: Final = 25.0
PONG_SECONDS: Final = 35.0
"""A socket is dropped 60 s after its last pong at the latest: 25 s to the next ping, 35 s for its answer."""

DRAIN_SECONDS: Final = 5
BACKLOG: Final = 2048


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises StartupError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        raise StartupError(f"cannot listen on {host}:{port}: {error.strerror}; choose another --port (0 = any)") from error
    listener.setblocking(False)
    return listener


def url_of(host: str, listener: socket.socket) -> str:
    """`http://HOST:PORT` as a client on this machine would use it."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers, telling when it is ready and closing sockets with 1001."""

    def __init__(self, config: uvicorn.Config, app: Starlette, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app, self._ready = app, ready

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals are the business of whoever runs us."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, then say so."""
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(BACKLOG)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Long waits end, sockets are closed with 1001, requests are finished."""
        for server in self.servers:
            server.close()
        await self._app.state.backend.drain()
        await asyncio.sleep(0.05)
        await super().shutdown(sockets)


class Server:
    """One server on one socket. `url` is known at once; `serve` runs until `stop`."""

    def __init__(self, settings: Settings, factory: EngineFactory = make_engine, clock: Clock | None = None) -> None:
        self._settings = settings
        self._listener = listen(settings.host, settings.port)
        self.url = url_of(settings.host, self._listener)
        self.app = build(settings, factory, clock, self.url)
        self.ready = asyncio.Event()
        self._uvicorn: uvicorn.Server | None = None
        self._stopped = False

    async def serve(self, on_ready: Callable[[str], None] | None = None) -> None:
        """Open, serve, drain, close. Raises StartupError."""

        def ready() -> None:
            self.ready.set()
            if on_ready is not None:
                on_ready(self.url)

        loop = asyncio.get_running_loop()
        before = loop.get_exception_handler()
        loop.set_exception_handler(accepting.Trouble() if before is None else before)
        try:
            async with self.app.router.lifespan_context(self.app):
                self._uvicorn = _Uvicorn(self._config(), self.app, ready)
                if not self._stopped:
                    await self._uvicorn.serve([self._listener])
        finally:
            loop.set_exception_handler(before)
            self._listener.close()

    def stop(self) -> None:
        """Drain and return from `serve`."""
        self._stopped = True
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True

    def stop_on_signals(self) -> None:
        """SIGTERM and SIGINT stop it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self.app, lifespan="off", log_config=None, access_log=False, server_header=False, ws=SocketProtocol, http=Protocol,
            ws_ping_interval=PING_SECONDS, ws_ping_timeout=PONG_SECONDS, ws_per_message_deflate=False, ws_max_size=64 * 1024,
            timeout_graceful_shutdown=DRAIN_SECONDS, proxy_headers=False, timeout_keep_alive=75,
            backlog=accepting.ONE,
        )
