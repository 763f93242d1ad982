"""One WebSocket to a server: frames with a time-out, pings of our own, and only RyzeError comes out."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Final, Protocol

from ..api.errors import RATE_LIMITED, BadReply, NoAnswer, RateLimited, RyzeError, Unreachable
from ..i18n import _
from . import replies
from .budget import is_spent
from .http import RyzeClient, retry_after
from .transport import USER_AGENT, in_words

LARGEST_FRAME: Final = 1 << 24
"""Bytes; one careful client allows 12 MiB (contract §5.9)."""
OPEN_SECONDS: Final = 15.0

_log = logging.getLogger("ryze_tui.wire")
_log.setLevel(logging.WARNING)  # at DEBUG the library logs the handshake, and the token is in it
_log.propagate = False
_log.addHandler(logging.NullHandler())


class StreamEnded(Unreachable):
    """The socket is over. `code`: the WebSocket close code, 1006 when it broke."""

    def __init__(self, message: str, code: int = 1006) -> None:
        super().__init__(message)
        self.code = code


class Socket(Protocol):
    """An open stream of frames."""

    async def recv(self, seconds: float | None) -> bytes | str | None:
        """The next frame, or None after `seconds` of silence (None: waits for ever). Raises StreamEnded."""

    async def ping(self, seconds: float) -> None:
        """Ask the other end for a sign of life. Raises StreamEnded when none comes within `seconds`."""

    def silence(self) -> float:
        """Seconds since anything at all arrived, the server's own pings included."""

    async def close(self) -> None:
        """Close it without waiting for long."""


class Dial(Protocol):
    """Opens a stream at a path of the server. Raises RyzeError."""

    async def __call__(self, path: str, token: str) -> Socket: ...


class WebSocket:
    """A Socket over the `websockets` library."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def recv(self, seconds: float | None) -> bytes | str | None:
        """The next frame, or None after `seconds` of silence."""
        from websockets.exceptions import ConnectionClosed

        try:
            async with asyncio.timeout(seconds):
                frame: bytes | str = await self._connection.recv(decode=False)
                return frame
        except TimeoutError:
            return None
        except ConnectionClosed as error:
            raise _ended(error) from error

    async def ping(self, seconds: float) -> None:
        """Send a ping and wait for its pong."""
        from websockets.exceptions import ConnectionClosed

        try:
            async with asyncio.timeout(seconds):
                await (await self._connection.ping())
        except TimeoutError as error:
            raise StreamEnded(_("the stream gave no sign of life when it was asked for one")) from error
        except ConnectionClosed as error:
            raise _ended(error) from error

    def silence(self) -> float:
        """Seconds since anything at all arrived, the server's own pings included."""
        return asyncio.get_running_loop().time() - float(self._connection.heard)

    async def close(self) -> None:
        """Say goodbye, then drop it."""
        await self._connection.close()


def _ended(error: Any) -> StreamEnded:
    frame = error.rcvd
    code = frame.code if frame is not None else 1006
    words = {
        1000: _("the server closed the stream"),
        1001: _("the server is going away"),
        1006: _("the stream broke off"),
        1008: _("the server closed the stream: the instance is gone or the token was revoked"),
        1011: _("the server closed the stream because of a mistake of its own"),
        1012: _("the server is restarting"),
        1013: _("the server closed the stream because we read too slowly"),
    }
    if error.sent is not None and not error.rcvd_then_sent:  # it was we who could not go on
        ours = {1002: _("the server broke the rules of WebSocket"), 1007: _("the server sent text that is no UTF-8"),
                1009: _("the server sent a frame larger than {n} MB").format(n=LARGEST_FRAME >> 20)}  # fmt: skip
        if error.sent.code in ours:
            return StreamEnded(ours[error.sent.code], error.sent.code)
    return StreamEnded(words.get(code) or _("the stream was closed ({code})").format(code=code), code)


class Dialler:
    """Opens sockets with a client's address, TLS context, budgets and log of calls."""

    def __init__(self, client: RyzeClient) -> None:
        self._client = client

    async def __call__(self, path: str, token: str) -> Socket:
        """Open `path` (with its query). Raises TokenRefused, RateLimited, Refused, Unreachable, BadReply."""
        client = self._client
        budget = client.budgets.of(token)
        if blocked := budget.blocked():
            raise RateLimited(RATE_LIMITED, retry_after=blocked)
        budget.spend()
        began, at = time.perf_counter(), client.clock.time()
        status: int | None = None
        message = ""
        try:
            socket = await self._open(path, token)
            status = 101
            return socket
        except RyzeError as error:
            message, status = error.message, error.status
            if isinstance(error, RateLimited) and error.of_token:
                budget.refused(error.retry_after)
            raise
        finally:
            ms = round((time.perf_counter() - began) * 1000)
            client.calls.record(client.base, "GET", path, at=at, status=status, ms=ms, message=message)

    async def _open(self, path: str, token: str) -> Socket:
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

        from .connection import FairConnection

        transport = self._client.transport
        opener = connect(
            "ws" + transport.base[4:] + path, additional_headers={"token": token}, user_agent_header=USER_AGENT, compression=None,
            proxy=None, ping_interval=None, open_timeout=OPEN_SECONDS, close_timeout=2, max_size=LARGEST_FRAME, logger=_log,
            ssl=transport.tls(), create_connection=FairConnection,
        )
        # The library follows redirects, and would carry our token header to another host.
        opener.process_redirect = lambda exc: exc  # type: ignore[method-assign]
        try:
            return WebSocket(await opener)
        except InvalidStatus as error:
            raise self._refusal(error.response) from error
        except (InvalidHandshake, InvalidURI, ValueError, EOFError) as error:
            raise NoAnswer(_("{host} does not speak WebSocket here").format(host=transport.host)) from error
        except (TimeoutError, ConnectionResetError, BrokenPipeError) as error:
            raise NoAnswer(in_words(error, transport.host)) from error
        except OSError as error:
            raise Unreachable(in_words(error, transport.host)) from error

    def _refusal(self, response: Any) -> RyzeError:
        text = (response.body or b"").decode("utf-8", "replace")
        headers = {name.lower(): value for name, value in response.headers.raw_items()}
        if 200 <= response.status_code < 300:
            words = _("the server answered {status} instead of opening a stream; does a proxy before it know WebSocket?")
            return BadReply(words.format(status=response.status_code), status=response.status_code)
        if response.status_code != 429:
            return replies.refusal(response.status_code, text, headers.get("location", ""))
        seconds = retry_after(headers, self._client.clock.time())
        return RateLimited(replies.error_text(text) or RATE_LIMITED, retry_after=seconds, of_token=is_spent(headers))
