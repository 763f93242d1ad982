"""`ryze-tui completion`: a script that teaches a shell our commands; names of instances come from the list kept on disk."""

from __future__ import annotations

import argparse
import re
from typing import Final

from .. import config, inherited
from ..i18n import _
from . import target
from .parser import Parser

SHELLS: Final = ("bash", "zsh", "fish")
KNOWN: Final = "instances"
"""Not a shell: what the scripts call for the names. Asks no network, runs no command, never complains."""


def add_arguments(parser: Parser) -> None:
    """Which shell."""
    parser.add_argument("shell", choices=(*SHELLS, KNOWN, "profiles"), metavar="{bash,zsh,fish}", help=_("the shell"))
    target.add_arguments(parser.add_argument_group(_("for the names of instances")))
    parser.epilog = _(
        "bash:  source <(ryze-tui completion bash)\n"
        "zsh:   ryze-tui completion zsh > \"${fpath[1]}/_ryze-tui\"\n"
        "fish:  ryze-tui completion fish > ~/.config/fish/completions/ryze-tui.fish\n\n"
        "Names of instances are those of the last list that was kept on this machine."
    )


def run(options: argparse.Namespace) -> int:
    """Prints it."""
    if options.shell == KNOWN:
        names = instances(options)
    elif options.shell == "profiles":
        names = profiles()
    else:
        from . import completing

        print(completing.script(options.shell), end="")
        return 0
    for name in names:
        print(name)
    return 0


def instances(options: argparse.Namespace) -> list[str]:
    """Names of the last list kept for this account; none where that is not known. Only such as no shell could misread."""
    from ..api.instance import NAME_PATTERN
    from ..fleet import cache
    from ..fleet.keeping import parsed

    if options.token_file == "-":
        return []
    try:
        whose = target.find(options, inherited.take_secrets(), silent=True)
    except config.ConfigError:
        return []
    kept = cache.look(whose.url, whose.token) if whose.url else None
    rows = [parsed(line) for line in kept.lines] if kept is not None else []
    names = [row[0] for row in rows if isinstance(row, list) and row and isinstance(row[0], str)]
    return sorted(name for name in names if re.fullmatch(NAME_PATTERN, name))


def profiles() -> list[str]:
    """Names of the profiles in the configuration file."""
    return sorted(name for name in config.load().names if re.fullmatch(r"[\w.@-]+", name))
