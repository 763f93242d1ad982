"""What a pairing shows without the console: a code drawn in place on a terminal, lines for a log, objects for a program."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..i18n import _
from ..redact import clean
from .output import Out, is_terminal

if TYPE_CHECKING:
    from ..pairing.flow import View
    from ..pairing.qr import Matrix

T = TypeVar("T")
_PAPER = "\x1b[38;5;16;48;5;231m"
"""Black on white whatever the terminal's colours are, and whatever NO_COLOR says: it is a picture, and phones need it so."""
_END = "\x1b[0m"


class Painter(Protocol):
    """Shows views as they come. `beside` runs the pairing and whatever is to happen meanwhile; `close` leaves things tidy."""

    def show(self, view: View) -> None: ...

    async def beside(self, work: Awaitable[T]) -> T: ...

    def close(self) -> None: ...


def painter(out: Out, options: argparse.Namespace, now: Callable[[], View]) -> Painter:
    """The one for this output. `now()`: the view of this moment."""
    inner: _Lines | _Objects
    if out.as_json:
        inner = _Objects(out, options)
    elif is_terminal(sys.stdout) and os.environ.get("TERM", "") not in ("", "dumb") and not out.quiet:
        inner = _Drawn(out, options, now)
    else:
        inner = _Lines(out, options)
    return inner


def left(view: View) -> float:
    """Seconds for which the code can still be used."""
    return max(0.0, view.expires_at - time.monotonic()) if view.code else 0.0


def stage_words(view: View, name: str) -> str:
    """A stage in words."""
    from ..fleet.telling import number

    words = {
        "asking": _("asking the server for a code"), "qr": _("scan the code"), "code": _("type the code on the phone"),
        "linking": _("the phone is linking"), "renewing": _("the code is over; asking for the next"),
        "failed": view.message, "ended": view.message,
    }  # fmt: skip
    if view.stage == "connected":
        who = ", ".join(filter(None, [number(view.number) if view.number else "", view.profile]))
        return _("{name} is connected, after {n} s").format(name=name, n=round(view.seconds)) + (f": {who}" if who else "")
    return f"{name}: {words[view.stage]}" + (f" ({view.message})" if view.message and view.stage in ("qr", "renewing") else "")


