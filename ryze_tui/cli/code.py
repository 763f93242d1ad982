"""What `plan` and `apply` share: the file read and compared with what the server holds, and how that is shown."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..i18n import _, n_
from ..redact import MASK, clean, mask
from . import session
from .exits import Failure, failure_of
from .output import Out
from .parser import Parser
from .reading import reading

if TYPE_CHECKING:
    from ..operations.account import Account
    from ..operations.ascode.document import Document, Problem
    from ..operations.ascode.known import Known
    from ..operations.ascode.planning import Item, Planner
    from ..operations.bulk.deeds import Means
    from ..operations.editing import Change


class Planned(NamedTuple):
    """What `apply` needs to go on."""

    items: list[Item]
    planner: Planner
    known: Known
    means: Means


def add_arguments(parser: Parser) -> None:
    """The file."""
    parser.add_argument("file", metavar="PATH", help=_("the YAML file, as export writes it; - for standard input"))
    parser.add_argument("--prune", action="store_true", help=_("delete instances that are not in the file"))


async def planned(account: Account, options: argparse.Namespace, out: Out) -> Planned:
    """Raises Failure, when anything at all is wrong with the file: then nothing is done."""
    document = _document(options.file, out)
    from ..client.budget import KEPT_FOR_PERSON
    from ..operations.ascode.holding import Blocks, Holding
    from ..operations.ascode.known import Known
    from ..operations.ascode.planning import Planner
    from ..operations.outcome import Outcome

    account.be_patient(KEPT_FOR_PERSON)
    await account.ask_health()  # whether it keeps hidden secrets; one that is away says so with the list
    await session.listed(account)
    means = account.means
    assert means is not None  # the list was read
    rows = {name: row.item for name, row in account.model.rows.items()}
    there = [name for name in document.instances if name in rows]
    held: dict[str, Blocks] = {}
    async with reading(out, len(there)) as told:
        answers = await Holding(means, there).all(there, told)
    for name, blocks in answers.items():
        if isinstance(blocks, Outcome):
            raise failure_of(blocks)
        held[name] = blocks
    known = Known(means.client.base, means.client.token)
    planner = Planner(document, known, means.keeps_secrets)
    items = planner.plan(held, rows, prune=options.prune)
    if planner.problems:
        _refuse(options.file, planner.problems, out)
    return Planned(items, planner, known, means)


def _document(name: str, out: Out) -> Document:
    from ..operations.ascode.document import BYTES_MOST, Problems, read

    path = None if name == "-" else Path(name)
    try:
        if path is None:
            text = sys.stdin.read(BYTES_MOST + 1)
        else:
            with path.open(encoding="utf-8") as file:
                text = file.read(BYTES_MOST + 1)
    except OSError as error:
        raise Failure(_("{path} cannot be read: {problem}").format(path=name, problem=error.strerror), "config") from error
    except UnicodeDecodeError as error:
        raise Failure(_("{path} is not UTF-8.").format(path=name), "config") from error
    try:
        return read(path, text)
    except Problems as wrong:
        _refuse(name, wrong.problems, out)
        raise AssertionError from wrong  # never reached


def _refuse(name: str, problems: list[Problem], out: Out) -> None:
    """Raises Failure, after every problem was told; a program gets them all in the one message."""
    told = [f"{name}:{line}: {words}" for line, words in sorted(problems)]
    if out.as_json:
        raise Failure("; ".join(told), "config")
    for words in told:
        out.complain(words)
    count = n_("{n} problem in {file}: nothing was done.", "{n} problems in {file}: nothing was done.", len(told))
    raise Failure(count.replace("{file}", name), "config")


def in_json(item: Item) -> dict[str, Any]:
    """One instance of a plan."""
    return {
        "instance": item.name, "action": item.action, "notes": item.notes,
        "blocks": [
            {"block": "webhook" if step.block.kind == "webhook" else step.block.title, "label": step.block.label or None,
             "changes": [_change(change) for change in step.review]} for step in item.steps
        ],
    }  # fmt: skip


def _change(change: Change) -> dict[str, Any]:
    secret = change.field.secret
    before, after = (
        MASK if secret and value else mask(value) if isinstance(value, str) else value for value in (change.now, change.yours)
    )
    return {"field": change.field.name, "before": before, "after": after, "erased": change.erased}


def show(items: list[Item], out: Out) -> None:
    """The plan in words: what is made, changed field by field, deleted."""
    from ..operations.ascode.planning import CHANGE, CREATE, DELETE, UNCHANGED

    titles = {CREATE: _("to be created"), CHANGE: _("to be changed"), DELETE: _("to be deleted"), UNCHANGED: _("unchanged")}
    signs = {CREATE: "+", CHANGE: "~", DELETE: "-"}
    for item in items:
        if item.action == UNCHANGED:
            continue
        out.line(" ".join([signs[item.action], clean(item.name), *(f"({note})" for note in item.notes)]))
        for step in item.steps:
            out.line(f"    {clean(step.block.title)}")
            for change in step.review:
                out.line(f"      {change.field.name}: {_written(change)}")
    counts = {action: sum(item.action == action for item in items) for action in titles}
    told = ", ".join(f"{count} {titles[action]}" for action, count in counts.items() if count)
    out.line(told or _("the file names no instance"))


def _written(change: Change) -> str:
    from .blockview import written

    if change.field.secret:
        return _("set anew") if change.yours else _("erased")
    before, after = mask(written(change.now)), mask(written(change.yours))
    return f"{before} → {after}" + (f" ({_('erased by switching off')})" if change.erased else "")
