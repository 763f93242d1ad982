"""What a terminal does with a program's output: pyte for the cells, and here all that pyte does not know.

Sequences are cut into tokens first; only those pyte understands reach it. Modes, the keyboard stack, the title, the
clipboard and the alternate screen are kept here, and the queries that Textual sends get the answers xterm would give.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

import pyte
from pyte.screens import Char

TOKEN: Final = re.compile(
    r"\x1b\[(?P<par>[0-9:;<=>?]*)(?P<mid>[ -/]*)(?P<fin>[@-~])"
    r"|\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b[PX^_][^\x1b]*\x1b\\"
    r"|\x1b(?P<esc>[ -/]*[0-~])"
    r"|(?P<ctl>[\x00-\x1a\x1c-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f\x1b]+)"
)
PARTIAL: Final = re.compile(r"\x1b(?:\[[0-9:;<=>?]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?|[ -/]*)?$")
MOUSE: Final = (9, 1000, 1001, 1002, 1003, 1005, 1006, 1015, 1016)
ALTERNATE: Final = (47, 1047, 1049)
FORWARDED_MODES: Final = (6, 7, 25)
MUST_BE_OFF: Final = {
    **dict.fromkeys(MOUSE, "mouse reporting"), 1004: "focus reporting", 2004: "bracketed paste",
    2026: "synchronized output", 2048: "in-band resize", 1: "application cursor keys",
}
NAMED: Final = {
    "black": "000000", "red": "cd3131", "green": "0dbc79", "brown": "e5e510", "blue": "2472c8", "magenta": "bc3fbc",
    "cyan": "11a8cd", "white": "e5e5e5", "brightblack": "666666", "brightred": "f14c4c", "brightgreen": "23d18b",
    "brightbrown": "f5f543", "brightblue": "3b8eea", "brightmagenta": "d670d6", "brightcyan": "29b8db", "brightwhite": "ffffff",
}  # fmt: skip
DEFAULT_FG: Final = "d4d4d4"
DEFAULT_BG: Final = "121212"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as shown: `fg`, `bg` are six hex digits with reverse already applied; `text` is "" right of a wide character."""

    text: str
    fg: str
    bg: str
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    reverse: bool = False


def colour(name: str, default: str) -> str:
    """pyte's word for a colour as six hex digits."""
    if name == "default":
        return default
    return NAMED.get(name, name).lower()


def blend(front: str, back: str, share: float) -> str:
    """`front` over `back`, `share` of it (0–1), as six hex digits."""
    mixed = (round(int(front[i : i + 2], 16) * share + int(back[i : i + 2], 16) * (1 - share)) for i in (0, 2, 4))
    return "".join(f"{value:02x}" for value in mixed)


def shown(char: Char) -> Cell:
    """A pyte character as a cell. Blink stands for dim: see `_sgr`."""
    fg, bg = colour(char.fg, DEFAULT_FG), colour(char.bg, DEFAULT_BG)
    if char.reverse:
        fg, bg = bg, fg
    return Cell(char.data, fg, bg, char.bold, char.blink, char.italics, char.underscore, char.strikethrough, char.reverse)


