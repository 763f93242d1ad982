"""The real connection of a link that has a proxy: through the proxy to the front, and held as long as the link is up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from ...egress import Egress
from ...errors import EngineError
from ...tunnel import OPEN_SECONDS, Fault, Streams, TunnelError, open_tunnel
from ..port import ProxyUse
from . import front
from .front import Front

log = logging.getLogger(__name__)

PING_SECONDS: Final = 20.0
PONG_SECONDS: Final = 10.0
"""A proxy that no longer carries anything is noticed after 30 s at the latest."""

LOST: Final = "the connection through the proxy was lost"

Down = Callable[[TunnelError, bool], None]
"""Why, and whether the connection had stood before."""


class Line:
    """One connection. `up` is called when the front answered; `down` once, with whether it had stood. Neither after `cut`."""

    def __init__(self, lines: Lines, proxy: ProxyUse, up: Callable[[], None], down: Down) -> None:
        self.stands = False
        self._lines, self._proxy, self._up, self._down = lines, proxy, up, down
        self._cut = False
        self._task = lines.begin(self._live())

    def cut(self) -> None:
        """Hang up; nothing more is told."""
        self._cut, self.stands = True, False
        self._task.cancel()

    async def _live(self) -> None:
        try:
            await self._through()
        except TunnelError as error:
            self._fall(error)
        except EngineError as error:
            self._fall(TunnelError(Fault.LOST, str(error)))
        except Exception as error:
            log.exception("a link's connection failed")
            self._fall(TunnelError(Fault.LOST, f"the connection through the proxy failed ({type(error).__name__})"))

    def _fall(self, error: TunnelError) -> None:
        stood, self.stands = self.stands, False
        if not self._cut:
            self._down(error, stood)

    async def _through(self) -> None:
        host, port = await self._lines.front.address()
        streams = await open_tunnel(self._lines.egress, self._proxy, host, port, self._lines.open_seconds)
        try:
            await self._lines.greet(streams)
            self.stands = True
            self._up()
            while True:
                await self._quiet(streams[0])
                await _exchange(streams, front.PING, front.PONG, self._lines.pong_seconds)
        finally:
            streams[1].transport.abort()

    async def _quiet(self, reader: asyncio.StreamReader) -> None:
        """Until the next ping is due; the end of the connection is seen at once."""
        try:
            async with asyncio.timeout(self._lines.ping_seconds):
                await reader.read(1)  # nothing comes unasked: this is the end
        except TimeoutError as error:
            if error.errno is None:
                return
        except OSError:
            pass
        raise TunnelError(Fault.LOST, LOST)


async def _exchange(streams: Streams, say: bytes, wanted: bytes, seconds: float) -> None:
    reader, writer = streams
    try:
        async with asyncio.timeout(seconds):
            writer.write(say)
            await writer.drain()
            answer = await reader.readline()
    except TimeoutError:
        raise TunnelError(Fault.SILENT, "the proxy carries nothing any more") from None
    except (OSError, ValueError):
        raise TunnelError(Fault.LOST, LOST) from None
    if answer != wanted:
        raise TunnelError(Fault.LOST, LOST)


class Lines:
    """What all lines of an engine share. Seconds are real ones: a proxy is as fast as it is."""

    def __init__(self, egress: Egress) -> None:
        self.egress, self.front = egress, Front()
        self.open_seconds, self.ping_seconds, self.pong_seconds = OPEN_SECONDS, PING_SECONDS, PONG_SECONDS
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that is held until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def greet(self, streams: Streams) -> None:
        """The first words both ways; a proxy that claims to be through and is not shows here. Raises TunnelError."""
        await _exchange(streams, front.HELLO, front.WELCOME, self.open_seconds)

    async def close(self) -> None:
        """Hang up everything."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.front.close()
