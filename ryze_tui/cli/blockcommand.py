"""`ryze-tui BLOCK get|set`: one block of instances, read and changed as the console's forms do it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

from ..i18n import _
from . import blockflags, blockvalues, session
from .blockview import result, show
from .exits import Failure
from .output import Out
from .parser import Parser

if TYPE_CHECKING:
    from ..operations.account import Account
    from ..operations.configuring import Configuring, Held
    from ..operations.editing import Edit
    from ..operations.outcome import Outcome

GET, LIST, SET = "get", "list", "set"
_ONLY_SET: Final = ("off", "from_json", "dry_run", "yes", "reconnect")


def add_arguments(kind: str, parser: Parser) -> None:
    """What to do, with which ones, and what to make of them."""
    word, add = blockflags.block_word(kind), parser.add_argument
    whats = (GET, LIST, SET) if kind == "webhook" else (GET, SET)
    parser.usage = f"ryze-tui {word} {'|'.join(whats)} NAME… [options]"
    add("what", choices=whats, metavar="|".join(whats), help=_("what to do"))
    session.names_argument(parser)
    if kind == "webhook":
        add("--label", metavar="LABEL", help=_("which of its webhooks; without, the one called default"))
    add("--reveal", action="store_true", help=_("get: show secrets too"))
    add("--from-json", metavar="PATH", help=_("set: fields of a JSON object as get --json prints them; - for standard input"))
    if kind != "settings":
        add("--off", action="store_true", help=_("set: switch it off; the server erases what it held"))
    add("--dry-run", action="store_true", help=_("set: say what would be changed, and change nothing"))
    add("--yes", action="store_true", help=_("set: do not ask before something is erased"))
    if kind == "proxy":
        add("--reconnect", action="store_true", help=_("set: reconnect afterwards, so that it acts at once"))
    blockflags.add_group(parser, kind)
    session.add_common(parser)
    words = _("set changes the fields that are given and no others; everything is read again afterwards and compared.")
    if kind != "settings":
        words += " " + _("A block\nthat is off is switched on by it, unless --off.")
    if any(field.secret for field in blockflags.fields(kind)):
        words += " " + _("Secrets come from files or variables, never from an argument.")
    parser.description = words


def run(kind: str, options: argparse.Namespace) -> int:
    """1 or 8 also where the server holds something else than was asked for."""

    async def work(account: Account, out: Out) -> Failure | None:
        if options.what != SET:
            _no_flags(kind, options)
            return await _get(account, kind, options, out)
        if reason := account.may("configure"):
            raise Failure(reason, "not_allowed")
        return await _set(account, kind, options, out)

    return session.run(options, work, late="unknown" if options.what == SET else "no_answer")


def _no_flags(kind: str, options: argparse.Namespace) -> None:
    given = [name for name in _ONLY_SET if getattr(options, name, None)]
    words = [f"--{name.replace('_', '-')}" for name in given] + blockflags.typed(options, kind)
    if words:
        raise Failure(_("{flags}: with set only.").format(flags=", ".join(words)), "usage")
    if options.what == LIST and options.label:
        raise Failure(_("list tells all of them: leave --label out."), "usage")


async def _opened(account: Account) -> Configuring:
    """What reads and writes; the server is asked first whether it keeps hidden secrets. Raises Failure."""
    from .exits import failure_of

    account.be_patient()
    healthy = await account.ask_health()
    configuring = account.configuring
    if configuring is None or healthy.kind in ("usage", "unreachable"):
        raise failure_of(healthy)
    return configuring


# -- get ---------------------------------------------------------------------------------------------------------------


async def _get(account: Account, kind: str, options: argparse.Namespace, out: Out) -> Failure | None:
    from ..operations.outcome import Outcome
    from .exits import failure_of_many

    configuring = await _opened(account)
    outcomes, told = [], []
    label = _label(kind, options)
    for name in dict.fromkeys(options.names):
        held = await configuring.read(kind, name, label)
        outcome = held if isinstance(held, Outcome) else Outcome(True, "", 200, name)
        outcomes.append(outcome)
        rows = {} if isinstance(held, Outcome) else _rows(kind, options, held)
        told.append(result(kind, outcome, rows, reveal=options.reveal))
        if not outcome.ok and len(options.names) > 1:
            out.complain(f"{name}: {outcome.message}")
    show(kind, told, out)
    return failure_of_many(outcomes)


def _label(kind: str, options: argparse.Namespace) -> str:
    from ..operations.configuring import DEFAULT_LABEL

    return (getattr(options, "label", None) or DEFAULT_LABEL) if kind == "webhook" else DEFAULT_LABEL


def _rows(kind: str, options: argparse.Namespace, held: Held) -> dict[str, Any]:
    """Label -> values; an empty label of the blocks of which there is one."""
    if options.what == LIST:
        return dict(held.rows)
    if held.values is None:
        return {}
    return {_label(kind, options) if kind == "webhook" else "": held.values}


# -- set ---------------------------------------------------------------------------------------------------------------


async def _set(account: Account, kind: str, options: argparse.Namespace, out: Out) -> Failure | None:
    from ..operations.outcome import Outcome
    from .exits import failure_of_many

    values = blockvalues.wanted(kind, options)
    configuring, label = await _opened(account), _label(kind, options)
    edits: dict[str, Edit | Outcome] = {}
    for name in dict.fromkeys(options.names):
        held = await configuring.read(kind, name, label)
        edits[name] = held if isinstance(held, Outcome) else blockvalues.edited(configuring.edit(kind, held, label), values)
    blockvalues.check(edits, _held_again(kind))
    made = {name: edit for name, edit in edits.items() if not isinstance(edit, Outcome)}
    if options.dry_run:
        return _told_only(kind, edits, out)
    _ask(kind, made, options, out)
    outcomes, told = [], []
    for name, edit in edits.items():
        if isinstance(edit, Outcome):
            outcome, line = edit, result(kind, edit, {})
        else:
            outcome, line = await _one(account, configuring, name, edit, options)
        outcomes.append(outcome)
        told.append(line)
        if outcome.ok:
            out.say(f"{name}: {outcome.message}")
        elif len(edits) > 1:
            out.complain(f"{name}: {outcome.message}")
        if outcome.kind == "not_allowed":
            break
    if out.as_json:
        show(kind, told, out)
    return failure_of_many(outcomes)


def _held_again(kind: str) -> str:
    """What stands for a secret that no read tells."""
    flags = [blockflags.option_of(kind, field) for field in blockflags.fields(kind) if field.secret]
    return _("{flags} must be given too: this server does not tell it, and may erase what is left out.").format(
        flags=", ".join(flags)
    )


def _told_only(kind: str, edits: dict[str, Edit | Outcome], out: Out) -> Failure | None:
    from ..operations.outcome import Outcome
    from .exits import failure_of_many

    outcomes, told = [], []
    for name, edit in edits.items():
        outcome = edit if isinstance(edit, Outcome) else Outcome(True, _("nothing was changed"), name=name)
        review = [] if isinstance(edit, Outcome) else edit.review(None if edit.new else edit.was)
        outcomes.append(outcome)
        told.append(result(kind, outcome, {}, review=review))
        if not outcome.ok and len(edits) > 1:
            out.complain(f"{name}: {outcome.message}")
    show(kind, told, out, review=True)
    return failure_of_many(outcomes)


def _ask(kind: str, edits: dict[str, Edit], options: argparse.Namespace, out: Out) -> None:
    """Before what the server holds is erased: the name is to be typed, of several how many. Raises Failure."""
    names = [name for name, edit in edits.items() if edit.switches_off]
    if not names or options.yes:
        return
    word = blockflags.block_word(kind)
    consequence = _("The server erases what it holds of it; a draft without secrets is kept on this machine.")
    if len(names) == 1:
        title = _("Switch {block} of {name} off?").format(block=word, name=names[0])
        session.ask(out, f"{title} {consequence}", names[0], _("Type its name to go on:"))
    else:
        title = _("Switch {block} of {n} instances off ({names})?").format(block=word, n=len(names), names=", ".join(names))
        session.ask(out, f"{title} {consequence}", str(len(names)), _("Type how many they are to go on:"))


async def _one(
    account: Account, configuring: Configuring, name: str, edit: Edit, options: argparse.Namespace
) -> tuple[Outcome, dict[str, Any]]:
    """Read again, write, compare."""
    from ..operations.outcome import Outcome

    kind = edit.wire.kind
    now = await configuring.read(kind, name, edit.label or _label(kind, options))
    if isinstance(now, Outcome):
        return now, result(kind, now, {})
    review = edit.review(now.values)
    if not edit.dirty and not (edit.new and edit.yours.get("enabled")):
        outcome = Outcome(True, _("it held that already"), name=name)
        return outcome, result(kind, outcome, {edit.label: edit.was})
    if conflicts := [_(change.field.title) for change in review if change.conflict]:
        words = _("somebody else changed {what} meanwhile: nothing was written").format(what=", ".join(conflicts))
        outcome = Outcome(False, words, name=name, kind="refused")
        return outcome, result(kind, outcome, {}, review=review)
    if edit.switches_off:
        configuring.drafts.keep(name, edit.wire, edit.was, edit.label)
    saved = await configuring.save(name, edit, now)
    outcome = saved.outcome
    if outcome.ok and saved.differs:
        titles = ", ".join(_(change.field.title) for change in saved.differs)
        words = _("taken, but the server holds something else of: {what}").format(what=titles)
        outcome = Outcome(False, words, outcome.status, name, kind="failed")
    elif outcome.ok and saved.unread:
        words = _("taken; what the server holds could not be read: {why}").format(why=saved.unread)
        outcome = Outcome(False, words, outcome.status, name, kind="failed")
    elif outcome.ok:
        if edit.wire.at_connect:
            outcome = await _dialled(account, name, outcome, options)
        if edit.yours.get("enabled"):
            configuring.drafts.drop(name, edit.wire, edit.label)
    rows = {} if saved.held is None or saved.held.values is None else {edit.label: saved.held.values}
    return outcome, result(kind, outcome, rows, review=review, differs=saved.differs)


async def _dialled(account: Account, name: str, saved: Outcome, options: argparse.Namespace) -> Outcome:
    """A proxy acts at the next connect: say so, or do it."""
    from dataclasses import replace

    if not options.reconnect:
        return replace(saved, message=_("{said}; it acts at the next reconnect (--reconnect)").format(said=saved.message))
    dialled = await account.reconnect(name)
    if not dialled.ok:
        return replace(dialled, message=_("saved, but not reconnected: {why}").format(why=dialled.message))
    return replace(saved, message=f"{saved.message}; {dialled.message}")

