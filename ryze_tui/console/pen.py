"""Cells of a terminal, and how those that changed are written with the fewest bytes, each at its place on every terminal."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.cells import get_character_cell_size
from rich.color import Color, ColorSystem, ColorType
from rich.segment import Segment
from rich.style import Style

if TYPE_CHECKING:
    from collections.abc import Iterable

Cell = tuple[str, Style | None]
_GAP = 10
"""Unchanged cells that are cheaper to write again than to jump over (a cursor move is 6 to 9 bytes)."""
_JOINERS: Final = "\u200d\u200c"
"""Not printable to Python, but parts of emoji and of scripts; they take no cell."""
_FRAMES: Final = re.compile("[\u2500-\u259f\u2800-\u28ff\U0001fb00-\U0001fbff]")
"""Borders, bars and what a QR code is drawn with: one cell wherever this program can be used without `--ascii`."""
_SINCE: Final = frozenset("\u0e33\u0eb3\u1cf2\u1cf3\u312e\u312f\u31bb\u31bc\u31bd\u31be\u31bf\u32ff")
"""Signs of Thai and Lao that some terminals draw with the one before, and letters of a width that newer Unicode changed."""


def _is_doubtful(character: str) -> bool:
    """Whether one terminal gives it one cell and another two: ambiguous by Unicode, pictures, all that is newer than its font."""
    return not _FRAMES.fullmatch(character) and (
        character >= "\U00010000"
        or character in _SINCE
        or unicodedata.category(character) == "So"
        or unicodedata.east_asian_width(character) == "A"
    )


@lru_cache(maxsize=4096)
def doubt(text: str) -> tuple[bool, int]:
    """Whether terminals differ in the width of what is one cell here, or a wide one, and how many cells more it may take."""
    if text.isascii():
        return False, 0
    unsure, more = _is_doubtful(text[0]), 0
    if unsure and get_character_cell_size(text[0]) == 1:
        more = 1
    for mark in text[1:]:  # a sign of its own to a terminal that does not put them together
        more += 2 if mark >= "\U00010000" else 0 if unicodedata.category(mark) in ("Mn", "Me") else 1
    return unsure or len(text) > 1, more


@lru_cache(maxsize=1024)
def _ground(style: Style) -> Style:
    """What of a style shows in an empty cell: the ground, unless a line or reversal makes the ink visible too."""
    if style.underline or style.reverse or style.strike or style.overline or style.link:
        return style
    return Style(bgcolor=style.bgcolor)


def cells_of(strip: Iterable[Segment]) -> list[Cell]:
    """One entry per terminal cell; the second half of a wide character is an empty text, a space keeps its ground only."""
    cells: list[Cell] = []
    for text, style, control in strip:
        if control:
            continue
        blank = (" ", _ground(style) if style is not None else None)
        if not text.isprintable():  # no widget of ours draws such a text; a stranger's must not get through either
            text = "".join(character if character.isprintable() or character in _JOINERS else "\ufffd" for character in text)
        if text.isascii():
            cells += [blank if character == " " else (character, style) for character in text]
            continue
        for character in text:
            width = get_character_cell_size(character)
            if width == 0 and cells:
                base = -2 if cells[-1][0] == "" and len(cells) > 1 else -1
                cells[base] = (cells[base][0] + character, cells[base][1])
            elif width:
                cells.append(blank if character == " " else (character, style))
                cells += [("", style)] * (width - 1)
    return cells


Ink = tuple[str, str, str]
"""SGR parameters of attributes, colour and ground; each may be empty."""


@lru_cache(maxsize=2048)
def _ink(style: Style, system: ColorSystem | None, narrow: bool = False) -> Ink:
    """`narrow`: true colour (Textual mixes some) becomes one of the terminal's own 16."""
    if system is None:
        return style.without_color._make_ansi_codes(ColorSystem.STANDARD), "", ""

    def codes(colour: Color | None, foreground: bool) -> str:
        if colour is None or colour.is_default:
            return ""
        to = ColorSystem.STANDARD if narrow and colour.type is ColorType.TRUECOLOR else system
        return ";".join(colour.downgrade(to).get_ansi_codes(foreground=foreground))

    return style.without_color._make_ansi_codes(system), codes(style.color, True), codes(style.bgcolor, False)


_OFF: Final = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "6": "25", "7": "27", "8": "28", "9": "29", "53": "55"}
"""What ends an attribute. Those with one of their own that is not everywhere (21) end with a reset."""


