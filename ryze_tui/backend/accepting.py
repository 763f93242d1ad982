"""Taking connections when no descriptor may be left: asyncio alone makes that an endless loop that fills the log.

It takes as many connections at once as its backlog says, goes on when one cannot be had, and sets a timer for each of those,
which begins all of it anew. One at a time, it waits a second; the queue in the kernel is as long as before.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from typing import Any, Final

log = logging.getLogger(__name__)

ONE: Final = 1
"""asyncio's backlog; `listen` afterwards says how many may really wait."""

QUEUE: Final = 100
SAID_SECONDS: Final = 60.0
_NOTHING_LEFT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def loopback() -> socket.socket:
    """A listener on any free port of 127.0.0.1. Raises OSError."""
    return socket.create_server(("127.0.0.1", 0), backlog=QUEUE)


async def serve(accept: Any, listener: socket.socket, *, limit: int) -> asyncio.Server:
    """`asyncio.start_server` on a TCP listener. Raises OSError."""
    server = await asyncio.start_server(accept, sock=listener, limit=limit, backlog=ONE)
    listener.listen(QUEUE)
    return server


class Trouble:
    """A loop's exception handler: a connection that cannot be taken fails every second, and is told once a minute."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if "socket" not in context or not isinstance(error, OSError) or error.errno not in _NOTHING_LEFT:
            loop.default_exception_handler(context)
        elif loop.time() >= self._next:
            self._next = loop.time() + SAID_SECONDS
            log.warning("connections have to wait: %s", error.strerror)
