"""The screen as a PNG file, for looking at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image

from .emulator import Cell
from .pixels import draw

READABLE: Final = (10, 20)


def write_png(cells: Sequence[Sequence[Cell]], path: Path, size: tuple[int, int] = READABLE) -> None:
    """Write the picture, each cell `size` pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw(cells, size)).save(path)
