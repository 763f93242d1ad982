"""A page and a picture -> what is shown of a link in a message. Strangers made both, so all of it happens in the worker."""

from __future__ import annotations

import io
from typing import Any, Final
from urllib.parse import urljoin

from bs4 import BeautifulSoup
from linkpreview import Link, LinkPreview
from PIL import Image

TITLE_MOST, ABOUT_MOST, URL_MOST = 300, 1000, 2000
SIDE: Final = 192
"""Pixels of a thumbnail; it travels in the message itself."""
PIXELS_MOST: Final = 40_000_000


def read(url: str, page: bytes) -> dict[str, Any]:
    """`{title, description, image}` of the page at `url`; the image's URL is empty when the page names none."""
    soup = BeautifulSoup(page, "html.parser")
    found = LinkPreview(Link(url), soup=soup)
    image = _words(found.opengraph.image or found.twitter.image, URL_MOST)
    return {
        "title": _words(found.title, TITLE_MOST), "description": _words(found.description, ABOUT_MOST),
        "image": urljoin(url, image) if image else "",
    }  # fmt: skip


def thumbnail(picture: bytes) -> bytes:
    """As a small JPEG; empty when it is no picture that can be read."""
    try:
        with Image.open(io.BytesIO(picture)) as image:
            if image.width * image.height > PIXELS_MOST:
                return b""
            image.thumbnail((SIDE, SIDE))
            made = io.BytesIO()
            image.convert("RGB").save(made, "JPEG", quality=75)
            return made.getvalue()
    except Exception:  # noqa: BLE001 - a stranger's file in one of dozens of formats
        return b""


def _words(text: object, most: int) -> str:
    return " ".join(str(text or "").split())[:most]