class _Picture:
    """The code as a file, while it can be scanned."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._code = ""

    def show(self, view: View) -> None:
        """Write it, or take it away. Raises OSError."""
        code = view.code if view.stage == "qr" else ""
        if self._path is None or code == self._code:
            return
        self._code = code
        if not code:
            self._path.unlink(missing_ok=True)
            return
        from ..pairing import qr

        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(qr.png(qr.matrix(code)))
        temporary.replace(self._path)

    def close(self) -> None:
        """A code is no use any more."""
        if self._path is not None and self._code:
            self._path.unlink(missing_ok=True)


class _Lines:
    """Words on standard error; with --show-code each code as a line on standard output."""

    def __init__(self, out: Out, options: argparse.Namespace) -> None:
        self._out, self._options = out, options
        self._picture = _Picture(options.png)
        self._last: tuple[str, str] = ("", "")

    def show(self, view: View) -> None:
        """Say it when it is something else than before."""
        if (view.stage, view.code) == self._last:
            return
        self._last = (view.stage, view.code)
        self._picture.show(view)
        if view.stage not in ("failed", "ended"):  # those are the command's own last words
            self._out.say(stage_words(view, self._options.name))
        if view.code and self._options.show_code:
            self._out.line(clean(view.code), flush=True)

    async def beside(self, work: Awaitable[T]) -> T:
        """Nothing happens meanwhile."""
        return await work

    def close(self) -> None:
        """Take the picture away."""
        self._picture.close()


class _Objects(_Lines):
    """NDJSON."""

    def show(self, view: View) -> None:
        """A line for every stage and every code."""
        key = (f"{view.stage} {view.number} {view.profile} {view.message}", view.code)
        if key == self._last:
            return
        self._last = key
        self._picture.show(view)
        code = {
            "text": view.code if self._options.show_code else None, "expires_in": round(left(view), 1), "index": view.index,
            "total": view.total,
        }  # fmt: skip
        self._out.event({
            "event": view.stage, "instance": self._options.name, "code": code if view.code else None, "number": view.number,
            "profile": view.profile, "message": view.message,
            "seconds": round(view.seconds, 1) if view.stage == "connected" else None,
        })  # fmt: skip


class _Drawn(_Lines):
    """The code drawn on the terminal, in place of the one before, with the seconds it has left."""

    def __init__(self, out: Out, options: argparse.Namespace, now: Callable[[], View]) -> None:
        super().__init__(out, options)
        self._now = now
        self._height = 0

    def show(self, view: View) -> None:
        """Draw it anew when it is something else than before."""
        if (view.stage, view.code) == self._last:
            return
        self._last = (view.stage, view.code)
        self._picture.show(view)
        self._clear()
        if view.stage in ("failed", "ended"):
            return
        if view.stage == "connected":
            self._out.line(clean(stage_words(view, self._options.name)), flush=True)
            return
        lines = self._code(view) if view.code else []
        for line in lines:
            self._out.line(line)
        self._height = sum(map(_height, lines))
        self._status(view)

    async def beside(self, work: Awaitable[T]) -> T:
        """Counts the seconds meanwhile."""
        clock = asyncio.create_task(self._count())
        try:
            return await work
        finally:
            clock.cancel()
            await asyncio.gather(clock, return_exceptions=True)

    def close(self) -> None:
        """Leave no code behind: whoever scrolls up could scan it."""
        super().close()
        self._clear()

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(1)
            view = self._now()
            if view.code and (view.stage, view.code) == self._last:
                self._status(view)

    def _status(self, view: View) -> None:
        words = stage_words(view, self._options.name)
        if view.total:
            words += " · " + _("code {index} of {total}").format(index=view.index, total=view.total)
        if view.code:
            words += " · " + _("{n} s left").format(n=round(left(view)))
        from .table import cut

        print(f"\r\x1b[K{cut(clean(words), shutil.get_terminal_size().columns - 1)}", end="", flush=True)

    def _clear(self) -> None:
        up = f"\x1b[{self._height}A" if self._height else ""
        print(f"\r{up}\x1b[J", end="", flush=True)
        self._height = 0

    def _code(self, view: View) -> list[str]:
        if view.stage == "code":
            large = " ".join(clean(view.code))
            edge = f"{_PAPER}{' ' * (len(large) + 8)}{_END}"
            return ["", edge, f"{_PAPER}    \x1b[1m{large}    {_END}", edge, "",
                    _("On the phone: WhatsApp, Linked devices, Link a device, Link with phone number instead."), ""]  # fmt: skip
        lines = self._drawing(view.code)
        return lines + ([clean(view.code)] if self._options.show_code else [])

    def _drawing(self, code: str) -> list[str]:
        from ..pairing import qr

        size, modules = shutil.get_terminal_size(), qr.matrix(code)
        if self._options.drawing == "ascii" or not _can_draw():
            return _plain(modules)
        drawing = qr.choose(modules, size.columns, size.lines - 2, self._options.drawing or "")
        if drawing is None:
            least = qr.draw(modules, qr.SEXTANT, qr.QUIET[-1])
            words = _("The QR code needs {w}x{h} cells, which are not there: --number N pairs by a code, --png PATH saves it.")
            return [words.format(w=least.width, h=least.height + 2)]
        return [f"{_PAPER}{row}{_END}" for row in drawing.rows]


def _height(line: str) -> int:
    """Lines of the terminal that a line takes."""
    from .table import cells

    return max(1, -(-cells(re.sub(r"\x1b\[[\d;]*m", "", line)) // shutil.get_terminal_size().columns))


def _can_draw() -> bool:
    """Whether the output's encoding has blocks."""
    try:
        "▀▄█".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _plain(modules: Matrix, quiet: int = 2) -> list[str]:
    """Two cells a module, with nothing but colours: for terminals without block characters."""
    size = len(modules) + 2 * quiet
    blank = [False] * size
    rows = [blank] * quiet + [[False] * quiet + row + [False] * quiet for row in modules] + [blank] * quiet
    return ["".join("\x1b[40m  " if dark else "\x1b[48;5;231m  " for dark in row) + _END for row in rows]
