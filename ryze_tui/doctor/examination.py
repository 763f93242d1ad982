"""The whole examination, one finding after the other: server, instance, configuration, files, terminal, versions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ..i18n import _
from .files import configuration, directories
from .finding import FAIL, INSTANCE, SERVER, SKIP, Finding, skipped
from .surroundings import terminal, versions

if TYPE_CHECKING:
    from ..operations.account import Account

TOKEN: Final = ("token", "list", "rate", "stream", "heartbeat")
"""What is looked at once an answer came."""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at. `url` empty: no server is named. `problem`: why its address or its token cannot be had, in words.

    `instance`: whose blocks are tried, empty for none's. `size`: of the terminal, None when there is
    none; `poor`: the console draws with ASCII there.
    """

    url: str = ""
    account: Account | None = field(default=None, repr=False)
    problem: str = ""
    instance: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    size: tuple[int, int] | None = None
    poor: bool = False


async def examine(patient: Patient, seconds: float) -> AsyncIterator[Finding]:
    """Everything, in the order of a report. `seconds`: what one look may take. Closes the account."""
    server = _Server(patient, seconds)
    try:
        async for finding in server.steps():
            yield finding
        if patient.instance:
            async for finding in server.instance():
                yield finding
    finally:
        if patient.account is not None:
            await patient.account.close()
    for findings in (configuration(), directories(), terminal(patient.environment, patient.size, poor=patient.poor), versions()):
        for finding in findings:
            yield finding


class _Server:
    """The server's part. `usable`: the one account of which a token was taken."""

    def __init__(self, patient: Patient, seconds: float) -> None:
        self._patient, self._seconds = patient, seconds
        self._usable: Account | None = None

    async def steps(self) -> AsyncIterator[Finding]:
        """The way there, then what the token may do."""
        if not self._patient.url:
            yield self._nameless()
            return
        from .network import Network

        network, why = Network(self._patient.url, self._seconds), _("not reached")
        async for finding in network.steps():
            if finding.name == "answer" and finding.result == FAIL:
                why = _("not asked: no RyzeAPI server answered, so no token was sent")
            yield finding
        if not network.speaks:
            for left in skipped(SERVER, TOKEN, why):
                yield left
            return
        async for finding in self._standing():
            yield finding

    def _nameless(self) -> Finding:
        if self._patient.problem:
            return Finding(SERVER, "target", FAIL, self._patient.problem)
        advice = _("Name one to have it looked at: --url URL, RYZE_URL, or `ryze-tui profile add`.")
        return Finding(SERVER, "target", SKIP, _("no server is named"), advice)

    async def _standing(self) -> AsyncIterator[Finding]:
        account = self._patient.account
        if account is None:
            yield self._tokenless()
            for left in skipped(SERVER, TOKEN[1:], _("no token")):
                yield left
            return
        from .standing import Standing

        standing = Standing(account, self._seconds, prefer=self._patient.instance)
        async for finding in standing.steps():
            yield finding
        self._usable = account if standing.usable else None

    def _tokenless(self) -> Finding:
        advice = _("Set RYZE_TOKEN or use --token-file; `ryze-tui profile set-token NAME` keeps one with a profile.")
        if self._patient.problem:
            return Finding(SERVER, "token", FAIL, self._patient.problem, advice)
        return Finding(SERVER, "token", SKIP, _("there is none, so nothing that needs one was looked at"), advice)

    async def instance(self) -> AsyncIterator[Finding]:
        """The blocks of the instance that was named."""
        if self._usable is None:
            yield Finding(INSTANCE, "instance", SKIP, _("not looked at: its server and a token that it takes are needed"))
            return
        from .instance import Instance

        async for finding in Instance(self._usable, self._patient.instance, self._seconds).steps():
            yield finding
