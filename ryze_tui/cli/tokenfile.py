"""A file for a token that does not exist yet: made, private and beside its place, before the token is asked for."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from ..i18n import _


class TokenFile:
    """Entering the block makes the file (OSError says why not); `keep` puts the token into place; without it nothing is left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary: Path | None = None

    def __enter__(self) -> Self:
        if self.path.is_dir():
            raise IsADirectoryError(None, _("it is a directory"))
        descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)  # 0600 from the first moment
        self._descriptor, self._temporary = descriptor, Path(name)
        return self

    def keep(self, token: str) -> None:
        """Replace whatever is at the path, all or nothing. Raises OSError."""
        assert self._temporary is not None
        os.write(self._descriptor, token.encode() + b"\n")
        os.fsync(self._descriptor)
        self._temporary.replace(self.path)
        self._temporary = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._descriptor)
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
