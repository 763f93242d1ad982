"""An instance's stream from this machine: the upgrade with its own token, then a ping and its pong."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from typing import TYPE_CHECKING, TypeVar

from ..api.errors import RyzeError
from ..i18n import _
from .steps import BAD, SECONDS, Failed, Step, attempt
from .trial import running, title

if TYPE_CHECKING:
    from ..client.stream import Socket
    from .from_here import Dial

T = TypeVar("T")


async def steps(name: str, dial: Dial, seconds: float = SECONDS) -> AsyncGenerator[Step, None]:
    """What the server holds is tried: a form that is not saved changes nothing of it."""
    sockets: list[Socket] = []

    async def open_it() -> str:
        sockets.append(await _asked(dial(name)))
        return _("opened, as the server holds it now")

    async def beat() -> str:
        await _asked(sockets[0].ping(seconds))
        return _("a ping came back")

    try:
        yield running("upgrade")
        opened = await attempt(title("upgrade"), "upgrade", open_it(), seconds)
        yield opened
        if opened.result != BAD:
            yield running("heartbeat")
            yield await attempt(title("heartbeat"), "heartbeat", beat(), seconds)
    finally:
        for socket in sockets:
            await socket.close()


async def _asked(doing: Awaitable[T]) -> T:
    try:
        return await doing
    except RyzeError as error:
        raise Failed(error.message) from error
