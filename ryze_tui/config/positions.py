"""On which line each key of a TOML file stands: `tomllib` does not tell. Run only when something is wrong."""

from __future__ import annotations

import re
from bisect import bisect_left
from contextlib import suppress
from typing import Any, Final

Path = tuple[str | int, ...]

_BLANK: Final = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BARE: Final = re.compile(r"[ \t]*")
_PART: Final = re.compile(r"""\s*("(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
_STRING: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""{1,3}(?!")|\'\'\'.*?\'\'\'{1,3}(?!\')|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.DOTALL
)
_SCALAR: Final = re.compile(r"[^,\]}\n#]+")


class Positions:
    """`lines`: path -> line, from 1. `twice`: (path, line of the first, line of the second).

    Reads what `tomllib` accepts; of a broken file as much as it understands.
    """

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._breaks = [match.start() for match in re.finditer("\n", self._text)]
        self._at = 0
        self._items: dict[Path, int] = {}
        self._headers: set[Path] = set()
        self.lines: dict[Path, int] = {}
        self.twice: list[tuple[Path, int, int]] = []
        with suppress(IndexError, ValueError):  # a broken file: what comes after is not known
            self._document()

    def line(self, path: Path) -> int:
        """The line of a key, or of the nearest table around it that is written down."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    # -- the grammar -----------------------------------------------------------------------------------------------

    def _document(self) -> None:
        table: Path = ()
        while self._skip():
            if self._peek("[["):
                self._at += 2
                table = self._element(self._resolve(self._key()))
                self._expect("]]")
            elif self._peek("["):
                self._at += 1
                start, table = self._at, self._resolve(self._key())
                self._expect("]")
                self._note(table, start, new=table not in self._headers)
                self._headers.add(table)
            else:
                self._pair(table)

    def _element(self, path: Path) -> Path:
        self._note(path, self._at, new=True)
        index = self._items.get(path, -1) + 1
        self._items[path] = index
        self.lines[(*path, index)] = self._line(self._at)
        return (*path, index)

    def _resolve(self, key: Path) -> Path:
        """The key of a header: below an array of tables its last one is meant."""
        path: Path = ()
        for part in key[:-1]:
            path = (*path, part)
            if path in self._items:
                path = (*path, self._items[path])
        return (*path, *key[-1:])

    def _pair(self, table: Path) -> None:
        start, key = self._at, self._key()
        path = table
        for part in key[:-1]:
            path = (*path, part)
            self._note(path, start, new=True)
        path = (*path, *key[-1:])
        self._note(path, start, new=path not in self.lines)
        self._expect("=")
        self._value(path)

    def _note(self, path: Path, at: int, *, new: bool) -> None:
        line = self._line(at)
        if not new and path in self.lines:
            self.twice.append((path, self.lines[path], line))
        self.lines.setdefault(path, line)

    def _value(self, path: Path) -> None:
        self._at = _BARE.match(self._text, self._at).end()  # type: ignore[union-attr]
        if self._peek("["):
            self._array(path)
        elif self._peek("{"):
            self._inline(path)
        elif found := _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at):
            self._at = found.end()
        else:
            raise ValueError

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while self._skip() and not self._peek("]"):
            self.lines[(*path, index)] = self._line(self._at)
            self._value((*path, index))
            index += 1
            self._skip()
            if self._peek(","):
                self._at += 1
        self._expect("]")

    def _inline(self, path: Path) -> None:
        self._at += 1
        while self._skip() and not self._peek("}"):
            self._pair(path)
            self._skip()
            if self._peek(","):
                self._at += 1
        self._expect("}")

    def _key(self) -> Path:
        parts: list[str] = []
        while True:
            found = _PART.match(self._text, self._at)
            if found is None:
                raise ValueError
            self._at = found.end()
            parts.append(_name(found[1]))
            if not self._peek("."):
                return tuple(parts)
            self._at += 1

    # -- the text --------------------------------------------------------------------------------------------------

    def _line(self, at: int) -> int:
        return bisect_left(self._breaks, at) + 1

    def _peek(self, sign: str) -> bool:
        return self._text.startswith(sign, self._at)

    def _expect(self, sign: str) -> None:
        self._at = _BARE.match(self._text, self._at).end()  # type: ignore[union-attr]
        if not self._peek(sign):
            raise ValueError
        self._at += len(sign)

    def _skip(self) -> bool:
        """Over blanks, line ends and comments; whether anything is left."""
        self._at = _BLANK.match(self._text, self._at).end()  # type: ignore[union-attr]
        return self._at < len(self._text)


def _name(part: str) -> str:
    """A part of a key without its quotes."""
    if part[0] not in "\"'":
        return part
    import tomllib

    key: dict[str, Any] = tomllib.loads(f"{part} = 0")
    return next(iter(key))
