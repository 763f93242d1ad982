"""The terminal as it describes itself (it is asked nothing: late answers over SSH would be read as keys), and versions."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Final

from .. import __version__
from ..i18n import _
from ..redact import clean
from .finding import FAIL, OK, SKIP, TERMINAL, VERSIONS, WARN, Finding

SMALLEST: Final = (40, 12)
WHOLE: Final = (80, 24)
"""Columns and rows that the console needs at all, and from which everything fits."""
_LOCALE: Final = ("LC_ALL", "LC_CTYPE", "LANG")


def terminal(environment: Mapping[str, str], size: tuple[int, int] | None, *, poor: bool) -> Iterator[Finding]:
    """`size`: columns and rows; None when neither input nor output is a terminal, so nothing of this matters."""
    if size is None:
        yield Finding(TERMINAL, "terminal", SKIP, _("this is not run at one"))
        return
    yield _kind(environment)
    yield _colours(environment)
    yield characters(environment, poor)
    yield _size(*size)
    words = _("not known: no terminal says so, and asking disturbs the keyboard over SSH")
    yield Finding(
        TERMINAL, "osc", SKIP, words, _("Copy something in the console and paste it; else hold shift and mark it with the mouse.")
    )


def _kind(environment: Mapping[str, str]) -> Finding:
    term = clean(environment.get("TERM", ""))[:40]
    around = [clean(environment.get("TERM_PROGRAM", ""))[:40]]
    around += ["tmux"] if environment.get("TMUX") else []
    around += ["screen"] if environment.get("STY") else []
    around += ["ssh"] if environment.get("SSH_CONNECTION") else []
    seen = " · ".join([f"TERM={term or '?'}", *filter(None, dict.fromkeys(around))])
    if not term or term in ("dumb", "unknown"):
        advice = _("The console needs more: export TERM=xterm-256color where the terminal can do it. Commands work as they are.")
        return Finding(TERMINAL, "terminal", WARN, seen, advice)
    if environment.get("TMUX") and not term.startswith(("tmux", "screen")):
        return Finding(
            TERMINAL,
            "terminal",
            WARN,
            seen,
            _("Inside tmux TERM has to be tmux-256color or screen-256color: something sets it anew."),
        )
    return Finding(TERMINAL, "terminal", OK, seen)


def _colours(environment: Mapping[str, str]) -> Finding:
    term, more = environment.get("TERM", ""), environment.get("COLORTERM", "").lower()
    if environment.get("NO_COLOR"):
        return Finding(TERMINAL, "colours", OK, _("none, as NO_COLOR asks for"))
    if more in ("truecolor", "24bit"):
        return Finding(TERMINAL, "colours", OK, _("16 million (COLORTERM={value})").format(value=more))
    if "256color" in term or "direct" in term:
        return Finding(TERMINAL, "colours", OK, _("256 (TERM says so); COLORTERM=truecolor would say more"))
    return Finding(TERMINAL, "colours", OK, _("16, as far as TERM tells"))


def characters(environment: Mapping[str, str], poor: bool) -> Finding:
    """`poor`: the console goes by with ASCII here; of the variables of the locale the first that is set counts."""
    name = next((name for name in _LOCALE if environment.get(name)), "")
    seen = f"{name}={clean(environment.get(name, ''))[:60]}" if name else _("no locale is set: UTF-8 is meant")
    if not poor:
        return Finding(TERMINAL, "locale", OK, seen)
    advice = _("The console draws with ASCII here. Where the terminal can do more: export LANG=C.UTF-8")
    return Finding(TERMINAL, "locale", WARN, seen, advice)


def _size(columns: int, rows: int) -> Finding:
    seen = f"{columns}x{rows}"
    if columns < SMALLEST[0] or rows < SMALLEST[1]:
        return Finding(
            TERMINAL,
            "size",
            WARN,
            seen,
            _("The console needs {least}: make the window larger or the font smaller.").format(least="40x12"),
        )
    if columns < WHOLE[0] or rows < WHOLE[1]:
        return Finding(TERMINAL, "size", OK, seen + " " + _("(works; from 80x24 on everything fits)"))
    return Finding(TERMINAL, "size", OK, seen)


# -- versions ----------------------------------------------------------------------------------------------------------


def versions() -> Iterator[Finding]:
    """Python, ours, the libraries against what we ask for, the system."""
    yield Finding(VERSIONS, "ours", OK, __version__)
    yield Finding(VERSIONS, "python", OK, f"{platform.python_version()} ({platform.python_implementation()})")
    yield _libraries()
    yield Finding(VERSIONS, "system", OK, clean(f"{platform.system()} {platform.release()} {platform.machine()}"))


def _libraries() -> Finding:
    try:
        wanted = metadata.requires("ryze-tui") or []
    except metadata.PackageNotFoundError:
        return Finding(VERSIONS, "libraries", SKIP, _("ryze-tui is not installed as a package, so nobody knows what it needs"))
    have, wrong = [], []
    for requirement in wanted:
        if ";" in requirement and "extra" in requirement:
            continue
        found = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*)", requirement)
        if found is None:
            continue
        name, limits = found[1], found[2].strip()
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(_("{name} is missing").format(name=name))
            continue
        have.append(f"{name} {version}")
        if not fits(version, limits):
            wrong.append(_("{name} {version} is not {limits}").format(name=name, version=version, limits=limits))
    seen = ", ".join(sorted(have))
    if wrong:
        advice = _("Install it anew into an environment of its own: {python} -m pip install --force-reinstall ryze-tui")
        return Finding(VERSIONS, "libraries", FAIL, f"{'; '.join(wrong)} ({seen})", advice.format(python=clean(sys.executable)))
    return Finding(VERSIONS, "libraries", OK, seen)


def fits(version: str, limits: str) -> bool:
    """Whether a version is within `>=8.2.8,<8.3`. What is no plain comparison counts as met: pip knows more than we do."""
    for limit in filter(None, (one.strip() for one in limits.split(","))):
        found = re.fullmatch(r"(>=|<|>|<=)\s*([\d.]+)", limit)
        if found is None:
            continue
        ours, theirs = _numbers(version), _numbers(found[2])
        length = max(len(ours), len(theirs))
        one, other = (tuple(part + (0,) * (length - len(part))) for part in (ours, theirs))
        if not {">=": one >= other, "<": one < other, ">": one > other, "<=": one <= other}[found[1]]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
