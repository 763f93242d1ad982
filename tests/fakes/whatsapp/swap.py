"""The key that WhatsApp's server certificates are checked with, replaced in this process's own memory. Standard library alone."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

_LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+\s+(/.*)$")


class NotSwapped(Exception):
    """The library is not what the double knows: nothing was changed."""


def occurrences(library: str, key: bytes) -> list[tuple[int, str]]:
    """Address and rights of each place where the mappings of that file (the end of its path) hold the key."""
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        match = _LINE.match(line)
        if match is None or not match[4].endswith(library) or match[3][0] != "r":
            continue
        start, end = int(match[1], 16), int(match[2], 16)
        data, at = ctypes.string_at(start, end - start), -1
        while (at := data.find(key, at + 1)) >= 0:
            found.append((start + at, match[3]))
    return found


def swap(library: str, old: bytes, new: bytes) -> int:
    """Write `new` over the one `old` in the loaded library; the file stays as it is. Returns the address. Raises NotSwapped."""
    if not len(old) == len(new) == 32:
        raise NotSwapped("a key has 32 bytes")
    found = occurrences(library, old)
    if len(found) != 1 or found[0][1][1] != "w":
        rights = ", ".join(rights for _, rights in found) or "nowhere"
        raise NotSwapped(
            f"WhatsApp's root key is in {library} {len(found)} times ({rights}) and not once, writable: "
            "the double does not fit this version of neonize"
        )
    ctypes.memmove(found[0][0], new, 32)
    return found[0][0]
