"""A text in the person's own editor: the terminal is lent to it, the file is private and gone afterwards, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .. import paths
from ..i18n import _
from .words import safe

if TYPE_CHECKING:
    from .app import RyzeConsole

MOST: Final = 1 << 20
"""Bytes that are read back."""
PATIENCE: Final = 2.0
"""Seconds that an editor has to end once the console is told to."""
_AT_LINE: Final = frozenset({
    "vi", "vim", "nvim", "view", "vim.basic", "vim.tiny", "nano", "rnano", "pico", "emacs", "emacsclient", "joe", "jed", "mg",
    "ne", "micro", "kak", "elvis", "nvi", "gvim", "mcedit",
})  # fmt: skip
"""Editors that open at a line when they are told `+LINE`."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back. `text`: what the file holds now; `problem`: why nothing is taken, in words, and then there is no text."""

    text: str = ""
    problem: str = ""


def editor_of(environment: Mapping[str, str]) -> list[str] | str:
    """The command of `$VISUAL`, `$EDITOR`, or one that is usually there; words that say what to set when there is none."""
    for variable in ("VISUAL", "EDITOR"):
        if not (value := environment.get(variable, "").strip()):
            continue
        try:
            words = shlex.split(value)
        except ValueError:
            said = _("{variable} is {value}, and has a quote without its other half.")
            return said.format(variable=variable, value=safe(value))
        if not words or shutil.which(words[0]) is None:
            said = _("{variable} is {value}, and there is no such program here.")
            return said.format(variable=variable, value=safe(value))
        return words
    found = next((name for name in ("nano", "vi") if shutil.which(name)), "")
    return [found] if found else _("There is no editor: set EDITOR to the one you use, e.g. EDITOR=nano.")


def command(words: list[str], path: Path, line: int = 1) -> list[str]:
    """What is run for this file."""
    at = [f"+{line}"] if line > 1 and Path(words[0]).name in _AT_LINE else []
    return [*words, *at, str(path)]


async def edit(app: RyzeConsole, words: list[str], text: str, name: str, line: int = 1) -> Returned:
    """Have a text edited. `name`: of the file, a word of ours. Nothing is drawn and no key read meanwhile; all else goes on."""
    app.typed.hold()  # keys pressed in the moment before the editor is there are for nobody
    try:
        with _private(text, name) as path:
            code = await _run(app, command(words, path, line))
            if code is None:
                return Returned(problem=_("The program is ending."))
            return _read(path, words[0], code)
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else words[0]
        return Returned(problem=f"{safe(where)}: {error.strerror}")
    finally:
        app.typed.drop()


def _read(path: Path, editor: str, code: int) -> Returned:
    if code:
        how = _("ended with {code}") if code > 0 else _("was ended by signal {code}")
        said = _("{editor} {how}: nothing was taken from it.")
        return Returned(problem=said.format(editor=safe(Path(editor).name), how=how.format(code=abs(code))))
    try:
        with path.open("rb") as file:
            raw = file.read(MOST + 1)
    except FileNotFoundError:
        return Returned(problem=_("The file is gone: nothing was taken."))
    if len(raw) > MOST:
        return Returned(problem=_("The file is too large to be a block: nothing was taken."))
    return Returned(raw.decode("utf-8", errors="surrogateescape"))


@contextlib.contextmanager
def _private(text: str, name: str) -> Iterator[Path]:
    """A file that only its owner reads, in a directory of its own, where an editor's swap and backup files go as well."""
    base = paths.private_dir(paths.runtime_dir())
    _sweep(base)
    directory = Path(tempfile.mkdtemp(prefix=f"edit-{os.getpid()}-", dir=base))  # 0700
    try:
        path = directory / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8", errors="surrogateescape"))
        yield path
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _sweep(base: Path) -> None:
    """What a console left that was killed while an editor ran."""
    for left in base.glob("edit-*-*"):
        pid = left.name.split("-")[1]
        if pid.isdigit() and not Path("/proc", pid).exists() and Path("/proc/self").exists():
            shutil.rmtree(left, ignore_errors=True)


async def _run(app: RyzeConsole, argv: list[str]) -> int | None:
    """Its exit code, minus the number of a signal that ended it; None when the console was told to end, which it then does."""
    told: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    process: asyncio.subprocess.Process | None = None
    code: int | OSError = 0

    def end(number: int) -> None:
        if not told.done():
            told.set_result(number)
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    # The signals around the terminal's change of hands: ctrl+\ means us from the moment that it reads lines again.
    with contextlib.suppress(_Ending), _signals(app, end), app.suspend():
        try:
            process = await asyncio.create_subprocess_exec(*argv, stdout=sys.__stderr__, stderr=sys.__stderr__)
            code = await _ended(process, told)
        except OSError as error:
            code = error  # raised in here, Textual would not take the terminal again
        finally:
            if process is not None and process.returncode is None:
                process.kill()
        if told.done():
            raise _Ending  # past Textual's taking the terminal again
    if told.done():
        app.exit(return_code=128 + told.result())
        return None
    if isinstance(code, OSError):
        raise code
    return code


class _Ending(Exception):
    """The console ends while an editor runs."""


async def _ended(process: asyncio.subprocess.Process, told: asyncio.Future[int]) -> int:
    waiting = asyncio.ensure_future(process.wait())
    await asyncio.wait({waiting, told}, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        await asyncio.wait({waiting}, timeout=PATIENCE)
    if not waiting.done():
        process.kill()
    return await waiting


@contextlib.contextmanager
def _signals(app: RyzeConsole, end: Callable[[int], None]) -> Iterator[None]:
    """As `system(3)` has it: keys that interrupt are the editor's business; what ends us ends the editor first."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGQUIT)}
    for number in before:
        loop.add_signal_handler(number, lambda: None)  # a handler, not SIG_IGN, which the editor would inherit
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, partial(end, number))
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
        app.on_load()  # those that end the program
