"""One line of the doctor's report, and what all of them come to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ..i18n import _, mark
from ..probes.steps import timed

OK: Final = "ok"
WARN: Final = "warn"
FAIL: Final = "fail"
SKIP: Final = "skip"
RESULTS: Final = (OK, WARN, FAIL, SKIP)

SERVER: Final = "server"
INSTANCE: Final = "instance"
CONFIG: Final = "config"
FILES: Final = "files"
TERMINAL: Final = "terminal"
VERSIONS: Final = "versions"
SECTIONS: Final = {
    SERVER: mark("Server"), INSTANCE: mark("Instance"), CONFIG: mark("Configuration"), FILES: mark("Files"),
    TERMINAL: mark("Terminal"), VERSIONS: mark("Versions"),
}  # fmt: skip
TITLES: Final = {
    "target": mark("Address"), "dns": mark("Name"), "tcp": mark("Connection"), "tls": mark("TLS"), "answer": mark("Answer"),
    "clock": mark("Clock"), "token": mark("Token"), "list": mark("List"), "rate": mark("Requests"), "stream": mark("Stream"),
    "heartbeat": mark("Heartbeat"), "instance": mark("Instance"), "proxy": mark("Proxy"), "webhook": mark("Webhook"),
    "s3": mark("S3"), "chatwoot": mark("Chatwoot"), "websocket": mark("Stream"), "file": mark("File"),
    "config": mark("Configuration"), "data": mark("Data"), "state": mark("State"), "cache": mark("Cache"),
    "runtime": mark("Runtime"), "disk": mark("Disk"), "descriptors": mark("Descriptors"), "terminal": mark("Terminal"),
    "colours": mark("Colours"), "locale": mark("Characters"), "size": mark("Size"), "osc": mark("Links, copying"),
    "python": mark("Python"), "ours": "ryze-tui", "libraries": mark("Libraries"), "system": mark("System"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """`section` of SECTIONS; `name`: what was looked at, for programs; `advice`: what to do, empty without any."""

    section: str
    name: str
    result: str
    seen: str
    advice: str = ""

    @property
    def title(self) -> str:
        """For people."""
        return _(TITLES[self.name])


class Trouble(Exception):
    """A look came to nothing. `seen`: why, in words without secrets; `advice`: what to do; `result`: FAIL, WARN or SKIP."""

    def __init__(self, seen: str, advice: str = "", result: str = FAIL) -> None:
        super().__init__(seen)
        self.seen, self.advice, self.result = seen, advice, result


async def look(section: str, name: str, doing: Awaitable[str], seconds: float, *, tell_time: bool = True) -> Finding:
    """Await one look, whose result are words, within `seconds`; what came of it, and how long it took."""
    began = time.perf_counter()

    def seen(words: str) -> str:
        return timed(time.perf_counter() - began, words) if tell_time else words

    try:
        async with asyncio.timeout(seconds):
            return Finding(section, name, OK, seen(await doing))
    except Trouble as trouble:
        words = trouble.seen if trouble.result == SKIP else seen(trouble.seen)
        return Finding(section, name, trouble.result, words, trouble.advice)
    except TimeoutError:
        return Finding(section, name, FAIL, _("no answer within {seconds} s").format(seconds=f"{seconds:g}"),
                       _("Something between here and there takes what is sent and answers nothing."))  # fmt: skip


def skipped(section: str, names: Iterable[str], why: str) -> list[Finding]:
    """Looks that were left out, all for the same reason."""
    return [Finding(section, name, SKIP, why) for name in names]


def worst(findings: Sequence[Finding]) -> str:
    """FAIL, WARN or OK: what was skipped is no trouble."""
    found = {finding.result for finding in findings}
    return next((result for result in (FAIL, WARN) if result in found), OK)
