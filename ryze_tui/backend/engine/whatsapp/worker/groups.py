"""What groups are called. A message does not say it: WhatsApp is asked when the first thing comes from a group, and what comes
meanwhile waits its turn behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

Data = dict[str, Any]

PATIENCE: Final = 5.0
"""Seconds that something may wait for its group's name; then it goes without."""
AGAIN: Final = 300.0
"""Seconds until a name that could not be had is asked for once more."""
AT_ONCE: Final = 2
"""Questions at a time: an account in hundreds of groups is not to be taken for a flood."""
MOST: Final = 2000


class Groups:
    """Of one client. `ask` brings a group's name, and may raise anything; `pass_on` gets what is ready, in order per group."""

    def __init__(
        self, ask: Callable[[str], Awaitable[str]], pass_on: Callable[[str, Data], None],
        later: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:  # fmt: skip
        self._ask, self._pass_on, self._later = ask, pass_on, later
        self._names: dict[str, str] = {}
        self._not_before: dict[str, float] = {}
        self._waiting: dict[str, list[tuple[str, Data]]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    def take(self, what: str, data: Data) -> None:
        """Messages and changes of groups get their group's name; whatever else passes as it is."""
        group = str(data.get("group" if what == "group" else "chat", ""))
        if what not in ("message", "group") or not group.endswith("@g.us"):
            self._pass_on(what, data)
        elif group in self._waiting:
            self._waiting[group].append((what, data))
        elif self._is_known(group) or (what == "group" and data.get("name")):
            self._ready(group, what, data)
        else:
            self._waiting[group] = [(what, data)]
            self._later(self._look_up(group))

    async def name(self, group: str) -> str:
        """Empty when it cannot be had."""
        if not self._is_known(group):
            asked = False
            try:
                async with asyncio.timeout(PATIENCE), self._turns:
                    asked = True
                    self._keep(group, await self._ask(group))
            except Exception:  # noqa: BLE001 - neonize raises what it likes
                if asked:  # else its turn did not come, and the next message may have more luck
                    self._not_before[group] = asyncio.get_running_loop().time() + AGAIN
        return self._names.get(group, "")

    async def _look_up(self, group: str) -> None:
        await self.name(group)
        for what, data in self._waiting.pop(group):
            self._ready(group, what, data)

    def _ready(self, group: str, what: str, data: Data) -> None:
        if what == "group" and data.get("name"):
            self._keep(group, data["name"])
        field = "name" if what == "group" else "chat_name"
        self._pass_on(what, data | {field: self._names.get(group, "")})

    def _is_known(self, group: str) -> bool:
        return group in self._names or self._not_before.get(group, 0.0) > asyncio.get_running_loop().time()

    def _keep(self, group: str, name: str) -> None:
        self._names[group] = name
        self._not_before.pop(group, None)
        while len(self._names) > MOST:
            del self._names[next(iter(self._names))]
