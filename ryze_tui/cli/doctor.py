"""`ryze-tui doctor`: everything between this machine and its numbers, looked at once, as a report that can be pasted."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any, Final

from .. import __version__, config, inherited
from ..i18n import _, n_
from . import exits, target
from .characters import needs_ascii
from .exits import Failure
from .output import Out, is_terminal
from .parser import Parser, factor

if TYPE_CHECKING:
    from ..doctor.examination import Patient
    from ..doctor.finding import Finding

SECONDS: Final = 10.0
_TINTS: Final = {"ok": "32", "warn": "33", "fail": "31", "skip": "2"}
_WIDEST: Final = 100


def add_arguments(parser: Parser) -> None:
    """Whom to look at."""
    parser.add_argument(
        "--instance", default="", metavar="NAME",
        help=_("also try this instance's proxy, webhooks, S3, Chatwoot and stream; a webhook gets an event that says test"),
    )  # fmt: skip
    group = parser.add_argument_group(_("server and output"))
    target.add_arguments(group)
    group.add_argument(
        "--timeout",
        type=factor,
        default=SECONDS,
        metavar="SECONDS",
        help=_("what one look may take ({n})").format(n=round(SECONDS)),
    )
    group.add_argument("--json", action="store_true", help=_("the result as JSON, errors as JSON on standard error"))
    parser.description = _(
        "Looks at the way to the server (name, TCP, TLS, clock), the token and what it may do, requests left, the list, the\n"
        "stream; at the configuration, files and their permissions, the terminal and versions. Without a server or a token the\n"
        "rest is looked at. Nothing is changed; tokens and secrets are masked, so the report can be shown to others."
    )
    words = _("Ends with 0 when nothing is wrong, with 11 when something deserves a look (warn), with 1 when something failed.")
    parser.epilog = f"{words}\n\n{exits.epilog()}"


def run(options: argparse.Namespace) -> int:
    """0, 11 or 1, by the worst that was found."""
    from ..doctor.finding import FAIL, WARN, worst

    out = Out(as_json=options.json)
    try:
        found = asyncio.run(_examine(_patient(options), options, out))
    except Failure as problem:
        return out.failed(problem)
    except KeyboardInterrupt:
        return out.failed(Failure(_("interrupted."), "interrupted"))
    return {FAIL: exits.FAILED, WARN: exits.WARNINGS}.get(worst(found), exits.DONE)


# -- who is looked at --------------------------------------------------------------------------------------------------


def _patient(options: argparse.Namespace) -> Patient:
    """As much of the target as can be found; what cannot is a finding, not the end. Raises Failure for words that contradict."""
    from ..doctor.examination import Patient

    if options.url is not None and options.profile is not None:
        raise Failure(_("--url and --profile each name a server: give one of them."), "usage")
    settings, given = target.configured(), inherited.take_secrets()
    common: dict[str, Any] = {
        "instance": options.instance, "environment": dict(os.environ), "size": _size(),
        "poor": needs_ascii(os.environ) and settings.preferences.ascii is not False,
    }  # fmt: skip
    try:
        url, token, profile, read_only = target.find(options, given, settings)
    except target.NoToken:
        return Patient(_url(options, settings), **common)
    except config.ConfigError as problem:
        words = str(problem) if not settings.problems else _("not known: something is wrong with the configuration, see there")
        return Patient(_url(options, settings), problem=words, **common)
    if not url:
        return Patient(**common)
    from ..operations.account import Account
    from ..operations.audit import COMMAND

    return Patient(url, Account(url, token, read_only=read_only, profile=profile, program=COMMAND), **common)


def _url(options: argparse.Namespace, settings: config.Config) -> str:
    """The server, where only its token could not be had; empty where that is not known either."""
    typed = options.url or (os.environ.get("RYZE_URL", "") if options.profile is None else "")
    if not typed and not settings.problems:
        names, document = settings.names, settings.document
        name = options.profile or document.get("default", "") or (names[0] if len(names) == 1 else "")
        typed = document["profiles"][name]["url"] if name in names else ""
    try:
        return config.clean_url(typed) if typed else ""
    except config.ConfigError:
        return ""


def _size() -> tuple[int, int] | None:
    if not any(map(is_terminal, (sys.stdout, sys.stdin, sys.stderr))):
        return None
    for stream in (sys.stdout, sys.stdin, sys.stderr):
        if is_terminal(stream):
            try:
                columns, rows = os.get_terminal_size(stream.fileno())
                return columns, rows
            except OSError:
                continue
    return None


# -- the report --------------------------------------------------------------------------------------------------------


async def _examine(patient: Patient, options: argparse.Namespace, out: Out) -> list[Finding]:
    from ..doctor.examination import examine

    now, found = time.time(), []
    report = _Report(out)
    if not out.as_json:
        report.head(patient, now)
    async for finding in examine(patient, options.timeout):
        found.append(finding)
        if not out.as_json:
            report.tell(finding)
    if out.as_json:
        out.document(document(patient, found, now))
    else:
        report.end(found)
    return found


def document(patient: Patient, found: list[Finding], now: float) -> dict[str, Any]:
    """As cli/schemas/doctor.json says."""
    from ..doctor.finding import RESULTS, worst
    from ..redact import mask
    from .shapes import moment

    counts = {result: sum(finding.result == result for finding in found) for result in RESULTS}
    return {
        "version": __version__, "at": moment(now), "server": patient.url or None, "instance": patient.instance or None,
        "result": worst(found), "counts": counts,
        "findings": [
            {"section": one.section, "name": one.name, "result": one.result, "seen": mask(one.seen), "advice": mask(one.advice)}
            for one in found
        ],
    }  # fmt: skip


class _Report:
    """Told line by line, so that a look which takes long is seen to be under way."""

    def __init__(self, out: Out) -> None:
        self._out, self._section = out, ""
        self._left: list[Finding] = []
        self._width = min(shutil.get_terminal_size().columns if is_terminal(sys.stdout) else 80, _WIDEST)

    def head(self, patient: Patient, now: float) -> None:
        """What, when, of whom."""
        from ..redact import clean, mask
        from .shapes import moment

        self._out.line(" · ".join(filter(None, [
            f"ryze-tui {__version__} doctor", moment(now), clean(mask(patient.url)),
            _("instance {name}").format(name=clean(patient.instance)) if patient.instance else "",
        ])))  # fmt: skip

    def tell(self, finding: Finding) -> None:
        """One finding, folded to the width, with what to do below it. Those left out for the same reason share a line."""
        if self._left and (finding.result != "skip" or finding.advice or finding.seen != self._left[0].seen):
            self._tell_left()
        if finding.result == "skip" and not finding.advice:
            self._left.append(finding)
        else:
            self._print(finding.section, finding.result, finding.title, finding.seen, finding.advice)

    def _tell_left(self) -> None:
        left, self._left = self._left, []
        if len(left) == 1:
            self._print(left[0].section, left[0].result, left[0].title, left[0].seen, "")
        elif left:
            titles = ", ".join(dict.fromkeys(one.title for one in left))
            self._print(left[0].section, left[0].result, "…", f"{titles}: {left[0].seen}", "")

    def _print(self, section: str, result: str, title: str, seen: str, advice: str) -> None:
        from ..doctor.finding import SECTIONS
        from ..redact import clean, mask

        if section != self._section:
            self._section = section
            self._out.line()
            self._out.line(_(SECTIONS[section]))
        lead = f"  {result:<4}  {title:<14} "
        for number, line in enumerate(_folded(clean(mask(seen)), self._width - len(lead))):
            self._out.line((self._tinted(lead, result) if not number else " " * len(lead)) + line)
        for number, line in enumerate(_folded(clean(mask(advice)), self._width - len(lead) - 2)):
            self._out.line(f"{' ' * len(lead)}{'→' if not number else ' '} {line}")
        if sys.stdout is not None:
            sys.stdout.flush()

    def end(self, found: list[Finding]) -> None:
        """What it all comes to."""
        from ..doctor.finding import FAIL, OK, SKIP, WARN

        self._tell_left()
        count = {result: sum(finding.result == result for finding in found) for result in (OK, WARN, FAIL, SKIP)}
        words = []
        for result, told in ((FAIL, n_("{n} failed", "{n} failed", count[FAIL])),
                             (WARN, n_("{n} warning", "{n} warnings", count[WARN]))):  # fmt: skip
            titles = ", ".join(dict.fromkeys(finding.title for finding in found if finding.result == result))
            words.append(f"{told} ({titles})" if titles else told)
        words += [_("{n} well").format(n=count[OK]), _("{n} not looked at").format(n=count[SKIP])]
        self._out.line()
        for line in _folded(", ".join(words) + ".", self._width):
            self._out.line(line)

    def _tinted(self, lead: str, result: str) -> str:
        return f"\x1b[{_TINTS[result]}m{lead[:6]}\x1b[0m{lead[6:]}" if self._out.colour else lead


def _folded(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(20, width), break_long_words=True, break_on_hyphens=False)
