"""A process that may fail: `python -m ryze_tui.backend.engine.whatsapp.reading page URL | picture`, a stranger's file piped in.

What it says of a page is JSON, `{title, description, image}` (the image's URL is empty when the page names none), of a picture a
small JPEG, or nothing. A page can be made to take hours (Python's html.parser), a picture to take gigabytes; so there are
limits, and whoever starts it kills it after a while.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import Any, Final
from urllib.parse import urljoin

TITLE_MOST, ABOUT_MOST, URL_MOST = 300, 1000, 2000
SIDE: Final = 192
"""Pixels of a thumbnail; it travels in the message itself."""
PIXELS_MOST: Final = 40_000_000
SECONDS: Final = 5
MEMORY: Final = 1 << 30


def read(url: str, page: bytes) -> dict[str, Any]:
    """What the page at `url` says of itself."""
    from bs4 import BeautifulSoup
    from linkpreview import Link, LinkPreview

    found = LinkPreview(Link(url), soup=BeautifulSoup(page, "html.parser"))
    image = _words(found.opengraph.image or found.twitter.image, URL_MOST)
    return {
        "title": _words(found.title, TITLE_MOST), "description": _words(found.description, ABOUT_MOST),
        "image": urljoin(url, image) if image else "",
    }  # fmt: skip


def thumbnail(picture: bytes) -> bytes:
    """Empty when it is too large."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        if image.width * image.height > PIXELS_MOST:
            return b""
        image.thumbnail((SIDE, SIDE))
        made = io.BytesIO()
        image.convert("RGB").save(made, "JPEG", quality=75)
        return made.getvalue()


def _words(text: object, most: int) -> str:
    return " ".join(str(text or "").split())[:most]


def main() -> None:
    """What fails ends it, and it has said nothing."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    what, file = sys.argv[1], sys.stdin.buffer.read()
    said = json.dumps(read(sys.argv[2], file)).encode() if what == "page" else thumbnail(file)
    sys.stdout.buffer.write(said)


if __name__ == "__main__":
    main()
