"""An Account on a fake server and a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.api.events import ACCOUNT_STREAM
from ryze_tui.operations import account as module
from ryze_tui.operations.account import Account

from .ryze import FakeRyze
from .virtual import VirtualClock, run

FULL, PLAIN = frozenset({ACCOUNT_STREAM}), frozenset[str]()


class Bench:
    """`server`, `account`, `clock`, and what the console was told."""

    def __init__(self, patch: pytest.MonkeyPatch, **options: Any) -> None:
        self.clock = VirtualClock()
        account_options = {name: options.pop(name) for name in ("read_only", "profile", "keep") if name in options}
        self.server = FakeRyze(self.clock, **options)
        server = self.server

        def client(url: str, token: str, *, calls: Any, budgets: Any, clock: Any) -> FakeRyze:
            server.calls, server.budgets = calls, budgets
            return server

        patch.setattr(module, "RyzeClient", client)
        patch.setattr(module, "Dialler", lambda made: made.dial)
        self.account = Account("http://127.0.0.1:1", self.server.token, clock=self.clock, **account_options)

    def state(self, name: str) -> str:
        return self.account.model.rows[name].state


def bench(
    patch: pytest.MonkeyPatch, home: Path, test: Callable[[Bench], Awaitable[None]], *, running: bool = True, **options: Any
) -> None:
    """Run a story; `running`: the account keeps itself true meanwhile, and 5 s have passed."""
    patch.setenv("XDG_STATE_HOME", str(home))

    async def body() -> None:
        made = Bench(patch, **options)
        made.server.add("a", "b", "c")
        tasks = [asyncio.create_task(made.account.run()), asyncio.create_task(made.server.hearts())] if running else []
        if running:
            await asyncio.sleep(5)
        await test(made)
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                raise result
        await made.account.close()

    run(body())
