"""Links with a proxy: dialled through it or not at all, and dialled again through it when it fails them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import httpx

from ...errors import EngineError
from ...proxied import proxied_client
from ...table import Happening
from ...tunnel import TunnelError
from .line import Line, Lines
from .link import Link, Phase

if TYPE_CHECKING:
    from .engine import SimulatedEngine

AGAIN: Final = "dialling again"
FIRST_SECONDS: Final = 1.0
MOST_SECONDS: Final = 60.0
RARELY_SECONDS: Final = 300.0
"""A proxy that refuses a password, or is none, is asked rarely: what is asked too often locks people out."""

STEADY_SECONDS: Final = 60.0
"""How long a connection must have stood for the waits to begin anew."""

_PAIRING: Final = frozenset({Phase.ASKING, Phase.SCANNING})


def wait(tries: int, passing: bool, random: Callable[[], float]) -> float:
    """Seconds until the next try, after so many that failed (1 or more): doubled each time, and within 20 % by chance."""
    seconds = min(FIRST_SECONDS * 2 ** min(tries - 1, 10), MOST_SECONDS) if passing else RARELY_SECONDS
    return seconds * (0.8 + 0.4 * random())


class Carried:
    """Brings links through their proxies, and says what became of it."""

    def __init__(self, engine: SimulatedEngine, lines: Lines) -> None:
        self._engine, self.lines = engine, lines

    def begin(self, link: Link, then: Callable[[Link], None]) -> None:
        """Dial; `then(link)` once the connection stands."""
        assert link.proxy is not None

        def up() -> None:
            link.stood_at, link.trouble = self._engine.clock.monotonic(), ""
            then(link)

        if link.line is not None:
            link.line.cut()
        link.line = Line(self.lines, link.proxy, up, lambda error, stood: self._failed(link, error, stood))

    async def fetch(self, link: Link, content: bytes) -> bytes:
        """A virtual phone's media as a link comes by it: over HTTP through its proxy where there is one. Raises EngineError."""
        if link.proxy is None:
            return content
        host, port = await self.lines.front.address()
        with self.lines.front.offered(content) as path:
            async with proxied_client(self.lines.egress, link.proxy) as http:
                try:
                    reply = await http.get(f"http://{host}:{port}{path}", timeout=self.lines.open_seconds)
                except httpx.HTTPError as error:
                    raise EngineError(f"the media could not be fetched: {error or type(error).__name__}") from error
        if reply.status_code != 200:
            raise EngineError(f"the media could not be fetched: status {reply.status_code}")
        return reply.content

    def _failed(self, link: Link, error: TunnelError, stood: bool) -> None:
        phase = link.phase
        link.quiet()
        what = Happening.DISCONNECTED if stood else Happening.CONNECT_FAILURE
        if phase in _PAIRING:  # somebody waits, and can ask again
            self._engine.tell(link, what, {"reason": str(error)})
            return
        if stood and (self._engine.clock.monotonic() - link.stood_at) * self._engine.speed >= STEADY_SECONDS:
            link.tries = 0
        link.phase, link.tries = Phase.DROPPED, link.tries + 1
        self._engine.after(link, wait(link.tries, error.passing, self._engine.rng.random), self._engine.come_up)
        if str(error) != link.trouble:
            link.trouble = str(error)
            self._engine.tell(link, what, {"reason": f"{error}, {AGAIN}" if stood else str(error)})
