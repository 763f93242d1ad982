"""What may be done to the marked instances, and with which values; each choice leads to a plan, and from there to the bulk."""

from __future__ import annotations

import string
import time
from typing import TYPE_CHECKING, Any, Final

from ... import keys
from ...i18n import _, n_
from ...operations.bulk.desk import incomplete, same
from ...operations.bulk.plan import APPLY, ENDED, LOGOUT, SKIPPED, STREAM, WAITING, Job
from ...operations.bulk.record import Unfinished
from ...operations.outcome import Outcome
from .. import bulkwords
from ..words import day, safe
from .bulkplan import Going, PlanScreen, Sheet
from .dialogs import Choice, Entry, Menu
from .review import in_words

if TYPE_CHECKING:
    from ...api.fields import Field
    from ..bulking import Bulking

Values = dict[str, Any]
_KINDS: Final = {"s": "settings", "p": "proxy", "h": "webhook", "e": "websocket", "3": "s3"}
"""Key of the menu -> the block that is given to many."""


async def choose(bulking: Bulking, name: str) -> None:
    """The menu. `name`: the instance under the cursor, whose blocks may be given to the marked ones."""
    app, account = bulking.app, bulking.account
    actions = {"r": "reconnect", "b": "bring_back", "x": "logout", "w": "stream"}
    while True:
        if reason := bulking.blocked():
            app.refuse(reason)
            return
        key = await app.push_screen_wait(Menu(_heading(len(app.main.marks)), _choices(bulking, name)))
        if key in actions:
            await plan(bulking, Job(actions[key], app.main.marks.names))
        elif key in _KINDS:
            await _apply(bulking, _KINDS[key], name)
        elif key == "l":
            bulking.show()
        elif key == "a":
            asked = Entry(
                _("Whose values?"), _("The instance whose block all the marked ones get."), _("Name"), value=name,
                check=lambda text: "" if text.strip() in account.model.rows else _("No instance has that name."),
            )  # fmt: skip
            name = (await app.push_screen_wait(asked) or name).strip()
            continue
        return


def _heading(count: int) -> str:
    return n_("{n} marked instance", "{n} marked instances", count)


def _choices(bulking: Bulking, name: str) -> list[Choice]:
    may, one = bulking.account.may, safe(name) if name else ""
    write, none = may("configure"), _("Put the cursor on the instance that has it, or choose one below.")
    out = [
        Choice("r", _("Reconnect"), _("with the saved session"), may("reconnect")),
        Choice("b", _("Bring back"), _("those that are not connected and can be"), may("reconnect")),
        Choice("x", _("Log out"), _("asks for the count"), may("logout")),
        Choice("w", _("Streaming on"), _("their states are pushed"), write),
    ]
    titles = {
        "settings": _("Apply settings"), "proxy": _("Apply proxy"), "webhook": _("Apply a webhook"),
        "websocket": _("Apply stream"), "s3": _("Apply S3"),
    }  # fmt: skip
    for key, kind in _KINDS.items():
        out.append(Choice(key, titles[kind], _("of {name}").format(name=one), write or ("" if name else none)))
    out.append(Choice("a", _("Another source"), _("takes them from another instance"), write))
    if bulking.bulk is not None:
        out.append(Choice("l", _("Last results"), bulkwords.verb(bulking.bulk.job)))
    return out


async def _apply(bulking: Bulking, kind: str, name: str) -> None:
    label = ""
    if kind == "webhook":
        found = await _label(bulking, name)
        if found is None:
            return
        label = found
    await plan(bulking, Job(APPLY, bulking.app.main.marks.names, kind, label, name))


async def _label(bulking: Bulking, name: str) -> str | None:
    """Which of its webhooks."""
    configuring = bulking.account.configuring
    assert configuring is not None
    held = await configuring.read("webhook", name)
    if isinstance(held, Outcome):
        bulking.app.say(held)
        return None
    labels = list(held.rows)
    if not labels:
        bulking.app.refuse(_("{name} has no webhook to give.").format(name=safe(name)))
        return None
    if len(labels) == 1:
        return labels[0]
    letters = string.digits[1:] + string.ascii_lowercase
    choices = [
        Choice(key, safe(label), safe(str(held.rows[label].get("url") or "")))
        for key, label in zip(letters, labels, strict=False)
    ]
    key = await bulking.app.push_screen_wait(Menu(_("Which webhook of {name}?").format(name=safe(name)), choices))
    return labels[letters.index(key)] if key else None


async def plan(bulking: Bulking, job: Job) -> None:
    """Show what would be done, and begin it when that is wanted."""
    app, desk = bulking.app, bulking.desk
    values = await _values(bulking, job)
    if isinstance(values, Outcome):
        app.say(values)
        return
    entries = desk.plan(job)
    names = [safe(entry.name) for entry in entries if entry.state == WAITING]
    count = len(names)
    sheet = Sheet(
        bulkwords.title(job, count), bulkwords.verb(job) if job.action != APPLY else _("Apply"),
        lambda pace: desk.seconds(job, entries, pace),
        words=[_of_marked(count, len(entries)), *_words(bulking, job)], warnings=[*_hidden(bulking), *_warnings(job)],
        sent=_sent(job, values), names=names,
        left_out=[(safe(entry.name), safe(entry.words)) for entry in entries if entry.state == SKIPPED],
        secrets=_asked(job, values), count=count if job.action == LOGOUT else 0,
        refusal="" if count else _("Nothing of that can be done to any of them."),
    )  # fmt: skip
    going = await app.push_screen_wait(PlanScreen(sheet, bulking.pace))
    if going is None:
        return
    if reason := bulking.blocked():
        app.refuse(reason)
        return
    bulking.pace = going.pace
    now = {entry.name: entry for entry in desk.plan(job)}
    agreed = [now[entry.name] if entry.state == WAITING else entry for entry in entries]  # what was left out stays so
    bulking.begin(lambda: desk.start(job, agreed, _typed(values, going), going.pace))


