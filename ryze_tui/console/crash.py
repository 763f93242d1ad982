"""The crash file: a traceback without local variables, secrets masked, readable by its owner only."""

from __future__ import annotations

import time
import traceback

from .. import __version__, paths, redact
from ..i18n import _


def write_crash(error: BaseException | None) -> str:
    """Write the file and return what to print once the terminal is ours no more."""
    lines = traceback.format_exception(error) if error is not None else ["no exception was kept\n"]
    text = redact.mask("".join([f"ryze-tui {__version__}\n", *lines]))
    path = paths.state_dir() / f"crash-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    try:
        paths.write_private(path, text)
    except OSError as problem:
        return _("ryze-tui stopped on a mistake of its own: {error}\nThe crash file could not be written: {problem}").format(
            error=redact.clean(redact.mask(str(error))), problem=problem.strerror
        )
    return _("ryze-tui stopped on a mistake of its own: {error}\nThe details, without secrets, are in {path}").format(
        error=redact.clean(redact.mask(f"{type(error).__name__}: {error}")), path=path
    )
