"""A bulk in words: what is done to how many, at which pace, how long it takes, what came of it; and what is written of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from ..i18n import _, mark, n_
from ..operations.bulk.plan import (
    APPLY,
    BRING_BACK,
    DONE,
    FAILED,
    LOGOUT,
    RECONNECT,
    RUNNING,
    SKIPPED,
    STREAM,
    WAITING,
    Job,
    Pace,
)
from ..operations.bulk.runner import Bulk
from ..redact import clean, mask
from .words import DOT, fit, safe

STARTS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
FLYING: Final = (1, 2, 3, 5, 8, 12, 20, 30, 50)
"""The paces that can be chosen: starts a second, and unfinished ones at a time."""
WORDS: Final = {
    WAITING: mark("waiting"), RUNNING: mark("under way"), DONE: mark("done"), FAILED: mark("failed"), SKIPPED: mark("left out"),
}  # fmt: skip
GLYPHS: Final = {WAITING: "○", RUNNING: "◌", DONE: "●", FAILED: "✖", SKIPPED: "–"}
_KINDS: Final = {
    "settings": mark("the settings"), "proxy": mark("the proxy"), "s3": mark("the S3 bucket"), "websocket": mark("the stream"),
}  # fmt: skip


def verb(job: Job) -> str:
    """What it does, in two words or so: a button, a line elsewhere."""
    if job.action == APPLY:
        return _("Apply {what}").format(what=what(job))
    return {
        RECONNECT: _("Reconnect"), BRING_BACK: _("Bring back"), LOGOUT: _("Log out"), STREAM: _("Streaming on"),
    }[job.action]  # fmt: skip


def what(job: Job) -> str:
    """The block that is given to many: `the webhook "crm" of sales`."""
    block = _('the webhook "{label}"').format(label=safe(job.label)) if job.kind == "webhook" else _(_KINDS[job.kind])
    return _("{block} of {name}").format(block=block, name=safe(job.source))


def title(job: Job, count: int) -> str:
    """`Reconnect 37 instances`."""
    many = n_("{n} instance", "{n} instances", count)
    if job.action == APPLY:
        return _("{verb} to {many}").format(verb=verb(job), many=many)
    return _("{verb} · {many}").format(verb=verb(job), many=many) if job.action == STREAM else f"{verb(job)} {many}"


def pace_words(pace: Pace) -> str:
    """`1 a second, 5 at a time`."""
    if pace.starts >= 1:
        starts = _("{n} a second").format(n=f"{pace.starts:g}")
    else:
        starts = _("1 every {n} s").format(n=f"{1 / pace.starts:g}")
    return _("{starts}, {n} at a time").format(starts=starts, n=pace.flying)


def about(seconds: float) -> str:
    """`about 40 s`."""
    if seconds < 90:
        return _("about {n} s").format(n=round(seconds))
    if seconds < 5400:
        return _("about {n} min").format(n=round(seconds / 60))
    return _("about {n} h").format(n=round(seconds / 3600, 1))


def heading(job: Job, count: int, pace: Pace, left: float | None, width: int) -> str:
    """The first line of a bulk, in `width` cells at most: however long a name is, the seconds that are `left` are said."""
    head, paced = f" {title(job, count)}", f"{DOT}{pace_words(pace)}"
    tail = "" if left is None else f" → {_('{time} left').format(time=about(left))}"
    if cell_len(head + paced + tail) > width:
        paced = ""  # the plan said it, and + and - say it again
    room = max(width - cell_len(tail), 0)
    return (fit(head, room) if cell_len(head) > room else head) + paced + tail


def stepped(pace: Pace, starts: int = 0, flying: int = 0) -> Pace:
    """The next faster or slower pace (`starts` ±1), or one with more or fewer at a time (`flying` ±1)."""
    return Pace(_step(STARTS, pace.starts, starts), round(_step(FLYING, pace.flying, flying)), pace.jitter)


def _step(ladder: Sequence[float], now: float, by: int) -> float:
    if not by:
        return now
    nearest = min(range(len(ladder)), key=lambda index: abs(ladder[index] - now))
    return ladder[max(0, min(nearest + by, len(ladder) - 1))]


def tally(counts: dict[str, int], states: tuple[str, ...] = (DONE, RUNNING, FAILED, SKIPPED)) -> str:
    """`34 done · 3 failed`; of none nothing is said."""
    return DOT.join(f"{counts[state]} {_(WORDS[state])}" for state in states if counts[state]) or _("nothing was done")


def sentence(text: str) -> str:
    """A text of a stranger, with its full stop."""
    return safe(text) if text.endswith((".", "!", "?")) else f"{safe(text)}."


def ndjson(bulk: Bulk) -> str:
    """Its results, a JSON line each; no secrets."""
    job = bulk.job
    about_it = {"action": job.action} | ({"kind": job.kind, "label": job.label, "source": job.source} if job.kind else {})
    lines = [
        {"instance": entry.name, **about_it, "result": entry.state, "status": entry.status, "doubtful": entry.begun,
         "message": clean(mask(entry.words))}
        for entry in bulk.entries
    ]  # fmt: skip
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
