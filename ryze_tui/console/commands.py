"""The command palette's source: the action registry, with keys and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

from ..i18n import _
from .actions import ACTIONS, Action

if TYPE_CHECKING:
    from .screens.main import MainScreen


class ActionProvider(Provider):
    """Finds actions by title and help; one that cannot be done now says why instead of its help."""

    @property
    def _main(self) -> MainScreen:
        main: MainScreen = self.app.main  # type: ignore[attr-defined]
        return main

    def _help(self, action: Action) -> str:
        return f"{action.key}   {self._main.reason(action) or action.told()}"

    def _run(self, action: Action) -> None:
        self._main.action_do(action.id)

    async def discover(self) -> Hits:
        for action in ACTIONS:
            if action.palette:
                yield DiscoveryHit(_(action.title), lambda a=action: self._run(a), help=self._help(action))

    async def search(self, query: str) -> Hits:
        matcher, words = self.matcher(query), query.lower().split()
        for action in ACTIONS:
            told = action.told().lower()  # letters here and there are in any sentence: of those whole words count
            score = matcher.match(_(action.title)) or (0.01 if all(word in told for word in words) else 0.0)
            if action.palette and score > 0:
                yield Hit(score, matcher.highlight(_(action.title)), lambda a=action: self._run(a), help=self._help(action))
