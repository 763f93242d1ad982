"""Connections on which an answer has to begin: a server that only ever says "go on" (1xx) is not listened to without end."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx

HEAD_BYTES: Final = 1 << 18
"""What may come before an answer's headers are whole; one head alone has at most 100 KB (h11)."""

FAIR: Final = 200
"""So many parts of an answer are taken before others have their turn: a server may send each byte in a part of its own."""


class Stream:
    """httpcore's own stream, counting what is read between a request and the beginning of its answer."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._waiting = 0
        self.begun = False
        """Whether the headers of the answer to what was written last are there."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Raises httpcore.RemoteProtocolError where the answer should have begun long ago."""
        data: bytes = await self._inner.read(max_bytes, timeout)
        if not self.begun:
            self._waiting += len(data)
            if self._waiting > HEAD_BYTES:
                import httpcore

                raise httpcore.RemoteProtocolError("the headers of the answer do not end")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Of a request, after which the count begins anew."""
        self._waiting, self.begun = 0, False
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close it."""
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        """The same, encrypted."""
        return Stream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """As the inner one's."""
        return self._inner.get_extra_info(info)


class Network:
    """httpcore's own network, whose streams are those above."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def connect_tcp(self, *words: Any, **more: Any) -> Stream:
        """As the inner one's."""
        return Stream(await self._inner.connect_tcp(*words, **more))

    async def sleep(self, seconds: float) -> None:
        """As the inner one's."""
        await self._inner.sleep(seconds)


def begun(response: httpx.Response) -> None:
    """Its headers are there: what comes now is its body, which is bounded elsewhere."""
    stream = response.extensions.get("network_stream")
    if isinstance(stream, Stream):
        stream.begun = True
