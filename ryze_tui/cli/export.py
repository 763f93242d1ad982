"""`ryze-tui export`: the blocks of instances as one YAML file, secrets as references."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..i18n import _, n_
from . import session
from .exits import Failure, failure_of
from .output import Out
from .parser import Parser
from .reading import reading

if TYPE_CHECKING:
    from ..operations.account import Account


def add_arguments(parser: Parser) -> None:
    """Which ones, and where secrets go."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=_("the instances; without any, all of them"))
    parser.add_argument("--all", action="store_true", help=_("all of them, also without a name"))
    parser.add_argument("--output", metavar="PATH", help=_("write the file there, 0600 and only when it is whole"))
    secrets = _("write the secrets that can be read to files there (0600), and refer to those: keep it where tokens may be")
    parser.add_argument("--secrets-dir", metavar="DIR", help=secrets)
    session.add_common(parser, as_json=_("errors as JSON on standard error; the result is YAML all the same"))
    parser.description = _(
        "The blocks of instances in one YAML file, for ryze-tui plan and ryze-tui apply; also the backup against switching off,\n"
        "which erases on the server. Secrets are never in it: it says from which variables or files they come."
    )


def run(options: argparse.Namespace) -> int:
    """Nothing is written when anything could not be read: half a backup looks like a whole one."""

    async def work(account: Account, out: Out) -> Failure | None:
        if options.names and options.all:
            raise Failure(_("--all, or names: not both."), "usage")
        found, missing = await _exported(account, options, out)
        if options.output is not None:
            _save(Path(options.output), found)
        else:
            sys.stdout.write(found)
        if missing:
            out.say(n_(
                "{n} secret is told by no read. For where nothing is stored any more, put it there yourself:",
                "{n} secrets are told by no read. For where nothing is stored any more, put them there yourself:", len(missing),
            ))
            for path in missing:
                out.say(f"  {path}")
        return None

    return session.run(options, work)


async def _exported(account: Account, options: argparse.Namespace, out: Out) -> tuple[str, list[str]]:
    from ..client.budget import KEPT_FOR_PERSON
    from ..operations.ascode import exporting
    from ..operations.ascode.holding import Blocks, Holding
    from ..operations.ascode.references import Names
    from ..operations.outcome import Outcome

    account.be_patient(KEPT_FOR_PERSON)
    await session.listed(account, options.names or None)
    means = account.means
    assert means is not None  # the list was read
    names = list(dict.fromkeys(options.names)) or sorted(account.model.rows)
    if gone := [name for name in names if name not in account.model.rows]:
        raise Failure(_("there is no instance {name}.").format(name=", ".join(gone)), "not_found")
    held: dict[str, Blocks] = {}
    async with reading(out, len(names)) as told:
        answers = await Holding(means, names).all(names, told)
    for name, blocks in answers.items():
        if isinstance(blocks, Outcome):
            raise failure_of(blocks)
        held[name] = blocks
    beside = Path(options.output).parent if options.output is not None else None
    secrets = Names(Path(options.secrets_dir) if options.secrets_dir else None, beside)
    rows = {name: account.model.rows[name].item for name in names}
    try:
        found = exporting.text(rows, held, secrets, exporting.head())
    except OSError as error:
        words = _("{path} cannot be written: {problem}").format(path=error.filename, problem=error.strerror)
        raise Failure(words, "failed") from error
    return found, secrets.missing


def _save(path: Path, found: str) -> None:
    from .. import paths

    try:
        paths.write_private(path, found)
    except OSError as error:
        raise Failure(_("{path} cannot be written: {problem}").format(path=path, problem=error.strerror), "failed") from error
