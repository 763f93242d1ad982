"""The crash file: a traceback without local variables, secrets masked, readable by its owner only."""

from __future__ import annotations

import time
import traceback

from .. import __version__, paths, redact
from ..i18n import _


def log_to_file() -> None:
    """Send warnings of every library and of ours to a file in the state directory; nothing may print under a full screen."""
    import logging
    from logging.handlers import RotatingFileHandler

    class Masked(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return redact.mask(super().format(record))

    root = logging.getLogger()
    if any(isinstance(handler, RotatingFileHandler) for handler in root.handlers):
        return
    path = paths.state_dir() / "console.log"
    try:
        paths.private_dir(path.parent)
        handler = RotatingFileHandler(path, maxBytes=1 << 20, backupCount=2, encoding="utf-8", delay=True)
    except OSError:
        return  # a read-only home: the program works, it only keeps no log
    handler.setLevel(logging.WARNING)
    handler.setFormatter(Masked("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)


def write_crash(error: BaseException | None) -> str:
    """Write the file and return what to print once the terminal is ours no more."""
    error = getattr(error, "error", None) or error  # a worker's failure holds the real one
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
