"""Secrets to plant, and every shape in which they could turn up where nothing may: as they are, escaped, base64, hex."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

_SHORTEST: Final = 12
"""Bytes of a shape that say something; shorter ones turn up by chance."""


def shapes(secret: str) -> set[bytes]:
    """What to look for. In base64 a text looks differently at each of three offsets."""
    data = secret.encode()
    found = {data, quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode(), data[::-1], secret.encode("utf-16-le")}
    found |= {data.hex().encode(), data.hex().upper().encode(), data.hex(":").encode(), data.hex(" ").encode()}
    for offset in range(3):
        for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * offset + data)
            found.add(text[(0, 2, 3)[offset] : (offset + len(data)) * 8 // 6])  # only characters that are all of it
    return {shape for shape in found if len(shape) >= _SHORTEST}


def found_in(canaries: Mapping[str, str], data: bytes) -> list[str]:
    """The names of those that are in it."""
    return [name for name, secret in canaries.items() if any(shape in data for shape in shapes(secret))]


def files(*roots: Path) -> Iterator[Path]:
    """Every file below."""
    for root in roots:
        yield from (path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink())


def leaks(canaries: Mapping[str, str], paths: Iterable[Path]) -> list[str]:
    """`name in path` for each that is in a file, in its name, or in what a compressed file holds."""
    wrong = []
    for path in paths:
        data = path.read_bytes()
        for start in (b"x\x9c", b"x\xda", b"\x1f\x8b"):
            if data.startswith(start):
                data += zlib.decompressobj(47).decompress(data)
        wrong += [f"{name} in {path}" for name in found_in(canaries, data + str(path).encode())]
    return wrong


def process(pid: int, *, environment: bool = True) -> bytes:
    """What others of this user (the arguments: everybody) see of a process."""
    names = ("cmdline", "comm", *(("environ",) if environment else ()))
    return b"\n".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in names)
