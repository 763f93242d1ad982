"""Where WhatsApp keeps media, encrypted: what is uploaded there, and the small HTTPS server that gives it out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from pyaileys.media import decrypt_media_bytes, encrypt_media_bytes
from pyaileys.proto import WAProto_pb2 as proto

HOST: Final = "mmg.whatsapp.net"


class Kind(NamedTuple):
    """The field of a Message, and its type."""

    field: str
    type: Any


KINDS: Final = {
    "image": Kind("imageMessage", proto.Message.ImageMessage),
    "video": Kind("videoMessage", proto.Message.VideoMessage),
    "audio": Kind("audioMessage", proto.Message.AudioMessage),
    "document": Kind("documentMessage", proto.Message.DocumentMessage),
    "sticker": Kind("stickerMessage", proto.Message.StickerMessage),
}


@dataclass(frozen=True)
class Medium:
    """Media that a message carries, decrypted; `part` is what the message says of it."""

    kind: str
    data: bytes
    part: Any


class Media:
    """The store. `refuses`: an HTTP status that every request gets, 0 for none. `asked`: method and path of each."""

    def __init__(self) -> None:
        self.refuses = 0
        self.asked: list[tuple[str, str]] = []
        self._kept: dict[str, bytes] = {}

    def keep(self, data: bytes, kind: str, **fields: Any) -> Any:
        """Encrypt and store; the part of a Message that leads there."""
        sealed = encrypt_media_bytes(data, media_type=kind)
        path = self._store(sealed.enc_bytes)
        return KINDS[kind].type(
            url=f"https://{HOST}{path}", directPath=path, mediaKey=sealed.media_key, fileSha256=sealed.file_sha256,
            fileEncSha256=sealed.file_enc_sha256, fileLength=len(data), **fields,
        )  # fmt: skip

    def plain(self, data: bytes) -> str:
        """Store as it is, such as a profile's picture; the path."""
        return self._store(data)

    def carried(self, message: Any) -> Medium | None:
        """What that message's media is. Raises KeyError when it was never uploaded, ValueError when it does not decrypt."""
        for kind, (name, _) in KINDS.items():
            if message.HasField(name):
                part = getattr(message, name)
                sealed = self._kept[urlsplit(part.directPath).path]
                data = decrypt_media_bytes(sealed, media_key=part.mediaKey, media_type=kind, validate_mac=True)
                return Medium(kind, data, part)
        return None

    def _store(self, data: bytes) -> str:
        path = f"/v/t62.7118-24/{secrets.token_hex(12)}"
        self._kept[path] = data
        return f"{path}?ccb=11-4&oe=FFFFFFFF"  # clients go on with "&hash="

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        with contextlib.suppress(OSError, EOFError, ValueError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                named = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
                body = await reader.readexactly(int(named.get("content-length", "0")))
                status, answer = self._answer(method, urlsplit(target).path, body)
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer)
                await writer.drain()
        writer.close()

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        self.asked.append((method, path))
        if self.refuses:
            return self.refuses, b""
        if method == "POST" and path.startswith("/mms/"):
            kept = self._store(body)
            return 200, json.dumps({"url": f"https://{HOST}{kept}", "direct_path": kept}).encode()
        if method == "DELETE" and path.startswith("/mms/"):
            return 200, b""
        if method == "GET" and path in self._kept:
            return 200, self._kept[path]
        return 404, b""
