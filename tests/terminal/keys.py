"""Key names to the bytes xterm sends for them."""

from __future__ import annotations

from typing import Final

NAMED: Final = {
    "enter": "\r", "esc": "\x1b", "escape": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "space": " ", "backspace": "\x7f",
    "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
    "pageup": "\x1b[5~", "pagedown": "\x1b[6~", "insert": "\x1b[2~", "delete": "\x1b[3~",
    "f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS", "f5": "\x1b[15~",
    "shift+up": "\x1b[1;2A", "shift+down": "\x1b[1;2B", "comma": ",", "plus": "+",
}  # fmt: skip


def encode(key: str) -> bytes:
    """The bytes of one key; ValueError when there is no such name."""
    if key in NAMED:
        return NAMED[key].encode()
    if key.startswith("ctrl+") and len(key) == 6 and key[5].isalpha():
        return bytes([ord(key[5].lower()) & 0x1F])
    if len(key) == 1:
        return key.encode()
    raise ValueError(f"no such key: {key!r}")
