"""One thing done to many instances: planned, paced, recorded, paused, resumed after a kill, the failed ones done again."""

from __future__ import annotations

import os
from typing import Final

from ... import paths
from ...fleet import keeping

_TAIL: Final = 40
_ENDED: Final = b'{"state":"end"}'


def left(url: str, token: str) -> bool:
    """Whether an earlier program may have left a bulk of this account unfinished: the last bytes of one file, nothing more."""
    if not keeping.wanted() or not (name := keeping.fingerprint(url, token)):
        return False
    try:
        with (paths.state_dir() / "bulk" / f"{name}{keeping.SUFFIX}").open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL, 0))
            return size > 0 and not file.read().rstrip().endswith(_ENDED)
    except OSError:
        return False
