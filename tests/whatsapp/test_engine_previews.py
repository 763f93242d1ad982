"""The whole server with the real library on the double: what a link in a text leads to, and links that lead to nothing."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from ryze_tui.backend.engine.whatsapp import preview

from tests.fakes.whatsapp.double import WhatsAppDouble
from tests.fakes.whatsapp.people import Person

from ..pace import patient
from .engine import OnDouble, on_double, worker_of

pytestmark = pytest.mark.whatsapp

PAGE = """<html><head><title>not this</title><meta property="og:title" content="Fresh   bread &amp; more">
<meta property="og:description" content="Every morning"><meta property="og:image" content="/loaf.png"></head></html>"""


def picture(width: int = 800, height: int = 400) -> bytes:
    made = io.BytesIO()
    Image.new("RGBA", (width, height), "brown").save(made, "PNG")
    return made.getvalue()


class Site:
    """On loopback; answers by path, and keeps which were asked for. `stalls`: nothing is answered there."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, bytes]] = {
            "/bread": ("200 OK\r\nContent-Type: text/html; charset=utf-8", PAGE.encode()),
            "/loaf.png": ("200 OK\r\nContent-Type: image/png", picture()),
            "/short": ("301 Moved\r\nLocation: /bread", b""),
            "/round": ("302 Found\r\nLocation: /round", b""),
            "/file": ("200 OK\r\nContent-Type: application/zip", b"PK"),
            "/nothing": ("200 OK\r\nContent-Type: text/html", b"<p>words</p>"),
            "/large": ("200 OK\r\nContent-Type: text/html", b"<title>x</title>" + b"y" * preview.PAGE_BYTES),
            "/mean": ("200 OK\r\nContent-Type: text/html", b"<title>mean</title>" + b"<a " * 100_000),  # takes hours
            "/broken": ("200 OK\r\nContent-Type: text/html", PAGE.replace("loaf", "no-picture").encode()),
            "/no-picture.png": ("200 OK\r\nContent-Type: image/png", b"\x89PNG\r\n\x1a\n and then nothing"),
            "/bomb": ("200 OK\r\nContent-Type: text/html", PAGE.replace("loaf", "bomb").encode()),
            "/bomb.png": ("200 OK\r\nContent-Type: image/png", picture(9000, 9000)),
            "/slow": ("200 OK\r\nContent-Type: text/html", PAGE.replace("loaf", "stalls").encode()),
        }
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            self.asked.append(path)
            if "stalls" in path:
                await reader.read()
            head, body = self.pages.get(path, ("404 Not Found", b""))
            writer.write(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
            await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Site, str]]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    try:
        yield site, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def readers() -> list[str]:
    """Those that the server has, which runs in this process."""
    children = [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
    return [pid for pid in children if b"whatsapp.reading" in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def sent(on: OnDouble, ana: Person, text: str, **more: Any) -> Any:
    """What she gets: the message as it came out of the cipher."""
    await on.api.ok("POST", "/api/message/text/shop", {"number": ana.number, "message": text, "linkPreview": True} | more)
    heard = await ana.heard()
    assert heard.text == text
    return heard.message


async def test_a_link_shows_what_it_leads_to(on: OnDouble, ana: Person) -> None:
    await on.paired()
    async with serving() as (site, base):
        shown = (await sent(on, ana, f"Look ({base}/short), it is warm")).extendedTextMessage
        assert (shown.matchedText, shown.title, shown.description) == (f"{base}/short", "Fresh bread & more", "Every morning")
        with Image.open(io.BytesIO(shown.jpegThumbnail)) as thumbnail:
            assert (thumbnail.format, thumbnail.size) == ("JPEG", (192, 96))
        assert site.asked == ["/short", "/bread", "/loaf.png"]
        site.asked.clear()
        plain = await sent(on, ana, f"{base}/bread", linkPreview=False)
        assert plain.conversation == f"{base}/bread" and site.asked == [], "only who wants one has a page fetched"
        answer = (await sent(on, ana, f"{base}/bread", replyTo="AN-ID")).extendedTextMessage
        assert (answer.title, answer.contextInfo.stanzaId) == ("Fresh bread & more", "AN-ID")


@pytest.mark.parametrize("path", ["/none", "/round", "/file", "/nothing", "/large"])
async def test_a_link_that_has_nothing_to_show_is_sent_all_the_same(on: OnDouble, ana: Person, path: str) -> None:
    await on.paired()
    async with serving() as (site, base):
        assert (await sent(on, ana, base + path)).conversation == base + path
        assert site.asked


async def test_pages_and_pictures_of_strangers_harm_nobody(on: OnDouble, ana: Person) -> None:
    await on.paired()
    pid = worker_of(on)
    async with serving() as (_, base):
        began = time.monotonic()
        assert (await sent(on, ana, f"{base}/mean")).conversation == f"{base}/mean"
        assert time.monotonic() - began < patient(12)
        for path in ("/broken", "/bomb"):
            shown = (await sent(on, ana, base + path)).extendedTextMessage
            assert (shown.title, shown.jpegThumbnail) == ("Fresh bread & more", b"")
    assert readers() == []
    assert worker_of(on) == pid and await on.api.state("shop") == "connected"


@pytest.mark.long
async def test_a_site_that_is_slow_delays_a_message_no_longer_than_that(
    on: OnDouble, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await on.paired()
    monkeypatch.setattr(preview, "SECONDS", 5.0)
    async with serving() as (_, base):
        began = time.monotonic()
        assert (await sent(on, ana, f"{base}/stalls")).conversation == f"{base}/stalls"
        shown = (await sent(on, ana, f"{base}/slow")).extendedTextMessage
        assert (shown.title, shown.jpegThumbnail) == ("Fresh bread & more", b""), "without the picture that did not come"
        assert time.monotonic() - began < patient(16)
    assert readers() == []


async def test_no_page_is_fetched_from_where_nobody_may_dial(tmp_path: Path, wa: WhatsAppDouble, ana: Person) -> None:
    async with on_double(tmp_path, wa, private_targets=False) as on, serving() as (site, base):
        await on.paired()
        assert (await sent(on, ana, f"{base}/bread")).conversation == f"{base}/bread"
        assert site.asked == []
