"""What a link in a text leads to. It is fetched here, by the rules of egress, and read in processes of their own (reading.py)."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import tempfile
from typing import Final
from urllib.parse import urljoin

import httpx

from ...egress import Egress, Forbidden, TooLarge, Whole
from . import translate

log = logging.getLogger(__name__)

Preview = dict[str, str]
"""`{url, title, description}`"""

SECONDS: Final = 8.0
"""For all of it: whoever sends waits."""
PAGE_BYTES: Final = 4 * 1024 * 1024
READ_BYTES: Final = 512 * 1024
"""Of a page; what describes it is in its head."""
PICTURE_BYTES: Final = 2 * 1024 * 1024
SAID_BYTES: Final = 64 * 1024
HOPS: Final = 5
AT_ONCE: Final = 2
"""Readers at a time."""
_READER: Final = (sys.executable, "-I", "-m", "ryze_tui.backend.engine.whatsapp.reading")
_LINK: Final = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_AROUND: Final = ".,;:!?'*_~)]}\u2019\u201d"
_PAGES: Final = ("text/html", "application/xhtml+xml")
_MOVED: Final = (301, 302, 303, 307, 308)


class _NoneToShow(Exception):
    """There is nothing to show."""


_FAILURES: Final = (_NoneToShow, Forbidden, TooLarge, TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)


def link_in(text: str) -> str:
    """The first one, without what closes the sentence around it; empty when there is none."""
    found = _LINK.search(text)
    link = found[0] if found else ""
    while link and link[-1] in _AROUND and not (link[-1] == ")" and link.count("(") >= link.count(")")):
        link = link[:-1]
    return link


class Previews:
    """Of one server."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def of(self, text: str) -> tuple[Preview, bytes]:
        """About the first link, and a small JPEG; nothing when there is none to be had, for a message goes out all the same."""
        made: Preview = {}
        picture = b""
        if not (link := link_in(text)):
            return made, picture
        try:
            async with asyncio.timeout(SECONDS):
                at, page = await self._fetch(link, _PAGES, PAGE_BYTES)
                said = json.loads(await self._read(page[:READ_BYTES], "page", at) or b"{}")
                if not isinstance(said, dict) or not (title := translate.text(said, "title")):
                    raise _NoneToShow("nothing that it says of itself could be read")
                made = {"url": link, "title": title, "description": translate.text(said, "description")}
                if image := translate.text(said, "image"):
                    picture = await self._read((await self._fetch(image, ("image/",), PICTURE_BYTES))[1], "picture")
        except _FAILURES as error:
            if not made:  # not what the link is: that is between those who write
                why = str(error) if isinstance(error, _NoneToShow) else type(error).__name__
                log.info("a link is sent without a preview (%s)", why)
        return made, picture

    async def _fetch(self, url: str, kinds: tuple[str, ...], most: int) -> tuple[str, bytes]:
        """Where it was in the end, and its content."""
        for _ in range(HOPS):
            found: Whole = await self._egress.fetch(url, most=most, seconds=SECONDS)
            if found.status in _MOVED and found.location:
                url = urljoin(url, found.location)
                continue
            if found.status != 200 or not found.content_type.lower().startswith(kinds):
                raise _NoneToShow(f"the answer was {found.status} {found.content_type[:40]}")
            return url, found.content
        raise _NoneToShow("it leads from one address to the next")

    async def _read(self, file: bytes, *words: str) -> bytes:
        """What a reader says, nothing when it fails; it is gone when this returns."""
        async with self._turns:
            with tempfile.TemporaryFile() as given:
                given.write(file)
                given.seek(0)
                process = await asyncio.create_subprocess_exec(
                    *_READER, *words, stdin=given, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env={},
                    cwd="/",
                )  # fmt: skip
            try:
                assert process.stdout is not None
                await process.stdout.readexactly(SAID_BYTES)
                raise _NoneToShow("more was said of it than can be")
            except asyncio.IncompleteReadError as end:
                return end.partial if await process.wait() == 0 else b""
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
