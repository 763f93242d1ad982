"""The PNG that `connect` answers with: black on white, error level L, quiet zone 4."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Final

SCALE: Final = 6
QUIET: Final = 4


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(text: str) -> bytes:
    """The picture of a QR code. Takes some 50 ms of CPU: run it in a thread."""
    import qrcode

    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_L, border=QUIET)
    code.add_data(text, optimize=0)
    code.make(fit=True)
    lines = []
    for modules in code.get_matrix():
        bits = "".join(("0" if dark else "1") * SCALE for dark in modules)
        bits += "1" * (-len(bits) % 8)
        lines.append(b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big"))
    side = len(lines) * SCALE
    pixels = b"".join(line for line in lines for _ in range(SCALE))
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(pixels)) + _chunk(b"IEND", b"")


def base64_png(text: str) -> str:
    """The picture as base64."""
    return base64.b64encode(png(text)).decode()
