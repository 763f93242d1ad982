"""The truth probe on the screen: one line for each thing that was looked at, then the verdict; `t` looks again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from ... import keys
from ...i18n import _
from ...probes.steps import BAD, GOOD, RUNNING, SKIPPED, WARN, Step
from ...probes.truth import Looking, probe
from ..bindings import bind
from ..styles import ink
from ..widgets.canvas import Canvas, Line, field, seg
from ..words import safe, wrap
from .dialogs import Dialog, text

if TYPE_CHECKING:
    from rich.style import Style

    from ...fleet.model import Row

_MARKS: Final = {GOOD: "●", WARN: "▲", BAD: "✖", SKIPPED: "–", RUNNING: "…"}
_TITLE: Final = 13
HEIGHT: Final = 12
"""Lines that the longest account of a probe takes in an 80-column terminal."""


class Steps(Canvas):
    """The steps so far, the last one (the verdict) set apart."""

    can_focus = True
    ground = ink.BAR

    def __init__(self) -> None:
        super().__init__(id="steps")
        self.steps: list[Step] = []
        self.done = False
        self.styles.height = HEIGHT

    def show(self, step: Step) -> None:
        """A step began, or (same title) what came of it."""
        if self.steps and self.steps[-1].title == step.title:
            self.steps[-1] = step
        else:
            self.steps.append(step)
        self.styles.height = max(HEIGHT, len(self._all()))
        self.sync()

    def given_up(self) -> None:
        """Nothing more comes: a step under way has no result."""
        if self.steps and self.steps[-1].result == RUNNING:
            self.steps[-1] = replace(self.steps[-1], result=SKIPPED, words=_("given up"))
        self.sync()

    def on_resize(self) -> None:
        self.styles.height = max(HEIGHT, len(self._all()))

    def lines(self) -> list[Line]:
        out = self._all()
        return [*out, *[[] for _missing in range(HEIGHT - len(out))]]

    def _all(self) -> list[Line]:
        out: list[Line] = []
        for step in self.steps:
            if self.done and step is self.steps[-1]:
                out.append([])
            out += self._step(step)
        return out

    def _step(self, step: Step) -> list[Line]:
        title = max(_TITLE, *(cell_len(step.title) + 1 for step in self.steps))
        room = max(self.size.width - title - 3, 10)
        words = wrap(safe(step.words), room) or [""]
        style = _style(step.result)
        first: Line = [seg(f"{_MARKS[step.result]} ", style), field(step.title, title, ink.BAR_DIM), seg(words[0], ink.BAR)]
        return [first, *[[seg(" " * (title + 2) + more, ink.BAR)] for more in words[1:]]]


def _style(result: str) -> Style:
    return {GOOD: ink.BAR_GOOD, WARN: ink.BAR_TROUBLE, BAD: ink.BAR_BAD}.get(result, ink.BAR_DIM)


class ProbeScreen(Dialog[None]):
    """Runs the probe when it opens, and again on `t`. Nothing it does changes anything on the server."""

    TAKES_TYPED = False
    BINDINGS = [bind("again", "again"), bind("close_too", "close")]

    def __init__(self, look: Looking, name: str, earlier: Callable[[], Row | None]) -> None:
        """`earlier()`: the row of an earlier run, while that is what the main screen shows."""
        super().__init__()
        self._look, self._instance, self._earlier = look, name, earlier
        self.steps = Steps()

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(_("Is {name} what the screen says?").format(name=safe(self._instance)))
            yield self.steps
            yield text("", "gap")
            yield text(keys.fill(_("{again} looks again · esc closes")), "dim")

    def on_mount(self) -> None:
        self.steps.focus()
        self.action_again()

    def action_again(self) -> None:
        """Look once more; a look under way is given up."""
        self.steps.steps, self.steps.done = [], False
        self.run_worker(self._run(), group="probe", exclusive=True)

    async def _run(self) -> None:
        async for step in probe(self._look, self._instance, self._earlier()):
            self.steps.show(step)
        self.steps.done = True
        self.steps.sync()
