"""The bottom line: the keys that matter now, from the action registry; other ones while rows are marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...i18n import _
from ..actions import ACTIONS, BY_ID, MARKING, Action
from ..styles import ink
from ..widgets.canvas import Line, seg
from ..widgets.hints import Hinted

if TYPE_CHECKING:
    from .marks import Marks


class Footer(Hinted):
    """At most seven hints, help first; as many as fit."""

    ground = ink.BAR

    def __init__(self) -> None:
        super().__init__(id="footer")
        self.marks: Marks | None = None
        self.detail = False
        """Whether the detail stands in the place of the list: then the way back is named, and nothing of the list."""

    def _hints(self) -> list[tuple[Action, str]]:
        if self.marks:
            return [(BY_ID[id], title or BY_ID[id].title) for id, title in MARKING]
        usual = sorted((action for action in ACTIONS if action.footer), key=lambda action: action.footer)
        if self.detail:
            usual = [BY_ID["back"] if action.id == "new" else action for action in usual if action.id != "filter"]
        return [(action, action.title) for action in usual]

    def lines(self) -> list[Line]:
        line: Line = []
        used = 0
        for action, words in self._hints():
            key, title = f" {action.key} ", f"{_(words)} "
            if used + len(key) + len(title) > self.size.width:
                break
            line += [seg(key, ink.BAR_KEY), seg(title, ink.BAR_DIM)]
            used += len(key) + len(title)
        return [line]
