"""`ryze-tui audit`: who wrote what to which instance, from this machine, and what came of it."""

from __future__ import annotations

import argparse
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from ..i18n import _
from ..redact import clean, mask
from . import exits
from .exits import Failure
from .output import Out
from .parser import Parser

if TYPE_CHECKING:
    from ..operations.auditreading import Reader, Wanted

EVERY: Final = 1.0
"""Seconds between two looks with --follow."""


def add_arguments(parser: Parser) -> None:
    """Which lines."""
    add = parser.add_argument
    add("--instance", action="append", default=[], metavar="NAME", help=_("of this instance; may be given several times"))
    add("--since", default="", metavar="WHEN", help=_("not before: 30m, 2h, 7d, or a date like 2026-03-01 or 2026-03-01T14:00"))
    add("--action", default="", metavar="WORDS", help=_("of this kind: create, delete, configure, configure webhook, …"))
    add("--failed", action="store_true", help=_("only what failed, or what nobody knows the end of"))
    add("--follow", action="store_true", help=_("go on with what is written from now on, until Ctrl-C"))
    add("--json", action="store_true", help=_("one JSON object a line, errors as JSON on standard error"))
    parser.description = _(
        "Every write by console or command line on this machine leaves a line: when, who (and from where, with SSH),\n"
        "what, with which profile, to which instance, what came of it, and of blocks what they were before and after. Secrets\n"
        "are only said to be set or changed. Full files are renamed, and the last few are kept and read too."
    )
    parser.epilog = exits.epilog()


def run(options: argparse.Namespace) -> int:
    """0, also when there is nothing."""
    from ..operations.auditreading import Reader, Wanted, moment

    out = Out(as_json=options.json)
    logging.getLogger("ryze_tui").addHandler(logging.NullHandler())
    try:
        try:
            since = moment(options.since, time.time()) if options.since else ""
        except ValueError:
            raise Failure(_("--since takes 30m, 2h, 7d, or a date like 2026-03-01."), "usage") from None
        wanted = Wanted(frozenset(options.instance), since, options.action.strip(), options.failed)
        try:
            reader = Reader()
        except OSError as error:
            words = _("{path} cannot be read: {problem}").format(path=error.filename, problem=error.strerror)
            raise Failure(words, "failed") from error
        try:
            _tell(reader, wanted, options.follow, out)
        finally:
            reader.close()
    except Failure as problem:
        return out.failed(problem)
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    return exits.DONE


def _tell(reader: Reader, wanted: Wanted, follow: bool, out: Out) -> None:
    while True:
        for line in reader.lines():
            if not wanted(line):
                continue
            if out.as_json:
                out.event(line)
            else:
                _print(line, out, at_once=follow)
        if not follow:
            return
        time.sleep(EVERY)


def _print(line: dict[str, Any], out: Out, *, at_once: bool) -> None:
    who = line["user"] or ("" if line["uid"] is None else str(line["uid"]))
    where = f"{who}@{line['from']}" if line["from"] else who
    by = " ".join(filter(None, [where, f"({line['program']})" if line["program"] else ""]))
    words = [_local(line["when"]), line["instance"], line["action"], line["result"], line["message"], by]
    out.line("  ".join(clean(mask(word)) for word in words if word), flush=at_once)
    for name, change in line["changes"].items():
        before, after = _written(change.get("before")), _written(change.get("after"))
        out.line(f"    {clean(name)}: {before} → {after}", flush=at_once)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value is None or value in ("", []):
        return "–"
    return clean(mask(", ".join(map(str, value)) if isinstance(value, list) else str(value)))


def _local(when: str) -> str:
    """RFC 3339 as this machine's clock shows it; what is none as it is."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(when).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        return when
