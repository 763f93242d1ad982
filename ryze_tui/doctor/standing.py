"""What a token may do on a server that can be reached: its kind, the list, what is left of its requests, the stream."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Final

from ..api import states
from ..api.events import ACCOUNT_STREAM
from ..client.budget import KEPT_FOR_PERSON
from ..i18n import _, n_
from ..probes import stream
from ..probes.steps import BAD, RUNNING, timed
from .finding import FAIL, OK, SERVER, SKIP, WARN, Finding, skipped

if TYPE_CHECKING:
    from ..client.stream import Socket
    from ..operations.account import Account
    from ..operations.outcome import Outcome

SLOW: Final = 5.0
"""Seconds of a list from which keys are answered noticeably late after a start."""
AFTER_TOKEN: Final = ("list", "rate", "stream", "heartbeat")


class Standing:
    """`usable`: whether the token was taken, once `steps` is through."""

    def __init__(self, account: Account, seconds: float, *, prefer: str = "") -> None:
        """`prefer`: the instance whose stream is opened where there is none of the whole account."""
        self._account, self._seconds, self._prefer = account, seconds, prefer
        self.usable = False

    async def steps(self) -> AsyncIterator[Finding]:
        """Token, list, requests, stream."""
        self._account.hurry()
        await self._account.ask_health()
        began = time.perf_counter()
        outcome = await self._account.refresh()
        took = time.perf_counter() - began
        if not outcome.ok:
            yield _refused(outcome)
            for left in skipped(SERVER, AFTER_TOKEN, _("not asked")):
                yield left
            return
        self.usable = True
        yield self._token()
        yield self._list(took)
        yield self._rate()
        async for finding in self._stream():
            yield finding

    def _token(self) -> Finding:
        account = self._account.server.account_token
        if account is None:
            seen = _("taken; of an account or of one instance, which an empty list does not tell")
        elif account:
            seen = _("of an account: it may make, change and delete its instances")
        else:
            name = next(iter(self._account.model.rows), "?")
            seen = _("of the instance {name} alone: it may pair and change it, not make or delete any").format(name=name)
        if self._account.read_only:
            seen += "; " + _("read-only, so ryze-tui changes nothing with it")
        return Finding(SERVER, "token", OK, seen)

    def _list(self, took: float) -> Finding:
        rows = self._account.model.rows.values()
        counts = Counter(row.state for row in rows)
        words = ", ".join(f"{counts[state]} {_(states.LABEL[state])}" for state in states.LABEL if counts[state])
        number = n_("{n} instance", "{n} instances", len(rows))
        seen = timed(took, f"{number}: {words}" if words else number)
        if unreadable := self._account.model.unreadable:
            words = n_("{n} item of it nobody can read", "{n} items of it nobody can read", unreadable)
            return Finding(
                SERVER, "list", WARN, f"{seen}; {words}", _("The server tells them in a way of its own; its log may say more.")
            )
        if took > SLOW:
            return Finding(
                SERVER, "list", WARN, seen, _("That is slow: after a start it takes so long until the screen is right.")
            )
        return Finding(SERVER, "list", OK, seen)

    def _rate(self) -> Finding:
        budget = self._account.budget
        limit, left, ends = budget.limit, budget.remaining, budget.reset_at
        if limit is None or left is None:
            return Finding(SERVER, "rate", SKIP, _("the server tells no limit; 100 a minute are assumed"))
        words = _("{left} of {limit} left").format(left=left, limit=limit)
        if ends is not None:
            words += ", " + _("all again in {n} s").format(n=max(0, round(ends - time.time())))
        if left < min(KEPT_FOR_PERSON, limit):
            advice = _("Something else uses this token much: every program with the same token shares its requests.")
            return Finding(SERVER, "rate", WARN, words, advice)
        return Finding(SERVER, "rate", OK, words)

    async def _stream(self) -> AsyncIterator[Finding]:
        account = self._account
        look, configuring = account.look, account.configuring
        assert look is not None and configuring is not None
        if ACCOUNT_STREAM in account.server.extensions and account.server.account_token is not False:

            async def whole(_name: str) -> Socket:
                return await look.account_socket()

            async for finding in opened(SERVER, "", whole, self._seconds, _("the account's stream is open")):
                yield finding
            return
        if not (name := self._streaming()):
            advice = _("Changes are seen by lists only then: `ryze-tui stream set NAME --stream` has them pushed.")
            if not account.model.rows:
                advice = ""
            yield Finding(SERVER, "stream", WARN if advice else SKIP, _("no instance has its stream on"), advice)
            yield Finding(SERVER, "heartbeat", SKIP, _("no stream"))
            return
        which = _("the stream of {name} is open").format(name=name)
        async for finding in opened(SERVER, name, configuring.stream, self._seconds, which):
            yield finding

    def _streaming(self) -> str:
        names = [row.name for row in self._account.model.rows.values() if row.item.streaming]
        return self._prefer if self._prefer in names else min(names, default="")


async def opened(
    section: str, name: str, dial: Callable[[str], Awaitable[Socket]], seconds: float, which: str
) -> AsyncIterator[Finding]:
    """A stream's upgrade and a ping. `which`: the stream in words."""
    done = set()
    titles = {"upgrade": "stream", "heartbeat": "heartbeat"}
    async for step in stream.steps(name, dial, seconds):
        if step.result == RUNNING:
            continue
        done.add(step.name)
        if step.result != BAD:
            words = step.words.partition(" · ")
            seen = f"{words[0]} · {which}" if step.name == "upgrade" else step.words
            yield Finding(section, titles[step.name], OK, seen)
        elif step.name == "upgrade":
            advice = _("A proxy before the server has to let WebSocket through; until then changes are seen by lists only.")
            yield Finding(section, "stream", FAIL, step.words, advice)
        else:
            advice = _("Something between here and the server keeps the connection and carries nothing.")
            yield Finding(section, "heartbeat", FAIL, step.words, advice)
    if "heartbeat" not in done:
        yield Finding(section, "heartbeat", SKIP, _("no stream"))


def _refused(outcome: Outcome) -> Finding:
    """Why the list could not be read, as a finding about the token where it is about that."""
    status = str(outcome.status or "")
    words = outcome.message if status in outcome.message else f"{outcome.message} ({status})"
    if outcome.kind == "not_allowed":
        advice = _(
            "Was it copied whole, is it this server's, was it replaced? Set RYZE_TOKEN, --token-file or the profile's token."
        )
        return Finding(SERVER, "token", FAIL, words, advice)
    if outcome.kind == "rate_limited":
        advice = n_("Try again in {n} second.", "Try again in {n} seconds.", max(1, round(outcome.retry_after)))
        return Finding(SERVER, "token", WARN, words, advice)
    if outcome.kind == "usage":
        return Finding(SERVER, "token", FAIL, words, _("Copy it once more: a token is one word of letters, digits and signs."))
    return Finding(SERVER, "token", FAIL, words, _("Is this the address of a RyzeAPI server? Look into its log."))