@lru_cache(maxsize=2048)
def _from_to(now: Ink, want: Ink) -> str:
    """The shortest sequence that makes one ink of another: what differs, or a reset and all of it."""
    was, will = (ink[0].split(";") if ink[0] else [] for ink in (now, want))
    whole = ";".join(code for code in ("0", *want) if code)
    if any(code not in _OFF for code in was if code not in will):
        return f"\x1b[{whole}m"
    off = list(dict.fromkeys(_OFF[code] for code in was if code not in will))
    codes = off + [code for code in will if code not in was or _OFF.get(code) in off]
    codes += [want[1] or "39"] if want[1] != now[1] else []
    codes += [want[2] or "49"] if want[2] != now[2] else []
    return f"\x1b[{min(';'.join(codes), whole, key=len)}m"


_SEEN_IN_BLANKS: Final = frozenset(("4", "7", "9", "21", "53"))
"""Underline, reverse, strike, double underline, overline: the attributes that an empty cell shows."""


class Pen:
    """Writes runs of cells with the fewest SGR parameters; every frame begins and ends with a clean pen.

    After a cell that terminals do not agree about the column is said anew, so that nothing right of it is ever shifted.
    """

    def __init__(self, system: ColorSystem | None, *, narrow: bool = False) -> None:
        self._system, self._narrow = system, narrow
        self._now: Ink = ("", "", "")
        self._unsure = False
        self._out: list[str] = []

    def move(self, x: int, y: int) -> None:
        self._unsure = False
        self._out.append(f"\x1b[{y + 1};{x + 1}H")

    def put(self, x: int, text: str, style: Style | None) -> None:
        """What comes next in this row, at column `x`; a text that is not ASCII is one cell."""
        if self._unsure:
            self._out.append(f"\x1b[{x + 1}G")
        self._unsure = doubt(text)[0]
        if self._unsure and get_character_cell_size(text[0]) == 2:
            self._write("  ", style)  # where it takes one cell only, the other must not show what stood there
            self._out.append(f"\x1b[{x + 1}G")
        self._write(text, style)

    def row(self, x: int, y: int, new: list[Cell], old: list[Cell | None]) -> None:
        """Write what differs; `old`, the whole row, becomes what is there then."""
        runs = _changes(old, x, new)
        if not runs:
            return
        old[x : x + len(new)] = new[: len(old) - x]
        done = 0
        for start, stop in runs:
            if x + stop > done:
                done = self._run(max(x + start, done), x + stop, y, old)

    def _run(self, at: int, stop: int, y: int, row: list[Cell | None]) -> int:
        """Write columns `at` to `stop` and those that may be covered by it somewhere; the column after the last."""
        self.move(at, y)
        while at < min(stop, len(row)) and (cell := row[at]) is not None:
            text, style = cell
            if text:
                self.put(at, text, style)
                if more := doubt(text)[1]:
                    stop = max(stop, at + get_character_cell_size(text[0]) + more)
            at += 1
        return at

    def _write(self, text: str, style: Style | None) -> None:
        want = _ink(style, self._system, self._narrow) if style is not None else ("", "", "")
        attributes, colour, _ground = self._now
        if not text.strip(" ") and not want[0] and not want[1]:
            want = (attributes, colour, want[2]) if not set(attributes.split(";")) & _SEEN_IN_BLANKS else want
        if want != self._now:
            self._out.append(_from_to(self._now, want))
            self._now = want
        self._out.append(text)

    def finish(self) -> str:
        if self._now != ("", "", ""):
            self._out.append("\x1b[0m")
        return "".join(self._out)


def _changes(old: list[Cell | None], x: int, new: list[Cell]) -> list[tuple[int, int]]:
    """Runs [start, stop) of `new` to write, short gaps bridged, never beginning in the middle of a wide character."""
    runs: list[tuple[int, int]] = []
    count = min(len(new), len(old) - x)
    at = 0
    while at < count:
        if old[x + at] == new[at]:
            at += 1
            continue
        last, ahead = at, at + 1
        while ahead < count and ahead - last <= _GAP:
            if old[x + ahead] != new[ahead]:
                last = ahead
            ahead += 1
        start = at
        while start > 0 and new[start][0] == "":
            start -= 1
        stop = last + 1
        while stop < count and new[stop][0] == "":
            stop += 1
        runs.append((start, stop))
        at = stop
    return runs
