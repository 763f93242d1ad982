"""The truth probe: do the screen, the server's list, the stream and WhatsApp itself say the same of an instance?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final, NamedTuple, Protocol

from .. import keys
from ..api import states
from ..api.errors import NOT_CONNECTED, RyzeError
from ..client.replies import Health
from ..fleet.evidence import ACCOUNT, NONE, Listed, Streamed
from ..fleet.model import Row
from ..i18n import _
from .steps import BAD, GOOD, RUNNING, SKIPPED, WARN, Step

RUN_BEFORE: Final = "earlier run"
"""Who told a row that is shown until the server's own list is there."""


class Looking(Protocol):
    """Where a probe looks. The calls raise RyzeError."""

    def row(self, name: str) -> Row | None:
        """What the screen shows."""

    def streamed(self, name: str) -> Streamed:
        """What proves it."""

    def now(self) -> float:
        """Unix seconds."""

    async def health(self) -> Health:
        """The server itself."""

    async def listed(self, name: str) -> Listed | None:
        """The server's list, narrowed to this name; what it says goes to the screen too. None when it is not in it."""

    async def own_number(self, name: str) -> str:
        """The number, asked of WhatsApp through the instance."""


class Shown(NamedTuple):
    """What was on the screen before the probe looked: the row itself changes under it."""

    state: str
    told_by: str
    stale: bool
    last_event: float


class Evidence(NamedTuple):
    """What came of the looking. `whatsapp`: True when it answered through the instance, False when it cannot, None unknown."""

    shown: Shown | None
    listed: Listed | None
    streamed: Streamed
    moved: bool
    whatsapp: bool | None


def _label(state: str) -> str:
    return _(states.LABEL[state])


async def probe(look: Looking, name: str, earlier: Row | None = None) -> AsyncIterator[Step]:
    """Look at everything, one step after the other; the last step is the verdict.

    `earlier`: the row of an earlier run, where that is what the screen shows.
    """
    row = look.row(name) if earlier is None else earlier
    shown = None
    if row is not None:
        shown = Shown(row.state, row.told_by if earlier is None else RUN_BEFORE, row.stale, row.last_event)
    yield _screen(shown)
    title = _("Server")
    yield Step(title, RUNNING)
    yield await _server(look, title)
    title = _("List")
    yield Step(title, RUNNING)
    try:
        listed = await look.listed(name)
    except RyzeError as error:
        yield Step(title, BAD, error.message)
        yield Step(_("Verdict"), BAD, _("Nobody knows: the server could not be asked. The screen shows what was known before."))
        return
    yield _list(title, listed)
    streamed, row = look.streamed(name), look.row(name)
    yield _stream(streamed)
    yield _event(shown, look.now())
    title = _("WhatsApp")
    whatsapp: bool | None = None
    if listed is not None and listed.state == states.CONNECTED:
        yield Step(title, RUNNING)
        step, whatsapp = await _whatsapp(look, title, name, listed)
    else:
        step = Step(title, SKIPPED, _("not asked: the server does not say that it is connected"))
    yield step
    moved = row is not None and shown is not None and row.last_event > shown.last_event
    yield verdict(Evidence(shown, listed, streamed, moved, whatsapp))


def _screen(shown: Shown | None) -> Step:
    if shown is None:
        return Step(_("Screen"), WARN, _("it is not on the screen any more"))
    if shown.told_by == RUN_BEFORE:
        return Step(_("Screen"), WARN, _("{state}, of an earlier run").format(state=_label(shown.state)))
    by = {"stream": _("told by stream"), "list": _("told by list"), "you": _("told by your own call")}.get(shown.told_by, "")
    stale = ", " + _("the server lost touch with WhatsApp") if shown.stale else ""
    return Step(_("Screen"), GOOD, f"{_label(shown.state)}{', ' + by if by else ''}{stale}")


