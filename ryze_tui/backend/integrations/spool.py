"""Media on our disk until it is in its store: one sealed file each, readable by its owner only, bounded in all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from ... import paths
from ..secrets import KeyRing

RESERVE: Final = 64 * 1024 * 1024
"""Bytes that stay free on the disk: the database needs them more."""


class SpoolFull(Exception):
    """No room; the text says which."""


def _free(directory: Path) -> int:
    return shutil.disk_usage(directory).free


class Spool:
    """Files by id. `limit`: bytes in all, of what was kept, not of what lies on the disk for it (some 40 bytes more each)."""

    def __init__(
        self, directory: Path, ring: KeyRing, *, limit: int, free: Callable[[Path], int] = _free,
    ) -> None:
        self.directory, self._ring, self.limit, self._free = directory, ring, limit, free
        self.used = 0

    def open(self, known: dict[str, int]) -> list[str]:
        """What of `known` (id -> size) is there; every other file is removed: nobody was told of it. Raises OSError."""
        paths.private_dir(self.directory)
        present = {entry.name for entry in self.directory.iterdir()}
        for name in present - known.keys():
            with contextlib.suppress(OSError):
                (self.directory / name).unlink()
        found = [name for name in known if name in present]
        self.used = sum(known[name] for name in found)
        return found

    def claim(self, size: int) -> None:
        """Room for so many bytes. Raises SpoolFull, OSError."""
        if self.used + size > self.limit:
            raise SpoolFull(f"{self.used} of {self.limit} bytes wait for their stores already")
        if self._free(self.directory) - size < RESERVE:
            raise SpoolFull("the disk is full")
        self.used += size

    def release(self, size: int) -> None:
        """The room is free again."""
        self.used -= size

    def write(self, ident: str, content: bytes) -> None:
        """Keep it; on the disk when this returns, or nothing of it. Blocks. Raises OSError."""
        sealed = self._ring.encrypt_bytes(content, "uploads", ident, "content")
        path = self.directory / ident
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            directory = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def read(self, ident: str) -> bytes:
        """What was kept. Blocks. Raises OSError, SecretError."""
        return self._ring.decrypt_bytes((self.directory / ident).read_bytes(), "uploads", ident, "content")

    def remove(self, idents: Collection[str]) -> None:
        """They are wanted no more. Blocks; what cannot be removed now goes at the next start."""
        for ident in idents:
            with contextlib.suppress(OSError):
                (self.directory / ident).unlink(missing_ok=True)