class Emulator:
    """Feed it bytes; it keeps both screens and returns what a terminal would answer."""

    def __init__(self, cols: int, rows: int) -> None:
        self.cols, self.rows = cols, rows
        self._main = pyte.Screen(cols, rows)
        self._alternate = pyte.Screen(cols, rows)
        self._streams = {id(s): pyte.Stream(s) for s in (self._main, self._alternate)}
        self.screen = self._main
        self.modes: dict[int, bool] = {}
        self.keyboard: list[int] = []
        self.title = ""
        self.clipboard: list[str] = []
        self.notifications: list[str] = []
        self.bells = 0
        self.queries: dict[str, int] = {}
        self._tail = ""
        self._last = ""
        self._decode = codecs.getincrementaldecoder("utf8")("replace").decode

    @property
    def alternate(self) -> bool:
        """True while the program shows its full-screen page."""
        return self.screen is self._alternate

    @property
    def in_update(self) -> bool:
        """True between the begin and the end of a synchronized update: the screen is half drawn."""
        return self.modes.get(2026, False)

    def lines(self) -> list[str]:
        """The rows of the screen that is shown, without trailing blanks."""
        buffer = self.screen.buffer
        return ["".join(buffer[y][x].data for x in range(self.cols)).rstrip() for y in range(self.rows)]

    def cells(self) -> list[list[Cell]]:
        """Every cell of the screen that is shown, row by row."""
        buffer = self.screen.buffer
        return [[shown(buffer[y][x]) for x in range(self.cols)] for y in range(self.rows)]

    def resize(self, cols: int, rows: int) -> None:
        """The window has another size now."""
        self.cols, self.rows = cols, rows
        for screen in (self._main, self._alternate):
            screen.resize(rows, cols)

    def left_behind(self) -> list[str]:
        """What a program forgot to put back, in words; empty when the terminal is clean."""
        found = [f"{name} (mode {number}) is on" for number, name in MUST_BE_OFF.items() if self.modes.get(number)]
        if self.alternate:
            found.append("the alternate screen is still shown")
        if not self.modes.get(25, True):
            found.append("the cursor is hidden")
        if not self.modes.get(7, True):
            found.append("line wrap is off")
        if self.keyboard:
            found.append(f"kitty keyboard flags are pushed: {self.keyboard}")
        attrs = self._main.cursor.attrs
        if attrs != self._main.default_char._replace(data=attrs.data):
            found.append(f"colours or attributes are not reset: {attrs}")
        if self._main.margins is not None:
            found.append(f"a scroll region is set: {self._main.margins}")
        return found

    def feed(self, data: bytes) -> str:
        """Take output in; return the answers to the queries in it."""
        text = self._tail + self._decode(data)
        self._tail = ""
        if partial := PARTIAL.search(text):
            self._tail, text = text[partial.start() :], text[: partial.start()]
        answers = []
        for token in TOKEN.finditer(text):
            if (plain := token["text"]) is not None:
                self._give(plain)
                self._last = plain[-1]
            elif token["fin"]:
                answers.append(self._csi(token["par"], token["mid"], token["fin"]))
            elif token["osc"] is not None:
                answers.append(self._osc(token["osc"]))
            elif token["ctl"] is not None:
                self._control(token["ctl"])
            elif token["esc"] in ("7", "8", "c", "D", "E", "H", "M"):
                self._give(token[0])
        return "".join(answers)

    def _give(self, text: str) -> None:
        self._streams[id(self.screen)].feed(text)

    def _control(self, char: str) -> None:
        if char == "\x07":
            self.bells += 1
        elif char in "\b\t\n\v\f\r":
            self._give(char)

    def _answer(self, name: str, text: str) -> str:
        self.queries[name] = self.queries.get(name, 0) + 1
        return text

    def _csi(self, par: str, mid: str, fin: str) -> str:
        if mid or par[:1] in ("<", "=", ">", "?"):
            return self._private(par, mid, fin)
        if fin == "m":
            self._sgr(par)
        elif fin == "b":
            self._give(self._last * max(int(par or 1), 1))
        elif fin == "s":
            self._give("\x1b7")
        elif fin == "u":
            self._give("\x1b8")
        elif fin == "c":
            return self._answer("DA1", "\x1b[?62;22c")
        elif fin == "n":
            cursor = self.screen.cursor
            return self._answer("DSR", f"\x1b[{cursor.y + 1};{cursor.x + 1}R" if par == "6" else "\x1b[0n")
        elif fin in "@ABCDEFGHJKLMPXadefgr`":
            self._give(f"\x1b[{par}{fin}")
        return ""

    def _private(self, par: str, mid: str, fin: str) -> str:
        kind, rest = par[:1], par[1:]
        numbers = [int(n) for n in rest.split(";") if n.isdigit()]
        if kind == "?" and fin in "hl" and not mid:
            for number in numbers:
                self._mode(number, fin == "h")
        elif kind == "?" and mid == "$" and fin == "p":
            known = {2026: 1 if self.in_update else 2}
            return self._answer(f"DECRQM {rest}", f"\x1b[?{rest};{known.get(numbers[0] if numbers else 0, 0)}$y")
        elif fin == "u" and kind == ">":
            self.keyboard.append(numbers[0] if numbers else 0)
        elif fin == "u" and kind == "<":
            del self.keyboard[-(numbers[0] if numbers else 1) :]
        elif fin == "c" and kind == ">":
            return self._answer("DA2", "\x1b[>41;354;0c")
        elif fin == "q" and kind == ">":
            return self._answer("XTVERSION", "\x1bP>|pyte\x1b\\")
        return ""

    def _mode(self, number: int, on: bool) -> None:
        self.modes[number] = on
        if number in ALTERNATE:
            if on and not self.alternate:
                self._alternate.reset()
                self.screen = self._alternate
            elif not on and self.alternate:
                attrs = self._alternate.cursor.attrs
                self.screen = self._main
                self._main.cursor.attrs = attrs  # one set of attributes for both screens, as in a real terminal
        elif number in FORWARDED_MODES:
            for stream in self._streams.values():
                stream.feed(f"\x1b[?{number}{'h' if on else 'l'}")

    def _sgr(self, par: str) -> None:
        """Style: pyte knows no dim, so 2 travels as 5 (blink); sub-parameters with colons lose their extras."""
        out: list[str] = []
        for group in (par or "0").split(";"):
            parts = group.split(":")
            if len(parts) == 1:
                out.append(group)
            elif parts[0] in ("38", "48"):
                kept = [p for p in parts[1:] if p]
                out += [parts[0], *(kept[:1] + kept[-3:] if kept[0] == "2" else kept)]
            elif parts[0] == "4":
                out.append("24" if parts[1] == "0" else "4")
        final: list[str] = []
        index = 0
        while index < len(out):
            word = out[index]
            length = {"5": 3, "2": 5}.get(out[index + 1] if index + 1 < len(out) else "", 1) if word in ("38", "48", "58") else 1
            if word in ("38", "48"):
                final += out[index : index + length]
            elif word != "58":
                final += {"2": ["5"], "22": ["22", "25"], "5": [], "25": [], "21": ["4"]}.get(word, [word])
            index += length
        if final:
            self._give(f"\x1b[{';'.join(final)}m")

    def _osc(self, osc: str) -> str:
        number, _, rest = osc.partition(";")
        if number in ("0", "2"):
            self.title = rest
        elif number == "52":
            self.clipboard.append(rest)
        elif number == "9":
            self.notifications.append(rest)
        elif osc in ("10;?", "11;?"):
            rgb = {"10": DEFAULT_FG, "11": DEFAULT_BG}[number]
            wide = "/".join(rgb[i : i + 2] * 2 for i in (0, 2, 4))
            return self._answer(f"OSC {number}", f"\x1b]{number};rgb:{wide}\x1b\\")
        return ""
