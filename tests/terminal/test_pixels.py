"""The camera in front of the terminal: QR codes drawn in half blocks and in sextants are read, other screens are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import qrcode

from .emulator import Cell, Emulator
from .glyphs import rectangles, sextant, sextant_bits
from .pixels import decode_qr, draw

TEXT = "2@" + "".join("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789+/"[i * 37 % 61] for i in range(255))


def modules(text: str, quiet: int) -> list[list[bool]]:
    code = qrcode.QRCode(version=10, error_correction=qrcode.constants.ERROR_CORRECT_L, border=quiet)
    code.add_data(text)
    code.make(fit=False)
    return code.get_matrix()


def half_blocks(dark: list[list[bool]]) -> list[str]:
    def at(x: int, y: int) -> bool:
        return y < len(dark) and dark[y][x]

    words = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    return ["".join(words[at(x, y), at(x, y + 1)] for x in range(len(dark[0]))) for y in range(0, len(dark), 2)]


def sextants(dark: list[list[bool]]) -> list[str]:
    size = len(dark)

    def at(x: int, y: int) -> int:
        return int(x < size and y < size and dark[y][x])

    return [
        "".join(sextant(sum(at(x + i % 2, y + i // 2) << i for i in range(6))) for x in range(0, size, 2))
        for y in range(0, size, 3)
    ]


def on_screen(rows: list[str], style: str, cols: int = 120, lines: int = 40) -> list[list[Cell]]:
    """The rows drawn in the middle of a terminal that also shows text."""
    emulator = Emulator(cols, lines)
    emulator.feed(b"\x1b[?1049h\x1b[37;44mpair sales \xe2\x97\x8f \x1b[0m")
    for number, row in enumerate(rows):
        emulator.feed(f"\x1b[{number + 3};5H\x1b[{style}m{row}\x1b[0m".encode())
    return emulator.cells()


@pytest.mark.parametrize("drawing", [half_blocks, sextants])
@pytest.mark.parametrize("quiet", [2, 4])
def test_a_code_of_the_real_length_is_read_from_the_cells(drawing: Callable[[list[list[bool]]], list[str]], quiet: int) -> None:
    assert len(TEXT) == 257
    rows = drawing(modules(TEXT, quiet))
    assert decode_qr(on_screen(rows, "38;2;0;0;0;48;2;255;255;255")) == [TEXT]


@pytest.mark.parametrize("drawing", [half_blocks, sextants])
def test_a_code_drawn_light_on_dark_is_not_accepted(drawing: Callable[[list[list[bool]]], list[str]]) -> None:
    cells = on_screen(drawing(modules(TEXT, 4)), "38;2;255;255;255;48;2;0;0;0")
    assert decode_qr(cells) == []
    assert decode_qr(cells, inverted=True) == [TEXT]


def test_a_screen_without_a_code_gives_nothing() -> None:
    assert decode_qr(on_screen(["a plain row", "███▀▄"], "0")) == []


def test_a_covered_code_is_not_read() -> None:
    rows = sextants(modules(TEXT, 2))
    covered = [row if 4 < number < 12 else "x" * len(row) for number, row in enumerate(rows)]
    assert decode_qr(on_screen(covered, "38;2;0;0;0;48;2;255;255;255")) == []


def test_every_sextant_has_its_own_cells() -> None:
    drawn = {sextant(bits) for bits in range(64)}
    assert len(drawn) == 64
    for bits in range(64):
        if (char := sextant(bits)) not in " ▌▐█":
            assert sextant_bits(char) == bits
            assert len(rectangles(char) or ()) == bits.bit_count()
    assert (sextant(1), sextant(62)) == ("\U0001fb00", "\U0001fb3b")


def test_cells_become_pixels_of_their_colours() -> None:
    emulator = Emulator(4, 1)
    emulator.feed("\x1b[38;2;255;0;0;48;2;0;0;255m▀▐\x1b[7m \x1b[0mx".encode())
    picture = draw(emulator.cells())
    assert picture.shape == (16, 32, 3)
    assert picture[3, 3].tolist() == [255, 0, 0]
    assert picture[12, 3].tolist() == [0, 0, 255]
    assert picture[8, 9].tolist() == [0, 0, 255]
    assert picture[8, 14].tolist() == [255, 0, 0]
    assert picture[8, 20].tolist() == [255, 0, 0]
    assert len({tuple(pixel) for pixel in picture[:, 24:].reshape(-1, 3).tolist()}) > 1