async def go_on(bulking: Bulking, left: Unfinished) -> None:
    """What an earlier program left: go on, forget it, or later."""
    app, desk, job = bulking.app, bulking.desk, left.job
    account = bulking.account
    values = await _values(bulking, job)
    may = account.may("configure" if job.action in (APPLY, STREAM) else "reconnect" if job.action != LOGOUT else "logout")
    refusal, warnings = may or bulking.early(), _warnings(job)
    if isinstance(values, Outcome):
        refusal, values = values.message, None
    elif values is not None and not same(job, left.digest, values):
        words = _("{name} holds something else than when it began: those that are left would get what is below.")
        warnings = [words.format(name=safe(job.source)), *warnings]
    names = [safe(entry.name) for entry in left.entries if entry.state not in ENDED]
    count = len(names)
    sheet = Sheet(
        _("Go on: {what}").format(what=bulkwords.title(job, count)), _("Go on"),
        lambda pace: desk.seconds(job, left.entries, pace),
        words=_history(left), warnings=warnings, sent=_sent(job, values), names=names,
        left_out=[(safe(entry.name), safe(entry.words)) for entry in left.entries if entry.state == SKIPPED],
        secrets=_asked(job, values), count=count if job.action == LOGOUT else 0, refusal=refusal, forgettable=True,
    )  # fmt: skip
    going = await app.push_screen_wait(PlanScreen(sheet, bulking.pace))
    if going is None:
        return
    if going.forget:
        bulking.forget()
        return
    bulking.pace = going.pace
    bulking.begin(lambda: desk.resume(_typed(values, going), going.pace))


def _history(left: Unfinished) -> list[str]:
    counts = {state: sum(entry.state == state for entry in left.entries) for state in bulkwords.WORDS}
    doubtful = sum(entry.begun and entry.state not in ENDED for entry in left.entries)
    out = [_("Begun {when}, and broken off: {tally}.").format(when=day(left.at, time.time()), tally=bulkwords.tally(counts))]
    if doubtful:
        out.append(n_(
            "{n} was under way then: it is looked at first, and not done again when it was done.",
            "{n} were under way then: they are looked at first, and not done again when they were done.", doubtful,
        ))  # fmt: skip
    return out


def _of_marked(count: int, marked: int) -> str:
    if count == marked:
        return n_("The {n} marked instance.", "All {n} marked instances.", marked)
    return _("{count} of the {marked} that are marked; why the others are left out is below.").format(count=count, marked=marked)


def _hidden(bulking: Bulking) -> list[str]:
    order, marks = bulking.app.main.instances.order, bulking.app.main.marks
    hidden = marks.hidden(order.shown) if order is not None and order.filter else 0
    words = n_("{n} of them is not shown: the filter hides it.", "{n} of them are not shown: the filter hides them.", hidden)
    return [words] if hidden else []


def _words(bulking: Bulking, job: Job) -> list[str]:
    rows = bulking.account.model.rows
    own = sum(bool(row.item.token) for name in job.names if (row := rows.get(name)) is not None)
    if own == len(job.names):
        words = [_("Each is asked with its own token; the account's requests stay yours.")]
    elif own:
        words = [_("{n} of them are asked with their own tokens, the others with the account's; 30 requests a minute stay yours.")
                 .format(n=own)]  # fmt: skip
    else:
        words = [_("All are asked with the account's token; 30 requests a minute stay yours.")]
    return [*words, _("It pauses by itself after three equal failures in a row.")]


def _warnings(job: Job) -> list[str]:
    if job.action == LOGOUT:
        return [_("The phones unlink these devices. Instances and settings stay; connecting them again needs a new QR for each.")]
    if job.action == APPLY and job.kind in ("proxy", "s3", "webhook", "websocket"):
        out = [_("What they hold of it now is replaced as a whole.")]
        if job.kind == "webhook":
            out = [_("A webhook of that label is replaced as a whole; other labels stay.")]
        if job.kind == "proxy":
            out.append(keys.fill(_("It acts when they dial next: {reconnect} afterwards.")))
        return out
    return []


async def _values(bulking: Bulking, job: Job) -> Values | Outcome | None:
    """What an APPLY gives; a proxy without a user has no password to be asked for."""
    if job.action != APPLY:
        return None
    values = await bulking.desk.values(job)
    if not isinstance(values, Outcome) and job.kind == "proxy" and not values.get("username"):
        values |= dict.fromkeys(incomplete(values), "")
    return values


def _fields(job: Job) -> tuple[Field, ...]:
    from ...api.wire import WIRES

    return WIRES[job.kind].fields


def _sent(job: Job, values: Values | None) -> list[tuple[str, str]]:
    if values is None:
        return []
    missing = incomplete(values)
    return [
        (_(field.title), _("typed below") if field.name in missing else in_words(field, values[field.name]))
        for field in _fields(job)
    ]


def _asked(job: Job, values: Values | None) -> list[Field]:
    missing = incomplete(values) if values is not None else []
    return [field for field in _fields(job) if field.name in missing] if missing else []


def _typed(values: Values | None, going: Going) -> Values | None:
    return values | going.typed if values is not None else None

