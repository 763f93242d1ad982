"""The characters that are drawn, not written: block elements, sextants and box lines as rectangles of a cell.

A rectangle is (left, top, right, bottom, ink): fractions of the cell from its upper left corner, and how much of the
foreground covers it (1 but for the three shades). Shared by the pixels, the SVG and the PNG pictures.
"""

from __future__ import annotations

from functools import cache
from typing import Final

Rect = tuple[float, float, float, float, float]

_QUADRANTS: Final = {
    "▖": "c", "▗": "d", "▘": "a", "▙": "acd", "▚": "ad", "▛": "abc", "▜": "abd", "▝": "b", "▞": "bc", "▟": "bcd",
}  # fmt: skip
_PLACES: Final = {"a": (0, 0), "b": (0.5, 0), "c": (0, 0.5), "d": (0.5, 0.5)}
# Arms of a line character: up, right, down, left; 1 light, 2 heavy, 3 double (drawn as one heavy line).
_LINES: Final = {
    "─": "0101", "━": "0202", "│": "1010", "┃": "2020", "┌": "0110", "┏": "0220", "┐": "0011", "┓": "0022", "└": "1100",
    "┗": "2200", "┘": "1001", "┛": "2002", "├": "1110", "┣": "2220", "┤": "1011", "┫": "2022", "┬": "0111", "┳": "0222",
    "┴": "1101", "┻": "2202", "┼": "1111", "╋": "2222", "╭": "0110", "╮": "0011", "╯": "1001", "╰": "1100", "╴": "0001",
    "╵": "1000", "╶": "0100", "╷": "0010", "╸": "0002", "╹": "2000", "╺": "0200", "╻": "0020", "═": "0303", "║": "3030",
    "╔": "0330", "╗": "0033", "╚": "3300", "╝": "3003", "╠": "3330", "╣": "3033", "╦": "0333", "╩": "3303", "╬": "3333",
    "┄": "0101", "┈": "0101", "╌": "0101",
}  # fmt: skip
_THICK: Final = {"1": (1 / 16, 1 / 32), "2": (3 / 16, 3 / 32), "3": (3 / 16, 3 / 32)}  # of the width, of the height
SEXTANT_FIRST: Final = 0x1FB00
SEXTANT_LAST: Final = 0x1FB3B


def sextant_bits(char: str) -> int | None:
    """The six cells of a sextant, bit 0 upper left, bit 1 upper right … bit 5 lower right; None for another character."""
    code = ord(char) - SEXTANT_FIRST
    if not 0 <= code <= SEXTANT_LAST - SEXTANT_FIRST:
        return None
    bits = code + 1  # the empty cell has no code, nor the two halves and the full block, which exist elsewhere
    bits += bits >= 21
    return bits + (bits >= 42)


def sextant(bits: int) -> str:
    """The character for six cells, in the order of `sextant_bits`."""
    if bits in (0, 21, 42, 63):
        return {0: " ", 21: "▌", 42: "▐", 63: "█"}[bits]
    return chr(SEXTANT_FIRST + bits - 1 - (bits > 21) - (bits > 42))


@cache
def rectangles(char: str) -> tuple[Rect, ...] | None:
    """The inked rectangles of a drawn character; None when it is one for a font."""
    if len(char) != 1:
        return None
    code = ord(char)
    if 0x2580 <= code <= 0x259F:
        return _block(char, code)
    if (bits := sextant_bits(char)) is not None:
        return tuple((i % 2 / 2, i // 2 / 3, i % 2 / 2 + 0.5, (i // 2 + 1) / 3, 1.0) for i in range(6) if bits >> i & 1)
    if char in _LINES:
        return _line(_LINES[char])
    return None


def _block(char: str, code: int) -> tuple[Rect, ...]:
    if char == "▀":
        return ((0, 0, 1, 0.5, 1.0),)
    if 0x2581 <= code <= 0x2588:
        return ((0, 1 - (code - 0x2580) / 8, 1, 1, 1.0),)
    if 0x2589 <= code <= 0x258F:
        return ((0, 0, (0x2590 - code) / 8, 1, 1.0),)
    if char == "▐":
        return ((0.5, 0, 1, 1, 1.0),)
    if char in "░▒▓":
        return ((0, 0, 1, 1, ("░▒▓".index(char) + 1) / 4),)
    if char == "▔":
        return ((0, 0, 1, 1 / 8, 1.0),)
    if char == "▕":
        return ((7 / 8, 0, 1, 1, 1.0),)
    return tuple((x, y, x + 0.5, y + 0.5, 1.0) for x, y in (_PLACES[p] for p in _QUADRANTS[char]))


def _line(arms: str) -> tuple[Rect, ...]:
    out: list[Rect] = []
    wide = max((_THICK[a] for a in arms if a != "0"), default=(0.0, 0.0))
    for arm, kind in zip("urdl", arms, strict=True):
        if kind == "0":
            continue
        dx, dy = _THICK[kind]
        if arm in "ud":
            top, bottom = (0, 0.5 + wide[1]) if arm == "u" else (0.5 - wide[1], 1)
            out.append((0.5 - dx, top, 0.5 + dx, bottom, 1.0))
        else:
            left, right = (0, 0.5 + wide[0]) if arm == "l" else (0.5 - wide[0], 1)
            out.append((left, 0.5 - dy, right, 0.5 + dy, 1.0))
    return tuple(out)
