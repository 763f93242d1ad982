"""Secrets by reference: where the file says they are, what they are called in an export, and the files they are exported to."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ... import paths
from ...i18n import _
from ...redact import register

SECRET_MOST: Final = 64 << 10


class Unresolved(Exception):
    """What a reference points to is not there; the text says what to do, and repeats no secret."""


@dataclass(frozen=True, slots=True)
class Ref:
    """`keep`: as it is stored; with `env` or `file` only while something is stored, else from there."""

    keep: bool = False
    env: str = ""
    file: str = ""

    @property
    def elsewhere(self) -> bool:
        """Whether it names a place."""
        return bool(self.env or self.file)

    def resolve(self, folder: Path) -> str:
        """The secret. Raises Unresolved."""
        if self.env:
            value = os.environ.get(self.env, "")
            if not value:
                raise Unresolved(_("the variable {name} is not set.").format(name=self.env))
        else:
            value = _content(folder / Path(self.file).expanduser(), self.file)
        if not value.isprintable():
            raise Unresolved(_("{name} holds more than one line of text.").format(name=self.env or self.file))
        register(value)
        return value


def _content(path: Path, told: str) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            value = file.read(SECRET_MOST).rstrip("\r\n")
    except OSError as error:
        raise Unresolved(_("{path} cannot be read: {problem}").format(path=told, problem=error.strerror)) from error
    except ValueError as error:
        raise Unresolved(_("{path} holds no text.").format(path=told)) from error
    if not value:
        raise Unresolved(_("{path} is empty.").format(path=told))
    return value


class Names:
    """What secrets are called in an export: variables, or files of `folder`, which gets those that can be read.

    `beside`: the folder that the export is put in; files below it are named from there, so that both can be moved together.
    """

    def __init__(self, folder: Path | None = None, beside: Path | None = None) -> None:
        self._folder, self._beside = folder, beside
        self._taken: set[str] = set()
        self.missing: list[str] = []
        """Files that were named but not written, since no read tells what belongs into them."""

    def of(self, parts: tuple[str, ...], value: str | None) -> Ref:
        """The reference to a secret; `parts`: instance, block, label, field. Raises OSError when its file cannot be written."""
        if self._folder is None:
            words = "_".join(re.sub(r"[^A-Z0-9]+", "_", part.upper()).strip("_") for part in parts if part)
            return Ref(keep=True, env=self._free(f"RYZE_{words}"))
        name = ".".join(quote(part, safe="") for part in parts if part).lstrip(".")
        path = self._folder.absolute() / self._free(name[:230])  # 240 are a file's name at most, with a number behind it
        named = str(path)
        if self._beside is not None and path.is_relative_to(self._beside.absolute()):
            near = path.relative_to(self._beside.absolute())
            named = named if str(near).startswith("~") else str(near)  # which would be a home when it is read
        if value is None:
            self.missing.append(str(path))
            return Ref(keep=True, file=named)
        paths.write_private(path, value + "\n")
        return Ref(file=named)

    def _free(self, name: str) -> str:
        found, number = name, 1
        while found.lower() in self._taken:  # also on file systems that know no case
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found.lower())
        return found
