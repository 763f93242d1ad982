"""The screen as pixels, as a camera in front of the terminal would see it, and the QR codes in that picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import zxingcpp
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .emulator import Cell, blend
from .glyphs import rectangles

Pixels = NDArray[np.uint8]
CELL: Final = (8, 16)
FONTS: Final = Path("/usr/share/fonts/truetype/dejavu")


@cache
def _font(size: int, bold: bool) -> Any:
    path = FONTS / ("DejaVuSansMono-Bold.ttf" if bold else "DejaVuSansMono.ttf")
    return ImageFont.truetype(str(path), size) if path.exists() else ImageFont.load_default()


@cache
def _mask(text: str, bold: bool, width: int, height: int) -> Pixels:
    """How much ink a written character puts on each pixel of its cell (0–255)."""
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).text((0, height * 0.8), text, fill=255, font=_font(max(round(height * 0.8), 6), bold), anchor="ls")
    return np.asarray(image)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[0:2], 16), int(colour[2:4], 16), int(colour[4:6], 16)


def ink_of(cell: Cell) -> str:
    """The colour the glyph is drawn with: dim text lies halfway to its background."""
    return blend(cell.fg, cell.bg, 0.55) if cell.dim else cell.fg


def draw(cells: Sequence[Sequence[Cell]], size: tuple[int, int] = CELL) -> Pixels:
    """Rows of cells as an array (height, width, 3), each cell `size` pixels (width, height)."""
    width, height = size
    columns = max((len(row) for row in cells), default=0)
    picture = np.zeros((len(cells) * height, columns * width, 3), np.uint8)
    for y, row in enumerate(cells):
        for x, cell in enumerate(row):
            picture[y * height : (y + 1) * height, x * width : (x + 1) * width] = _rgb(cell.bg)
    for y, row in enumerate(cells):
        for x, cell in enumerate(row):
            if cell.text.strip():
                _ink(picture, cell, x * width, y * height, size, 2 if x + 1 < len(row) and row[x + 1].text == "" else 1)
            if cell.underline:
                picture[(y + 1) * height - 1, x * width : (x + 1) * width] = _rgb(ink_of(cell))
    return picture


def _ink(picture: Pixels, cell: Cell, left: int, top: int, size: tuple[int, int], span: int) -> None:
    width, height = size
    drawn = rectangles(cell.text)
    if drawn is not None:
        for x0, y0, x1, y1, share in drawn:
            colour = _rgb(cell.fg if share == 1 else blend(cell.fg, cell.bg, share))
            right, bottom = max(round(x1 * width), round(x0 * width) + 1), max(round(y1 * height), round(y0 * height) + 1)
            picture[top + round(y0 * height) : top + bottom, left + round(x0 * width) : left + right] = colour
        return
    mask = _mask(cell.text, cell.bold, width * span, height)[:, :, None].astype(np.uint16)
    area = picture[top : top + height, left : left + width * span]
    front = np.array(_rgb(ink_of(cell)), np.uint16)
    area[:] = ((front * mask[:, : area.shape[1]] + area * (255 - mask[:, : area.shape[1]])) // 255).astype(np.uint8)


def decode_qr(cells: Sequence[Sequence[Cell]], *, inverted: bool = False) -> list[str]:
    """The texts of the QR codes on the screen, dark on light only unless `inverted`: not every scanner reads the other."""
    found = zxingcpp.read_barcodes(draw(cells), formats=zxingcpp.BarcodeFormat.QRCode, try_invert=inverted)
    return [code.text for code in found]
