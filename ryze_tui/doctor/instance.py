"""The blocks of one instance as its server holds them: each that is on is tried, as T in a form does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ..api import states
from ..api.wire import WIRES
from ..client.transport import in_words
from ..i18n import _
from ..operations.outcome import Outcome
from ..probes import from_here, from_server
from ..probes.steps import BAD, GOOD, RUNNING, SKIPPED, Step
from ..probes.steps import WARN as UNSURE
from ..probes.trial import BY_SERVER, Trial
from ..redact import clean, mask
from .finding import FAIL, INSTANCE, OK, SKIP, WARN, Finding

if TYPE_CHECKING:
    from ..operations.account import Account
    from ..operations.configuring import Configuring, Held

KINDS: Final = ("proxy", "webhook", "s3", "chatwoot", "websocket")
CHANGES: Final = frozenset({"webhook", "s3"})
"""Kinds whose trial leaves a trace: an event at the receiver, an object that is removed again."""


class Instance:
    """Looks at one instance; what its server tries by itself it tries, from its own network."""

    def __init__(self, account: Account, name: str, seconds: float) -> None:
        self._account, self._name, self._seconds = account, name, seconds

    async def steps(self) -> AsyncIterator[Finding]:
        """Its state, then each of its blocks."""
        row = self._account.model.rows.get(self._name)
        if row is None:
            words = _("there is no instance {name}").format(name=self._name)
            yield Finding(INSTANCE, "instance", FAIL, words, _("`ryze-tui ls` lists those there are."))
            return
        seen = _(states.LABEL[row.state]) + (f": {clean(mask(row.reason))[:160]}" if row.reason else "")
        if row.state == states.CONNECTED and not row.stale:
            yield Finding(INSTANCE, "instance", OK, seen)
        else:
            yield Finding(INSTANCE, "instance", WARN, seen, self._remedy())
        configuring = self._account.configuring
        assert configuring is not None
        for kind in KINDS:
            async for finding in self._block(configuring, kind, row.state):
                yield finding

    def _remedy(self) -> str:
        remedy = self._account.bring_back(self._name)
        command = {"reconnect": "bring-back", "connect": "connect"}.get(remedy.action)
        return f"{remedy.why} (ryze-tui {command} {self._name})" if command else remedy.why

    async def _block(self, configuring: Configuring, kind: str, state: str) -> AsyncIterator[Finding]:
        held = await configuring.read(kind, self._name)
        if isinstance(held, Outcome):
            yield Finding(INSTANCE, kind, WARN, _("cannot be read: {why}").format(why=held.message))
            return
        trials = _trials(configuring, kind, self._name, state, held)
        if not trials:
            yield Finding(INSTANCE, kind, SKIP, _("off"))
        for label, trial in trials:
            finding = await self._tried(configuring, trial)
            where = " · ".join(filter(None, [clean(label)[:40], target_of(trial)]))
            seen = f"{where} · {finding.seen}" if where and not finding.seen.startswith(where) else finding.seen
            yield Finding(finding.section, finding.name, finding.result, seen, finding.advice)

    async def _tried(self, configuring: Configuring, trial: Trial) -> Finding:
        read_only = self._account.read_only
        if configuring.tries and trial.kind in BY_SERVER and not read_only:
            return await _collapsed(trial, from_server.probe(configuring, trial), _("tried by the server"))
        if read_only and trial.kind in CHANGES:
            return Finding(INSTANCE, trial.kind, SKIP, _("not tried: --read-only, and it would leave a trace there"))
        if trial.kind != "websocket" and trial.lacks:
            return await self._reached(trial)
        probe = from_here.probe(trial, configuring.stream, self._seconds)
        return await _collapsed(trial, probe, _("tried from this machine"))

    async def _reached(self, trial: Trial) -> Finding:
        """Without the secret, which this server tells nobody: whether anything is there at all."""
        host, port = address_of(trial)
        if not host:
            return Finding(INSTANCE, trial.kind, SKIP, _("not tried: the server does not tell its secret"))
        try:
            async with asyncio.timeout(self._seconds):
                _reader, writer = await asyncio.open_connection(host, port)
            writer.transport.abort()
        except (OSError, UnicodeError, TimeoutError) as error:
            words, advice = in_words(error, f"{host}:{port}"), _("Check host and port, and whether it runs.")
            return Finding(INSTANCE, trial.kind, FAIL, f"{words} · {_('tried from this machine')}", advice)
        words = _("takes connections from this machine; more was not tried: the server does not tell its secret")
        return Finding(INSTANCE, trial.kind, OK, words, "")


def _trials(configuring: Configuring, kind: str, name: str, state: str, held: Held) -> list[tuple[str, Trial]]:
    """What is on, as it would be saved again. Of webhooks each, by label."""
    rows: list[tuple[str, Any]] = sorted(held.rows.items()) if kind == "webhook" else [("", held.values)]
    found = []
    for label, values in rows:
        if values is None or values.get("enabled") is False:
            continue
        edit = configuring.edit(kind, type(held)(values, held.rows), label)
        body = edit.body(values)
        if body.get("enabled") is not False:
            found.append((label, Trial(kind, name, body, state)))
    return found


async def _collapsed(trial: Trial, probe: AsyncIterator[Step], whence: str) -> Finding:
    """All steps of a probe as one finding: the first that failed, else each with its time."""
    done = [step async for step in probe if step.result != RUNNING]
    verdict, steps = done[-1], [step for step in done[:-1] if step.name]
    bad = next((step for step in steps if step.result == BAD), None)
    if bad is not None:
        advice = verdict.words.partition(". ")[2]
        return Finding(INSTANCE, trial.kind, FAIL, f"{bad.title}: {bad.words} · {whence}", advice)
    if verdict.result == SKIPPED:
        return Finding(INSTANCE, trial.kind, SKIP, verdict.words)
    if verdict.result != GOOD:
        return Finding(INSTANCE, trial.kind, FAIL, f"{verdict.words} · {whence}")
    result = WARN if any(step.result == UNSURE for step in steps) else OK
    return Finding(INSTANCE, trial.kind, result, f"{', '.join(f'{step.title} {step.words}' for step in steps)} · {whence}")


def address_of(trial: Trial) -> tuple[str, int]:
    """Host and port of what a block names; an empty host where it names none."""
    if trial.kind == "proxy":
        port = str(trial.body.get("port", ""))
        return str(trial.body.get("host", "")), int(port) if port.isdigit() else 0
    field = {"webhook": "url", "s3": "endpoint", "chatwoot": "chatwootBaseUrl"}.get(trial.kind, "")
    try:
        parts = urlsplit(str(trial.body.get(field, "")))
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return "", 0


def target_of(trial: Trial) -> str:
    """`host:port`, and of a store its bucket: nothing of a path or a query, which may hold a secret."""
    host, port = address_of(trial)
    where = f"{clean(host)[:80]}:{port}" if host else ""
    return " ".join(filter(None, [clean(str(trial.body.get("bucket", "")))[:60], where])) if trial.kind == "s3" else where


assert set(KINDS) <= set(WIRES)
