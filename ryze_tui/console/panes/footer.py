"""The bottom line: the keys that matter now, from the action registry."""

from __future__ import annotations

from ...i18n import _
from ..actions import ACTIONS
from ..styles import ink
from ..widgets.canvas import Line, seg
from ..widgets.hints import Hinted


class Footer(Hinted):
    """At most seven hints, help first; as many as fit."""

    ground = ink.BAR

    def __init__(self) -> None:
        super().__init__(id="footer")

    def lines(self) -> list[Line]:
        line: Line = []
        used = 0
        for action in sorted((action for action in ACTIONS if action.footer), key=lambda action: action.footer):
            key, title = f" {action.key} ", f"{_(action.title)} "
            if used + len(key) + len(title) > self.size.width:
                break
            line += [seg(key, ink.BAR_KEY), seg(title, ink.BAR_DIM)]
            used += len(key) + len(title)
        return [line]
