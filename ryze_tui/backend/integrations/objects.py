"""What a received medium is called in a store: pure rules for keys, types and headers.

A key is `prefix/instance/YYYY/MM/DD/messageId.ext`. Its parts keep ASCII letters, digits, `.`, `_` and `-`; everything else
becomes `_`, a part never begins with a dot and has at most 120 characters. A message id that had to be changed gets 8 digits of
its SHA-256 behind it, so that two never become one. So a key needs no encoding anywhere: the URL that is told is the object's.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from datetime import UTC, datetime
from typing import Final, Protocol
from urllib.parse import quote

from ...outside.s3 import PART_LONGEST as LONGEST
from ...outside.s3 import folder, part

OCTETS: Final = "application/octet-stream"
_EXTENSION: Final = re.compile(r"[A-Za-z0-9]{1,10}")
_TYPE: Final = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,100}(?: *; *[a-z]{1,20}=[A-Za-z0-9._-]{1,60}){0,3}")
_KNOWN: Final = {
    "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif", "video/mp4": "mp4", "video/3gpp": "3gp",
    "audio/ogg": "ogg", "audio/mpeg": "mp3", "audio/mp4": "m4a", "audio/aac": "aac", "audio/amr": "amr", "application/pdf": "pdf",
    "text/plain": "txt", "text/vcard": "vcf",
}  # fmt: skip
_BUILT_IN: Final = mimetypes.MimeTypes()
"""Python's own table; what a machine has in its mime.types must not change a key."""
_SHOWN: Final = frozenset({"image", "audio", "video"})


class MediaLike(Protocol):
    """Of the engine's Media what a store needs to know."""

    @property
    def kind(self) -> str:
        """image, video, audio, document, sticker …"""

    @property
    def mimetype(self) -> str:
        """As the sender said."""

    @property
    def file_name(self) -> str:
        """As the sender said; empty when there is none."""


def _message(message_id: str) -> str:
    safe = part(message_id)
    if safe == message_id and safe:
        return safe
    digest = hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe[: LONGEST - 9]}_{digest}"


def extension(media: MediaLike) -> str:
    """Of a document the file's own; else what the type says; `bin` when neither is of use."""
    _, dot, own = media.file_name.rpartition(".")
    if dot and media.kind == "document" and _EXTENSION.fullmatch(own):
        return own.lower()
    plain = media.mimetype.partition(";")[0].strip().lower()
    guessed = _KNOWN.get(plain) or (_BUILT_IN.guess_extension(plain) or "").removeprefix(".")
    return guessed if _EXTENSION.fullmatch(guessed) else "bin"


def object_key(prefix: str, instance: str, message_id: str, when: float, media: MediaLike) -> str:
    """`when`: Unix seconds; the day is UTC's."""
    day = datetime.fromtimestamp(when, UTC).strftime("%Y/%m/%d")
    return f"{folder(prefix)}{part(instance)}/{day}/{_message(message_id)}.{extension(media)}"


def content_type(media: MediaLike) -> str:
    """What the sender said where it is a type at all; nothing else gets into a header."""
    return media.mimetype if _TYPE.fullmatch(media.mimetype) else OCTETS


def disposition(media: MediaLike) -> str:
    """Pictures, sounds and films are shown; what a browser might run (HTML, SVG) and everything else is downloaded."""
    kind = content_type(media).partition("/")[0].lower()
    if kind in _SHOWN and "svg" not in media.mimetype.lower():
        return "inline"
    name = quote(media.file_name[:LONGEST], safe="", errors="replace")
    return f"attachment; filename*=UTF-8''{name}" if name else "attachment"
