"""`ryze-tui config`: the configuration file checked, shown, edited; the ids of the keys."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from typing import Final

from .. import config, inherited, paths, redact
from ..i18n import _
from .parser import Parser

WHAT: Final = ("check", "path", "example", "edit", "keys")
FAILED: Final = 1
_EDITORS: Final = ("sensible-editor", "nano", "vi")


def add_arguments(parser: Parser) -> None:
    """What to do."""
    parser.no_token = _("The configuration is read from its file.")
    parser.epilog = _(
        "check     everything that is wrong with the file, as FILE:LINE: what; exit code 0 when nothing is, else 1\n"
        "path      where the file is\n"
        "example   all of it with words: a valid file in which every setting is commented out\n"
        "edit      open it in $VISUAL or $EDITOR, made from the example if there is none, and check it afterwards\n"
        "keys      the ids for [keys], their keys now, and what they do"
    )
    parser.add_argument("what", choices=WHAT, help=_("what to do"))


def run(options: object) -> int:
    """0 done, or nothing is wrong; 1 something is."""
    inherited.take_secrets()
    from .target import configured

    settings = configured()
    what: str = options.what  # type: ignore[attr-defined]
    if what == "path":
        print(config.path())
        return 0
    if what == "example":
        print(_example(), end="")
        return 0
    if what == "keys":
        return _keys(settings)
    return _edit() if what == "edit" else _check()


def _told() -> dict[str, str]:
    """What the keys of the main screen do."""
    from ..console.actions import ACTIONS

    return {action.id: action.told() for action in ACTIONS}


def _example() -> str:
    from ..config.example import example

    return example(_told())


def _check() -> int:
    settings = config.load(thorough=True)
    for problem in settings.problems:
        print(redact.clean(problem.for_editors))
    if settings.problems:
        return FAILED
    if config.path().exists():
        print(_("{path}: nothing is wrong.").format(path=config.path()), file=sys.stderr)
    else:
        words = _("{path} is not there: everything is as it comes. `ryze-tui config edit` makes one.")
        print(words.format(path=config.path()), file=sys.stderr)
    return 0


def _keys(settings: config.Config) -> int:
    """With a broken `[keys]` the keys as they come, and a word that they are."""
    from .. import keys

    keys.use(settings.preferences.keys)
    told = _told()
    rows = [(id, " ".join(map(keys.written, keys.of(id))), told.get(id) or _(key.what)) for id, key in keys.KEYS.items()]
    rows.insert(0, (_("ID"), _("KEYS"), _("WHAT IT DOES")))
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    for id, bound, what in rows:
        print(f"{id:{first}}  {bound:{second}}  {what}")
    if settings.problems:
        words = _("Something is wrong with {path}, so these are the keys without it: see `ryze-tui config check`.")
        print(words.format(path=config.path()), file=sys.stderr)
        return FAILED
    return 0


# -- edit --------------------------------------------------------------------------------------------------------------


def _editor() -> list[str]:
    """The words of the person's editor; empty when there is none."""
    for variable in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(os.environ.get(variable, ""))
        except ValueError:
            words = []
        if words:
            return words
    found = next((name for name in _EDITORS if shutil.which(name)), "")
    return [found] if found else []


def _edit() -> int:
    path, editor = config.path(), _editor()
    if not editor:
        return _say(_("no editor was found: set EDITOR, e.g. EDITOR=nano."))
    try:
        if not path.exists() and not path.is_symlink():
            paths.write_private(path, _example())
        code = subprocess.run([*editor, str(path)], check=False).returncode
    except OSError as error:
        words = _("{what} cannot be opened: {problem}")
        return _say(words.format(what=error.filename or path, problem=error.strerror))
    if code:
        words = _("{editor} ended with exit code {code}; the file is checked all the same.")
        _say(words.format(editor=editor[0], code=code))
    return _check()


def _say(words: str) -> int:
    print(f"ryze-tui config: {redact.clean(words)}", file=sys.stderr)
    return FAILED
