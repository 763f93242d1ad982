"""The console as a person sees it: which row the cursor is on, what badge a row has, what the QR code on the screen says."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ..pace import patient
from ..terminal.pixels import decode_qr
from ..terminal.process import Terminal, private_dirs
from ..terminal.ssh import Sshd

COMMAND: Final = [sys.executable, "-m", "ryze_tui"]
SIZES: Final = [(120, 40), (80, 24)]
BADGE: Final = re.compile(r"(?:[✖⚠○◌●] |\? )(banned|logged out|disconnected|connecting|connected|unknown|deleted)|( deleted )")
CODE: Final = re.compile(r"\b([A-Z0-9]{4})-([A-Z0-9]{4})\b")


class Console(Terminal):
    """`ryze-tui` on one server, with all its files below `home`; `over` ssh where that is given."""

    def __init__(self, url: str, token: str, home: Path, size: tuple[int, int] = (120, 40), *, options: Sequence[str] = (),
                 env: Mapping[str, str] | None = None, argv: Sequence[str] | None = None,
                 over: Sshd | None = None) -> None:  # fmt: skip
        variables = private_dirs(home) | ({"RYZE_TOKEN": token} if token else {}) | dict(env or {})
        words = [*(argv or COMMAND), *(("--url", url) if url else ()), *options]
        if over is not None:
            words = over.through(words, "LANG", "COLORTERM", "TZ", *variables)
        super().__init__(words, *size, variables)

    def ready(self, text: str = "LIVE") -> None:
        """The list is there and the link is up."""
        self.wait_for(lambda t: self.rows() and text in t.text(), 20, what=f"the list and {text}")
        self.settle(0.15)

    def in_list(self) -> list[str]:
        """The lines of the list, without the detail beside it."""
        width = self.emulator.cols
        lines = self.lines()
        begin = next((number for number, line in enumerate(lines) if line.startswith("   NAME")), len(lines))
        return [(line[: int(width * 0.56)] if width >= 100 else line) for line in lines[begin + 1 :]]

    def rows(self) -> dict[str, str]:
        """Name to badge word of every row that is shown, in their order."""
        found = {}
        for line in self.in_list():
            words = line[3:].split()
            badge = BADGE.search(line)
            if words and badge and line[:1] in " ✓" and line[1:3] in ("  ", "▸ "):
                found[words[0]] = badge[1] or "deleted"
        return found

    def cursor(self) -> str:
        """Name under the cursor; empty when there is none."""
        return next((line[3:].split()[0] for line in self.in_list() if line[1:3] == "▸ " and line[3:].split()), "")

    def marked(self) -> list[str]:
        """Names of the marked rows that are shown."""
        return [line[3:].split()[0] for line in self.in_list() if line.startswith("✓")]

    def put_cursor(self, name: str) -> None:
        """Move by arrow keys until `name` is under the cursor."""
        names = list(self.rows())
        assert name in names, f"{name} is not shown\n{self.picture()}"
        by = names.index(name) - names.index(self.cursor())
        self.press(*(["down"] if by > 0 else ["up"]) * abs(by))
        self.wait_for(lambda _: self.cursor() == name, 5, what=f"the cursor on {name}")

    def wait_badge(self, name: str, word: str, timeout: float = 10.0) -> float:
        """Until a row shows that word; the monotonic second it came to the terminal."""
        self.wait_for(lambda _: self.rows().get(name) == word, timeout, what=f"{name} {word}")
        return self.read_at

    def qr(self) -> list[str]:
        """Texts of the QR codes on the screen, as a phone would read them."""
        return decode_qr(self.cells())

    def wait_qr(self, timeout: float = 10.0, *, other_than: str = "") -> str:
        """The text of the one QR code on the screen."""
        timeout = patient(timeout)
        end, seen = time.monotonic() + timeout, -1
        while True:
            self.pump(0.1)
            if seen != self.bytes_out and not self.emulator.in_update:
                seen = self.bytes_out
                codes = self.qr()
                if len(codes) == 1 and codes[0] != other_than:
                    return codes[0]
            assert time.monotonic() < end, f"no QR code that can be read in {timeout:g} s\n{self.picture()}"

    def wait_code(self) -> str:
        """The eight characters of the pairing code on the screen, without the dash."""
        found: re.Match[str] = self.wait_for(CODE)
        return found[1] + found[2]

    def retype(self, text: str) -> None:
        """Empty the field and type something else. Textual runs bindings (ctrl+u) after letters that are already there."""
        self.press("ctrl+u")
        self.settle(0.2)
        self.type(text)
        self.settle(0.1)

    def type_name(self, question: str, name: str) -> None:
        """Answer a question that asks for the name: Enter does nothing until the name is there."""
        self.wait_for(question)
        self.press("enter")
        self.type("not" + name)
        self.press("enter")
        self.settle(0.15)
        assert question in self.text(), "Enter confirmed something else than the name"
        self.retype(name)
        self.press("enter")
        self.wait_gone(question)

    def quit(self) -> None:
        """Leave by `q`; everything must be clean."""
        self.press("q")
        assert self.wait_exit() == 0
        self.assert_clean()
