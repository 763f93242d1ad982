"""What a person notes about instances on this machine: tags, and rows that are held. One file an account (0600), never sent.

Several programs may change it at once: each change is made to what the file holds at that moment, under a lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from .. import paths
from ..i18n import _
from . import keeping

TAG_MOST: Final = 24
"""Characters of a tag."""
TAGS_MOST: Final = 12
"""Tags of an instance."""
_BYTES_MOST: Final = 8 << 20
_NOT_IN_TAGS: Final = re.compile(r"[\s:!,]")


class NotesError(Exception):
    """It could not be kept; the text says why."""


def tag_problem(word: str) -> str:
    """Why this cannot be a tag; empty when it can."""
    if len(word) > TAG_MOST:
        return _("a tag has at most {n} characters").format(n=TAG_MOST)
    if not word or _NOT_IN_TAGS.search(word) or not word.isprintable():
        return _("a tag is one word without : ! and commas")
    return ""


def path(name: str) -> Path:
    """Where an account's notes are; `name` is its fingerprint."""
    return paths.state_dir() / "notes" / f"{name}.json"


class Notes:
    """`tags`: name -> words in order; `held`: name -> the state that its row was held in."""

    def __init__(self, url: str = "", token: str = "", *, keep: bool = False) -> None:
        """Without `keep` nothing is read or written: it lasts as long as the program."""
        self._whose = (url, token) if keep and keeping.wanted() else None
        self.tags: dict[str, tuple[str, ...]] = {}
        self.held: dict[str, str] = {}
        if self._whose is not None and (name := keeping.fingerprint(*self._whose)):
            with contextlib.suppress(NotesError):
                self._take(_read(path(name)))

    def tags_of(self, name: str) -> tuple[str, ...]:
        """Those of an instance."""
        return self.tags.get(name, ())

    def tag(self, changes: Mapping[str, Iterable[str]]) -> None:
        """Give each of these instances exactly these tags. Raises NotesError."""

        def change() -> None:
            for name, words in changes.items():
                kept = tuple(dict.fromkeys(word.lower() for word in words))[:TAGS_MOST]
                if kept:
                    self.tags[name] = kept
                else:
                    self.tags.pop(name, None)

        self._change(change)

    def hold(self, name: str, state: str) -> None:
        """Leave it alone until it is in another state. Raises NotesError."""
        self._change(lambda: self.held.__setitem__(name, state))

    def release(self, names: Iterable[str]) -> None:
        """Not held any more. Raises NotesError."""
        gone = [name for name in names if name in self.held]
        if gone:
            self._change(lambda: [self.held.pop(name, None) for name in gone])

    def moved(self, states: Mapping[str, str]) -> list[str]:
        """Which held ones are in another state now than when they were held."""
        return [name for name, state in states.items() if self.held.get(name, state) != state]

    def forget(self, name: str) -> None:
        """The instance was deleted. Raises NotesError."""
        if name in self.tags or name in self.held:
            self._change(lambda: (self.tags.pop(name, None), self.held.pop(name, None)))

    def _change(self, change: Callable[[], object]) -> None:
        if self._whose is None:
            change()
            return
        name = keeping.fingerprint(*self._whose, make=True)
        if not name:
            change()
            raise NotesError(_("It lasts until you leave: nothing can be written on this machine."))
        where = path(name)
        try:
            paths.private_dir(where.parent)
            with _locked(where.with_suffix(".lock")):
                self._take(_read(where))
                change()
                paths.write_private(where, json.dumps({"version": 1, "tags": self.tags, "held": self.held}))
        except OSError as error:
            words = _("It lasts until you leave: {path} cannot be written: {problem}")
            raise NotesError(words.format(path=where, problem=error.strerror)) from error

    def _take(self, document: Mapping[str, Any]) -> None:
        tags, held = document.get("tags"), document.get("held")
        self.tags = {
            name: tuple(word for word in words if isinstance(word, str) and not tag_problem(word))[:TAGS_MOST]
            for name, words in (tags.items() if isinstance(tags, dict) else ()) if isinstance(words, list)
        }  # fmt: skip
        self.held = {
            name: state for name, state in (held.items() if isinstance(held, dict) else ()) if isinstance(state, str)
        }  # fmt: skip


def _read(where: Path) -> Mapping[str, Any]:
    """What the file says; nothing when there is none. Raises NotesError for one that is not ours: it is not written over."""
    try:
        data = where.read_bytes() if where.stat().st_size <= _BYTES_MOST else b""
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise NotesError(_("{path} cannot be read: {problem}").format(path=where, problem=error.strerror)) from error
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise NotesError(_("{path} is not what this program wrote: move it away, and it is made anew.").format(path=where))
    return document


@contextlib.contextmanager
def _locked(where: Path) -> Iterator[None]:
    descriptor = os.open(where, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
