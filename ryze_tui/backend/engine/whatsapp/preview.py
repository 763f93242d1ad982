"""What a link in a text leads to. The page is fetched here, by the rules of egress, and read in the worker, which may fail."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urljoin

import httpx

from ...egress import Egress, Forbidden, TooLarge, Whole
from ...errors import EngineError
from . import translate
from .frames import Answer

log = logging.getLogger(__name__)

Preview = dict[str, str]
"""`{url, title, description}`"""

SECONDS: Final = 8.0
"""For all of it: whoever sends waits."""
PAGE_BYTES: Final = 4 * 1024 * 1024
READ_BYTES: Final = 512 * 1024
"""Of a page; what describes it is in its head."""
PICTURE_BYTES: Final = 2 * 1024 * 1024
HOPS: Final = 5
_LINK: Final = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_AROUND: Final = ".,;:!?'*_~)]}\u2019\u201d"
_PAGES: Final = ("text/html", "application/xhtml+xml")
_MOVED: Final = (301, 302, 303, 307, 308)


class _NoneToShow(Exception):
    """There is nothing to show."""


def link_in(text: str) -> str:
    """The first one, without what closes the sentence around it; empty when there is none."""
    found = _LINK.search(text)
    link = found[0] if found else ""
    while link and link[-1] in _AROUND and not (link[-1] == ")" and link.count("(") >= link.count(")")):
        link = link[:-1]
    return link


async def preview(egress: Egress, read: Callable[[str, bytes], Awaitable[Answer]], text: str) -> tuple[Preview, bytes]:
    """About the first link, and its picture; nothing when there is none to be had, for a message goes out all the same.

    `read(url, page)` asks a worker what the page says of itself.
    """
    made: Preview = {}
    picture = b""
    if not (link := link_in(text)):
        return made, picture
    try:
        async with asyncio.timeout(SECONDS):
            at, page = await _fetch(egress, link, _PAGES, PAGE_BYTES)
            said = (await read(at, page[:READ_BYTES])).data
            if not (title := translate.text(said, "title")):
                raise _NoneToShow("the page has no title")
            made = {"url": link, "title": title, "description": translate.text(said, "description")}
            picture = await _picture(egress, translate.text(said, "image"))
    except (_NoneToShow, *_FAILURES) as error:
        if not made:  # not what the link is: that is between those who write
            log.info("a link is sent without a preview (%s)", error if isinstance(error, _NoneToShow) else type(error).__name__)
    return made, picture


_FAILURES: Final = (
    Forbidden, TooLarge, EngineError, TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError,
)  # fmt: skip


async def _picture(egress: Egress, url: str) -> bytes:
    try:
        return (await _fetch(egress, url, ("image/",), PICTURE_BYTES))[1] if url else b""
    except (_NoneToShow, *_FAILURES):
        return b""


async def _fetch(egress: Egress, url: str, kinds: tuple[str, ...], most: int) -> tuple[str, bytes]:
    """Where it was in the end, and its content."""
    for _ in range(HOPS):
        found: Whole = await egress.fetch(url, most=most, seconds=SECONDS)
        if found.status in _MOVED and found.location:
            url = urljoin(url, found.location)
            continue
        if found.status != 200 or not found.content_type.lower().startswith(kinds):
            raise _NoneToShow(f"the answer was {found.status} {found.content_type[:40]}")
        return url, found.content
    raise _NoneToShow("it leads from one address to the next")
