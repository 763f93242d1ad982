"""`ryze-tui session`: one number's WhatsApp session out of a server that is stopped, or into one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from .. import inherited, paths
from ..i18n import _
from .parser import Parser

WHAT: Final = ("export", "import")
FAILED: Final = 1
WRONG: Final = 2


def add_arguments(parser: Parser) -> None:
    """Which way, whose, and the file."""
    parser.no_token = _("Session commands need no token.")
    parser.epilog = _(
        "export NAME FILE   copy the session of an instance into a new file (0600)\n"
        "import NAME FILE   make the session in that file the instance's own\n\n"
        "Of servers with --engine whatsapp. The server must be stopped. Whoever has the file is the number, for\n"
        "WhatsApp: keep it as you would a key, and never let two copies run at once."
    )
    add = parser.add_argument
    add("what", choices=WHAT, help=_("which way"))
    add("name", help=_("the instance, by name or id"))
    add("file", type=Path, help=_("the file"))
    add("--move", action="store_true", help=_("export: and have it here no more; WhatsApp is told nothing"))
    add("--replace", action="store_true", help=_("import: in place of a session that is there"))
    add("--data-dir", type=Path, metavar="DIR", help=_("the server's data directory (XDG data directory)"))
    add("--database", type=Path, metavar="FILE", help=_("the server's database, when it is elsewhere"))


def run(options: argparse.Namespace) -> int:
    """0 done; 1 could not, and nothing was changed; 2 the words do not fit together."""
    from ..backend.engine.whatsapp import moving

    inherited.take_secrets()
    directory = (options.data_dir or paths.data_dir()).absolute()
    database = options.database or directory / "ryze.db"
    if (options.move and options.what != "export") or (options.replace and options.what != "import"):
        print("ryze-tui session: " + _("--move goes with export, --replace with import."), file=sys.stderr)
        return WRONG
    try:
        if options.what == "export":
            jid = moving.take_out(directory, database, options.name, options.file, move=options.move)
            told = _("{file}: the session of {jid}. This server has it no more.") if options.move else _(
                "{file}: a copy of the session of {jid}. One server only may run it; --move takes it out of this one."
            )  # fmt: skip
        else:
            jid = moving.put_in(directory, database, options.name, options.file, replace=options.replace)
            told = _("{name} has the session of {jid} now, and dials when the server starts. Delete {file} when that went well.")
    except moving.MovingError as error:
        print(f"ryze-tui session: {error}", file=sys.stderr)
        return FAILED
    print(told.format(file=options.file, name=options.name, jid=jid))
    return 0