async def _server(look: Looking, title: str) -> Step:
    try:
        health = await look.health()
    except RyzeError as error:
        return Step(title, BAD, error.message)
    if health.status == "ok":
        return Step(title, GOOD, _("answers, and says that it is well"))
    return Step(title, WARN, _("answers, and says: {status}").format(status=health.status or "?"))


def _list(title: str, listed: Listed | None) -> Step:
    if listed is None:
        return Step(title, BAD, _("the server does not know an instance of this name"))
    word = f" (“{listed.word}”)" if listed.word and listed.word != listed.state else ""  # a word we had to interpret
    return Step(title, WARN if listed.state == states.UNKNOWN else GOOD, f"{_label(listed.state)}{word}")


def _stream(streamed: Streamed) -> Step:
    title = _("Stream")
    if streamed.kind == NONE:
        return Step(title, WARN, streamed.problem or keys.fill(_("none: only lists tell of it; {stream} switches its stream on")))
    if not streamed.covered:
        return Step(title, WARN, streamed.problem or _("not proven now: it is being opened, or silent for too long"))
    heard = _("last sign of life {n} s ago").format(n=round(streamed.heard_ago))
    kind = _("the account's stream") if streamed.kind == ACCOUNT else _("its own stream")
    return Step(title, GOOD, f"{kind}, {heard}")


def _event(shown: Shown | None, now: float) -> Step:
    title = _("Last event")
    if shown is None or not shown.last_event:
        return Step(title, SKIPPED, _("none since this console was started"))
    seconds = max(0.0, now - shown.last_event)
    ago = _("{n} s ago").format(n=round(seconds)) if seconds < 120 else _("{n} m ago").format(n=round(seconds / 60))
    return Step(title, GOOD, ago)


async def _whatsapp(look: Looking, title: str, name: str, listed: Listed) -> tuple[Step, bool | None]:
    try:
        number = await look.own_number(name)
    except RyzeError as error:
        if error.message == NOT_CONNECTED:
            return Step(title, BAD, _("does not answer through it: {message}").format(message=error.message)), False
        if error.status in (404, 405, 501):
            return Step(title, SKIPPED, _("this server cannot be told to ask it")), None
        return Step(title, WARN, error.message), None
    if not number:
        return Step(title, GOOD, _("answers")), True
    if listed.number and number != listed.number:
        return Step(title, WARN, _("answers, as another number: +{number}").format(number=number)), True
    return Step(title, GOOD, _("answers, as +{number}").format(number=number)), True


def verdict(found: Evidence) -> Step:
    """Do they agree? What is wrong, and what mends it."""
    title, shown, listed = _("Verdict"), found.shown, found.listed
    if listed is None:
        return Step(title, BAD, _("It does not exist on the server. Its line here goes away."))
    if found.whatsapp is False:
        words = _("The server says connected, but nothing gets through to WhatsApp. {reconnect} reconnects it.")
        return Step(title, BAD, keys.fill(words))
    new = _label(listed.state)
    if shown is None or (listed.state != shown.state and found.moved):
        return Step(title, GOOD, _("It changed while it was looked at: {state} now.").format(state=new))
    if listed.state != shown.state and shown.told_by == RUN_BEFORE:
        words = _("The screen shows the list of an earlier run: {old} then, {new} now.")
        return Step(title, WARN, words.format(old=_label(shown.state), new=new))
    if listed.state != shown.state:
        words = _("The screen was wrong: {old} is {new}. It has been set right.").format(old=_label(shown.state), new=new)
        lost = " " + _("Its stream is open and did not tell: events were lost on the way.") if found.streamed.covered else ""
        return Step(title, BAD if lost else WARN, words + lost)
    if shown.stale:
        return Step(title, WARN, _("They agree on {state}, but the server lost touch with WhatsApp.").format(state=new))
    if found.streamed.covered:
        return Step(title, GOOD, _("The screen is right: {state}. Changes arrive by push.").format(state=new))
    return Step(title, GOOD, _("The screen is right: {state}. Changes are seen at the next list.").format(state=new))
