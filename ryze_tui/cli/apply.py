"""`ryze-tui apply FILE`: instances made what the file says, within the rate limits; killed and run again it does the rest."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..i18n import _, n_
from . import code, session
from .exits import Failure, failure_of_many
from .output import Out
from .parser import Parser

if TYPE_CHECKING:
    from ..operations.account import Account
    from ..operations.ascode.applying import Apply
    from ..operations.ascode.planning import Item
    from ..operations.bulk.plan import Entry
    from ..operations.outcome import Outcome


def add_arguments(parser: Parser) -> None:
    """The file, and whether to ask."""
    code.add_arguments(parser)
    parser.add_argument("--yes", action="store_true", help=_("do not ask before something is erased or deleted"))
    session.add_common(parser)
    parser.description = _(
        "Makes instances what a file says: what is missing is created, each block is read, written where it differs, and read\n"
        "again. Within the rate limits, with the instances' own tokens. Killed, and run again, it does the rest; run twice, it\n"
        "has nothing to do. Instances that are not in the file are deleted with --prune only. See ryze-tui plan first."
    )


def run(options: argparse.Namespace) -> int:
    """0 when everything is as the file says."""

    async def work(account: Account, out: Out) -> Failure | None:
        if reason := account.may("configure"):
            raise Failure(reason, "not_allowed")
        found = await code.planned(account, options, out)
        from ..operations.ascode.planning import CREATE, DELETE

        for action in {item.action for item in found.items} & {CREATE, DELETE}:
            if reason := account.may(action):
                raise Failure(reason, "not_allowed")
        if not out.as_json and not out.quiet:
            code.show(found.items, out)
        _ask(found.items, options, out)
        from ..operations.ascode.applying import Apply
        from ..operations.bulk.record import RecordError

        try:
            apply = Apply(account, found.means, found.planner, found.known, found.items)
        except RecordError as error:
            raise Failure(str(error), "failed") from error
        if apply.before:
            out.say(n_("going on: {n} was done before", "going on: {n} were done before", apply.before))
        try:
            if minutes := round(apply.seconds / 60):
                out.say(n_("creating takes about {n} minute", "creating takes about {n} minutes", minutes))
            stopped = await apply.run(lambda entry: _one(entry, out)) if apply.items else apply.finish()
        finally:
            outcomes = _told(apply, found.items, out)
        if stopped:
            out.say(stopped)
        return failure_of_many(outcomes)

    return session.run(options, work, late="unknown")


def _ask(items: list[Item], options: argparse.Namespace, out: Out) -> None:
    """Before something is lost: how many instances that are is to be typed. Raises Failure."""
    from ..operations.ascode.planning import DELETE

    lost = [item for item in items if item.erases]
    if not lost or options.yes:
        return
    gone = [item.name for item in lost if item.action == DELETE]
    erased = [item.name for item in lost if item.action != DELETE]
    words = []
    if gone:
        title = n_("Delete {n} instance ({names})?", "Delete {n} instances ({names})?", len(gone))
        words.append(f"{title} {_('The number is logged out, and all that belongs to it is removed for good.')}")
    if erased:
        title = n_("Switch blocks of {n} instance off ({names})?", "Switch blocks of {n} instances off ({names})?", len(erased))
        words.append(f"{title} {_('The server erases what it holds of them.')}")
    named = zip(words, filter(None, (gone, erased)), strict=True)
    asked = " ".join(one.replace("{names}", ", ".join(names)) for one, names in named)
    session.ask(out, asked, str(len(lost)), _("Type how many they are to go on:"))


def _one(entry: Entry, out: Out) -> None:
    from ..operations.bulk.plan import DONE

    (out.say if entry.state == DONE else out.complain)(f"{entry.name}: {entry.words}")


def _told(apply: Apply, items: list[Item], out: Out) -> list[Outcome]:
    """What came of each; what was not reached counts as failed."""
    from ..operations.ascode.planning import CHANGE
    from ..operations.bulk.plan import DONE, ENDED
    from ..operations.outcome import UNKNOWN, Outcome

    outcomes, told, entries = [], [], apply.entries
    for item in apply.items:
        entry = entries[item.name]
        words, kind = entry.words, apply.kinds.get(item.name, "")
        if entry.state not in ENDED:
            words, kind = _("not done yet"), "failed"
            if entry.begun:
                words, kind = _("broken off while under way: result unknown"), UNKNOWN
        outcome = Outcome(entry.state == DONE, words, entry.status, item.name, kind=kind)
        outcomes.append(outcome)
        told.append(_in_json(item, outcome))
        if entry.state not in ENDED:
            out.complain(f"{item.name}: {words}")
    if out.as_json:
        out.document({"unchanged": len(items) - len(apply.items), "before": apply.before, "results": told})
    elif outcomes:
        if any(step.block.kind == "proxy" for item in apply.items for step in item.steps if item.action == CHANGE):
            out.say(_("proxies act at the next reconnect"))
        out.say(_("{done} of {n} done, {unchanged} unchanged").format(
            done=sum(one.ok for one in outcomes), n=len(outcomes), unchanged=len(items) - len(apply.items)))  # fmt: skip
    return outcomes


def _in_json(item: Item, outcome: Outcome) -> dict[str, Any]:
    return {
        "instance": item.name, "action": item.action, "ok": outcome.ok, "message": outcome.message, "status": outcome.status,
        "kind": None if outcome.ok else outcome.kind or "failed",
    }
