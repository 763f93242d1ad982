"""What is said to a proxy once there is a connection to it: HTTP CONNECT (RFC 9110 §9.3.6) and SOCKS5 (RFC 1928, 1929).

Our own, and not python-socks: that one resolves and dials by itself (the address checked would not be the address dialled),
takes one read for a whole answer (what the other side says first is lost), and wants ASCII passwords.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ..i18n import mark

HEAD_LINES: Final = 100
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?\r?\n")
_NAME: Final = re.compile(r"[!-~]{1,255}")


class Fault(StrEnum):
    """What is wrong with a way through a proxy."""

    FORBIDDEN = "forbidden"  # its address may not be dialled
    UNREACHABLE = "unreachable"  # no address, refused, no route
    TLS = "tls"  # no TLS there, or a certificate that proves nothing
    CREDENTIALS = "credentials"
    TARGET = "target"  # the proxy is well and does not get to the target, or does not want to
    NO_PROXY = "no proxy"  # whatever answers there is none
    SILENT = "silent"  # nothing came in time
    LOST = "lost"  # it closed the connection


class NoWay(Exception):
    """There is no way through the proxy; why is told in words, without user name and password.

    `text` is a template of ours and `about` fills it, so that a console can say it in its own language.
    """

    def __init__(self, fault: Fault, text: str, **about: object) -> None:
        super().__init__(text.format(**about))
        self.fault, self.text, self.about = fault, text, about

    def said(self, translate: Callable[[str], str]) -> str:
        """The same in another language."""
        return translate(self.text).format(**self.about)


REFUSED: Final = mark("the proxy refused the user name or password")
WANTED: Final = mark("the proxy wants a user name and a password")
SOCKS_IS_NO_PROXY: Final = mark("what answers there is no SOCKS5 proxy")
HTTP_IS_NO_PROXY: Final = mark("what answers there is no HTTP proxy")


@dataclass(frozen=True, slots=True)
class ProxyUse:
    """What is dialled through. `protocol`: http, https or socks5; `host` may be a name."""

    protocol: str
    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)


Stage = Callable[[str], AbstractContextManager[None]]
"""Around a part of the talk: its name -> a context that notes how long it took and how it ended."""


def _refused(proxy: ProxyUse) -> NoWay:
    return NoWay(Fault.CREDENTIALS, REFUSED if proxy.username or proxy.password else WANTED)


def _checked(host: str) -> str:
    if not _NAME.fullmatch(host):
        raise NoWay(Fault.TARGET, mark("the target is no host name"))
    return host


# -- HTTP --------------------------------------------------------------------------------------------------------------


def connect_request(proxy: ProxyUse, host: str, port: int) -> bytes:
    """The head of a CONNECT. Raises NoWay."""
    where = f"[{_checked(host)}]:{port}" if ":" in host else f"{_checked(host)}:{port}"
    lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
    if proxy.username or proxy.password:
        if ":" in proxy.username:
            raise NoWay(Fault.CREDENTIALS, mark("a user name with a colon cannot be told to an HTTP proxy"))
        credentials = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {credentials}")
    return "\r\n".join([*lines, "", ""]).encode()


async def http_connect(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, proxy: ProxyUse, host: str, port: int, stage: Stage
) -> None:
    """Have an HTTP proxy connect to the target; what follows on the streams is the target's.

    User name and password are part of the one request, so there is no stage of their own. Raises NoWay, OSError, EOFError.
    """
    with stage("connect"):
        writer.write(connect_request(proxy, host, port))
        await writer.drain()
        status = await _status(reader)
        if not 200 <= status < 300:
            raise _http_refusal(proxy, status, f"{host}:{port}")


async def _status(reader: asyncio.StreamReader) -> int:
    """Read the whole head of an answer."""
    try:
        first = await reader.readline()
        if not first:
            raise EOFError
        found = _STATUS.fullmatch(first)
        if found is None:
            raise NoWay(Fault.NO_PROXY, HTTP_IS_NO_PROXY)
        for _ in range(HEAD_LINES):
            line = await reader.readline()
            if not line:
                raise EOFError
            if line in (b"\r\n", b"\n"):
                return int(found[1])
    except ValueError:  # a line of 64 KB
        pass
    raise NoWay(Fault.NO_PROXY, HTTP_IS_NO_PROXY)


def _http_refusal(proxy: ProxyUse, status: int, target: str) -> NoWay:
    if status in (401, 407):
        return _refused(proxy)
    if status == 403:
        return NoWay(Fault.TARGET, mark("the proxy does not let anybody through to {target} (403)"), target=target)
    if status == 429 or status in (500, 502, 503, 504):
        return NoWay(Fault.TARGET, mark("the proxy did not get through to {target} ({status})"), target=target, status=status)
    return NoWay(Fault.NO_PROXY, mark("what answers there is no HTTP proxy: it answered CONNECT with {status}"), status=status)


# -- SOCKS5 ------------------------------------------------------------------------------------------------------------

_VERSION: Final = 5
_NO_AUTH, _PASSWORD, _NOTHING_FITS = 0, 2, 0xFF
_REPLIES: Final = {
    1: mark("the proxy did not get through to {target}: it failed at it"),
    2: mark("the proxy did not get through to {target}: its rules do not allow it"),
    3: mark("the proxy did not get through to {target}: it has no network there"),
    4: mark("the proxy did not get through to {target}: it does not reach that host"),
    5: mark("the proxy did not get through to {target}: that host refused the connection"),
    6: mark("the proxy did not get through to {target}: it took too many steps"),
    7: mark("the proxy did not get through to {target}: it makes no connections"),
    8: mark("the proxy did not get through to {target}: it does not know that kind of address"),
}
_OTHER_REPLY: Final = mark("the proxy did not get through to {target}: it says {reply}")


def _counted(text: str) -> bytes:
    """RFC 1929: a byte of length, then the text. Raises NoWay."""
    data = text.encode()
    if len(data) > 255:
        raise NoWay(Fault.CREDENTIALS, mark("user name and password may have 255 bytes each with a SOCKS5 proxy"))
    return bytes([len(data)]) + data


def socks_target(host: str, port: int) -> bytes:
    """Kind of address, address, port; a name goes to the proxy as a name. Raises NoWay."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bytes([3]) + _counted(_checked(host)) + port.to_bytes(2, "big")
    return bytes([1 if address.version == 4 else 4]) + address.packed + port.to_bytes(2, "big")


