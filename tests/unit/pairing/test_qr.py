"""The QR drawing: sizes as measured, and read back by a real decoder (from cells drawn as pixels)."""

import numpy as np
import pytest
import zxingcpp
from ryze_tui.pairing import qr

TEXT = "https://wa.me/settings/linked_devices#2@" + "aB3/" * 20 + "," + ",".join(["Zm9v" * 11] * 3) + ",1"
SEXTANTS = {" ": 0, "▌": 0b010101, "▐": 0b101010, "█": 0b111111}


def bits_of(cell: str, kind: str) -> int:
    if kind == qr.HALF:
        return " ▀▄█".index(cell)
    if cell in SEXTANTS:
        return SEXTANTS[cell]
    bits = ord(cell) - 0x1FB00 + 1
    bits += bits >= 0b010101
    return bits + (bits >= 0b101010)


def pixels(drawing: qr.Drawing) -> np.ndarray:
    wide, high = (1, 2) if drawing.kind == qr.HALF else (2, 3)
    image = np.full((drawing.height * high, drawing.width * wide), 255, np.uint8)
    for y, row in enumerate(drawing.rows):
        for x, cell in enumerate(row):
            bits = bits_of(cell, drawing.kind)
            for part in range(wide * high):
                if bits >> part & 1:
                    image[y * high + part // wide, x * wide + part % wide] = 0
    return np.kron(image, np.ones((4, 4), np.uint8))


def read(drawing: qr.Drawing) -> str:
    return zxingcpp.read_barcode(pixels(drawing)).text


def test_a_pairing_text_is_57_modules() -> None:
    assert len(TEXT) in range(250, 262) and len(qr.matrix(TEXT)) == 57


@pytest.mark.parametrize(
    ("width", "height", "kind", "cells"),
    [
        (46, 23, qr.SEXTANT, (33, 22)),
        (46, 21, qr.SEXTANT, (32, 21)),
        (66, 29, qr.SEXTANT, (33, 22)),
        (86, 39, qr.HALF, (65, 33)),
        (166, 59, qr.HALF, (65, 33)),
        (61, 31, qr.HALF, (61, 31)),
    ],
)
def test_half_blocks_where_they_fit_else_sextants(width: int, height: int, kind: str, cells: tuple[int, int]) -> None:
    drawing = qr.choose(qr.matrix(TEXT), width, height)
    assert drawing is not None and drawing.kind == kind and (drawing.width, drawing.height) == cells
    assert read(drawing) == TEXT


def test_the_other_drawing_is_taken_when_it_fits() -> None:
    drawing = qr.choose(qr.matrix(TEXT), 120, 40, qr.SEXTANT)
    assert drawing is not None and drawing.kind == qr.SEXTANT and read(drawing) == TEXT
    small = qr.choose(qr.matrix(TEXT), 46, 23, qr.HALF)
    assert small is not None and small.kind == qr.SEXTANT


def test_too_small_is_none() -> None:
    assert qr.choose(qr.matrix(TEXT), 30, 23) is None and qr.choose(qr.matrix(TEXT), 46, 20) is None


@pytest.mark.parametrize("length", [1, 17, 219, 257, 325, 500])
@pytest.mark.parametrize("kind", [qr.HALF, qr.SEXTANT])
def test_every_length_reads_back(length: int, kind: str) -> None:
    text = ("https://wa.me/" + "xY7+" * 200)[:length]
    assert read(qr.draw(qr.matrix(text), kind, 2)) == text


def test_the_png_reads_back() -> None:
    import io

    from PIL import Image

    assert zxingcpp.read_barcode(Image.open(io.BytesIO(qr.png(qr.matrix(TEXT)))).convert("L")).text == TEXT
