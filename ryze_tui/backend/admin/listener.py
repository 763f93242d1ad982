"""The Unix socket that account commands come through: its owner and root only, everything bounded, never a reason to stop.

A server that cannot make it serves all the same and says so in its log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from .. import accepting
from ..app import Backend
from . import wire
from .commands import answer, finish_removals

log = logging.getLogger(__name__)

MAX_CLIENTS: Final = 16
CLIENT_SECONDS: Final = 10.0
"""How long a client may take to send its line, and to read an answer."""

STOP_SECONDS: Final = 5.0
"""How long a command that is being worked on may hold up the server's end."""


def _bind(path: Path) -> socket.socket:
    """The listening socket, 0600. The directory's lock is ours, so a socket that is there is a dead server's. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(None, "something that is no socket has its name")
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        mask = os.umask(0o177)  # never, for however short a time, open to others
        try:
            with wire.address(path) as name:
                listener.bind(name)
        finally:
            os.umask(mask)
        listener.listen(MAX_CLIENTS)
        listener.setblocking(False)
        if wire.peer_uid(listener) is None:
            path.unlink()
            raise OSError(None, "this system does not tell who calls")
    except BaseException:
        listener.close()
        raise
    return listener


@asynccontextmanager
async def listening(backend: Backend) -> AsyncIterator[None]:
    """Account commands are answered while the block runs."""
    path = backend.settings.data_dir / wire.SOCKET_FILE
    door = _Door(backend)
    removals = asyncio.create_task(finish_removals(backend))
    server: asyncio.Server | None = None
    try:
        listener = _bind(path)
        server = await asyncio.start_unix_server(door.enter, sock=listener, limit=wire.MAX_REQUEST, backlog=accepting.ONE)
        listener.listen(MAX_CLIENTS)
    except OSError as error:
        log.warning("no account commands: %s cannot be made: %s", path, error.strerror)
    try:
        yield
    finally:
        if server is not None:
            server.close()
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        removals.cancel()
        await asyncio.gather(removals, return_exceptions=True)
        await door.close()


class _Door:
    """One task for each client; a command goes on when its client leaves."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._clients: set[asyncio.Task[Any]] = set()
        self._commands: set[asyncio.Task[dict[str, Any]]] = set()
        self._may_come = {os.geteuid(), 0}
        self._closed = False

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        task = asyncio.current_task()
        assert task is not None
        full = len(self._clients) >= MAX_CLIENTS
        self._clients.add(task)
        try:
            if self._closed:
                return  # it was let in by the loop in the very moment that the door was shut
            if wire.peer_uid(writer.get_extra_info("socket")) not in self._may_come:
                log.warning("an account command of another user was refused")
                await self._say(writer, {"error": wire.NOT_ALLOWED})
            elif full:
                await self._say(writer, {"error": wire.BUSY})
            else:
                await self._serve(reader, writer)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # it left, or it is too slow, or we stop: there is nobody to tell
        except Exception:
            log.exception("an account command failed")
            with contextlib.suppress(OSError, TimeoutError):
                await self._say(writer, {"error": wire.FAILED, "why": "internal error, see the server's log"})
        finally:
            self._clients.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CLIENT_SECONDS):
                line = await reader.readline()
            request = wire.read_request(line)
        except ValueError:  # Malformed, or longer than the limit
            await self._say(writer, {"error": wire.BAD_REQUEST})
            return

        async def tell(done: int, of: int) -> None:
            if not writer.is_closing():
                with contextlib.suppress(OSError, TimeoutError):
                    await self._say(writer, {"progress": done, "of": of})

        command = asyncio.create_task(answer(self._backend, request, tell))
        self._commands.add(command)
        command.add_done_callback(self._commands.discard)
        await self._say(writer, await asyncio.shield(command))

    async def _say(self, writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
        writer.write(wire.encode(message))
        async with asyncio.timeout(CLIENT_SECONDS):
            await writer.drain()

    async def close(self) -> None:
        """Commands that are being worked on get a moment, then everybody goes."""
        self._closed = True
        if self._commands:
            await asyncio.wait(self._commands, timeout=STOP_SECONDS)
        for task in self._commands:
            task.cancel()
        await asyncio.sleep(0)  # those who waited for an answer send it
        clients = list(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, *self._commands, return_exceptions=True)
