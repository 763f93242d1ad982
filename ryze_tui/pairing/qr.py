"""QR text -> modules -> terminal cells. Pure.

Measured: the 257 characters of a pairing text are 57x57 modules at level L. In half blocks with a quiet zone of 2 that is 61x31
cells, in sextants 31x21, which fits 80x24. Quadrants fail half the decoders, so they are not offered.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

Matrix = list[list[bool]]
"""Rows of modules, True is dark; square, without quiet zone."""

HALF: Final = "half"
SEXTANT: Final = "sextant"
SPACES: Final = "spaces"
"""Two blanks a module, light or dark by their ground alone: for terminals that have nothing but ASCII."""
QUIET: Final = (4, 3, 2)
"""Quiet zones to try, in modules; the standard asks for 4, every tried decoder reads 2."""

_HALVES: Final = (" ", "▀", "▄", "█")


@dataclass(frozen=True, slots=True)
class Drawing:
    """`rows` of text to be drawn black on white; `kind` is HALF, SEXTANT or SPACES (`█` where the ground is dark)."""

    kind: str
    rows: tuple[str, ...]

    @property
    def width(self) -> int:
        """In cells."""
        return len(self.rows[0]) if self.rows else 0

    @property
    def height(self) -> int:
        """In cells."""
        return len(self.rows)


def matrix(text: str) -> Matrix:
    """Encode at level L in the smallest version that holds it."""
    import qrcode

    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_L, border=0)
    code.add_data(text, optimize=0)
    code.make(fit=True)
    return [[bool(module) for module in row] for row in code.get_matrix()]


def _sextant(bits: int) -> str:
    """Six bits, top left first, to U+1FB00…: four patterns are older characters."""
    if bits in (0, 0b010101, 0b101010, 0b111111):
        return {0: " ", 0b010101: "▌", 0b101010: "▐", 0b111111: "█"}[bits]
    return chr(0x1FB00 + bits - 1 - (bits > 0b010101) - (bits > 0b101010))


def _dark(modules: Matrix, quiet: int, x: int, y: int) -> bool:
    x, y, size = x - quiet, y - quiet, len(modules)
    return 0 <= x < size and 0 <= y < size and modules[y][x]


def draw(modules: Matrix, kind: str, quiet: int) -> Drawing:
    """Draw with a quiet zone of `quiet` modules on each side."""
    size = len(modules) + 2 * quiet
    if kind == SPACES:
        blocks = [["██" if _dark(modules, quiet, x, y) else "  " for x in range(size)] for y in range(size)]
        return Drawing(kind, tuple(map("".join, blocks)))
    wide, high = (1, 2) if kind == HALF else (2, 3)
    rows = []
    for top in range(0, size, high):
        row = []
        for left in range(0, size, wide):
            bits = sum(_dark(modules, quiet, left + dx, top + dy) << (dy * wide + dx) for dy in range(high) for dx in range(wide))
            row.append(_HALVES[bits] if kind == HALF else _sextant(bits))
        rows.append("".join(row))
    return Drawing(kind, tuple(rows))


def cells(modules: int, kind: str, quiet: int = min(QUIET)) -> tuple[int, int]:
    """Columns and lines that a code of so many modules a side takes."""
    size = modules + 2 * quiet
    if kind == SPACES:
        return 2 * size, size
    wide, high = (1, 2) if kind == HALF else (2, 3)
    return -(-size // wide), -(-size // high)


def choose(modules: Matrix, width: int, height: int, prefer: str = "") -> Drawing | None:
    """The best drawing for a space of `width` x `height` cells: half blocks where they fit, else sextants, else None.

    `prefer` puts the other kind first when it fits too; SPACES allows no other. The widest quiet zone that fits is taken.
    """
    kinds = {SEXTANT: (SEXTANT, HALF), SPACES: (SPACES,)}.get(prefer, (HALF, SEXTANT))
    for kind in kinds:
        for quiet in QUIET:
            columns, lines = cells(len(modules), kind, quiet)
            if columns <= width and lines <= height:
                return draw(modules, kind, quiet)
    return None


def png(modules: Matrix, scale: int = 8, quiet: int = 4) -> bytes:
    """A black on white PNG, `scale` pixels a module."""
    import png as pypng

    size = len(modules) + 2 * quiet
    lines = []
    for y in range(size):
        line = [0 if _dark(modules, quiet, x, y) else 1 for x in range(size) for _ in range(scale)]
        lines += [line] * scale
    out = io.BytesIO()
    pypng.Writer(size * scale, size * scale, greyscale=True, bitdepth=1).write(out, lines)
    return out.getvalue()
