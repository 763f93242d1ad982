"""What a bulk works with on a stub account: a server whose answers the test decides, and rows that turn as it tells."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ryze_tui.api.errors import RyzeError
from ryze_tui.api.wire import Wire
from ryze_tui.client.clock import SYSTEM
from ryze_tui.client.replies import Written
from ryze_tui.operations.bulk import left
from ryze_tui.operations.bulk.deeds import Means
from ryze_tui.operations.configuring import Configuring
from ryze_tui.operations.drafts import Drafts
from ryze_tui.operations.outcome import Outcome, failed

from tests.fakes.blocks import FakeBlocks

from .stub import StubAccount


class BulkServer:
    """Client, budgets and feed in one. `did`: what was done to whom; `fails`: what it raises for a name; `gate`: closed, it
    answers nobody; `blocks`: what each instance holds.
    """

    base = "http://127.0.0.1:9"
    token = "token-0123456789abcdef"

    def __init__(self, account: StubAccount) -> None:
        self.account = account
        self.did: list[tuple[str, str]] = []
        self.fails: dict[str, RyzeError] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.blocks: defaultdict[str, FakeBlocks] = defaultdict(FakeBlocks)
        self.budgets = self
        drafts = Drafts("test")
        account.means = Means(
            self, self, account.model, SYSTEM, drafts, self.write, self.change, account.confirm_state,  # type: ignore[arg-type]
            lambda listener: lambda: None, keeps_secrets=lambda: True,
        )  # fmt: skip
        account.configuring = Configuring(self, self.write, drafts, keeps_secrets=lambda: True)  # type: ignore[arg-type]
        account.bulk_left = left(self.base, self.token)

    @property
    def names(self) -> list[str]:
        return [name for _action, name in self.did]

    # -- budgets and feed ----------------------------------------------------------------------------------------------

    def of(self, token: str) -> BulkServer:
        return self

    def wait(self, *, keep: int = 0) -> float:
        return 0.0

    def covers(self, name: str) -> bool:
        return True

    def want(self, name: str) -> None:
        return

    # -- client --------------------------------------------------------------------------------------------------------

    def acting_as(self, token: str) -> BulkServer:
        return self

    async def _do(self, action: str, name: str, state: str) -> Written:
        self.did.append((action, name))
        await self.gate.wait()
        if name in self.fails:
            raise self.fails[name]
        self.account.turn(name, state)
        return Written(f"{action} initiated", "")

    async def reconnect(self, name: str) -> Written:
        return await self._do("reconnect", name, "connected")

    async def logout(self, name: str) -> Written:
        return await self._do("logout", name, "loggedout")

    async def block(self, wire: Wire, name: str) -> dict[str, Any] | None:
        return await self.blocks[name].block(wire, name)

    async def webhooks(self, name: str) -> list[dict[str, Any]]:
        return await self.blocks[name].webhooks(name)

    async def set_block(self, wire: Wire, name: str, body: dict[str, Any], match: str = "") -> dict[str, Any]:
        self.did.append((wire.kind, name))
        return await self.blocks[name].set_block(wire, name, body)

    # -- account -------------------------------------------------------------------------------------------------------

    async def write(self, action: str, name: str, send: Any, *, detail: str = "", changes: object = None) -> Outcome:
        if reason := self.account.may(action):
            return Outcome(False, reason, name=name)
        try:
            return Outcome(True, await send(self, self), 200, name)
        except RyzeError as error:
            return failed(error, name)

    async def change(
        self, action: str, name: str, call: Callable[[Any], Any], state: str, *, via: Callable[[Any], Any], detail: str = ""
    ) -> Outcome:
        async def send(client: Any, feed: Any) -> str:
            return str((await call(client)).message)

        return await self.write(action, name, via(send))


def records(home: Path) -> str:
    """All that is written of bulks below the state directory."""
    return "".join(path.read_text() for path in (home / "state").rglob("bulk/*"))