async def socks5(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, proxy: ProxyUse, host: str, port: int, stage: Stage
) -> None:
    """Have a SOCKS5 proxy connect to the target. Raises NoWay, OSError, EOFError."""
    with stage("auth"):
        await _authenticate(reader, writer, proxy)
    with stage("connect"):
        writer.write(bytes([_VERSION, 1, 0]) + socks_target(host, port))
        await writer.drain()
        version, reply, _, kind = await reader.readexactly(4)
        if version != _VERSION:
            raise NoWay(Fault.NO_PROXY, SOCKS_IS_NO_PROXY)
        if reply:
            raise NoWay(Fault.TARGET, _REPLIES.get(reply, _OTHER_REPLY), target=f"{host}:{port}", reply=reply)
        sizes = {1: 4, 4: 16}
        size = sizes[kind] if kind in sizes else (await reader.readexactly(1))[0]
        await reader.readexactly(size + 2)


async def _authenticate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, proxy: ProxyUse) -> None:
    named = bool(proxy.username or proxy.password)
    telling = bytes([1]) + _counted(proxy.username) + _counted(proxy.password)
    methods = bytes([_NO_AUTH, _PASSWORD] if named else [_NO_AUTH])
    writer.write(bytes([_VERSION, len(methods)]) + methods)
    await writer.drain()
    version = (await reader.readexactly(1))[0]
    if version != _VERSION:
        raise NoWay(Fault.NO_PROXY, SOCKS_IS_NO_PROXY)
    method = (await reader.readexactly(1))[0]
    if method == _NO_AUTH:
        return
    if method != _PASSWORD or not named:
        raise _refused(proxy) if method in (_PASSWORD, _NOTHING_FITS) else NoWay(Fault.NO_PROXY, SOCKS_IS_NO_PROXY)
    writer.write(telling)
    await writer.drain()
    try:
        answer = await reader.readexactly(2)
    except (EOFError, OSError):  # many only close
        raise _refused(proxy) from None
    if answer[1]:
        raise _refused(proxy)
