"""The console on a stub account: frozen clock, no cursor blink, our files below tmp."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from ryze_tui.console.app import RyzeConsole
from textual.pilot import Pilot

from .stub import NOW, StubAccount


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("TERM_PROGRAM", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("ryze_tui.operations.account.Account", StubAccount)


Open = Callable[..., AbstractAsyncContextManager[tuple[RyzeConsole, StubAccount, Pilot[int]]]]


@pytest.fixture
def opened() -> Open:
    """`async with opened(size=(80, 24)) as (app, account, pilot)`: the console with a dozen rows."""

    @asynccontextmanager
    async def run(
        size: tuple[int, int] = (120, 40), load: bool = True, **more: object
    ) -> AsyncIterator[tuple[RyzeConsole, StubAccount, Pilot[int]]]:
        app = RyzeConsole("http://127.0.0.1:9", "token-0123456789abcdef", profile="acme", **more)  # type: ignore[arg-type]
        async with app.run_test(size=size, notifications=True) as pilot:
            await until(pilot, lambda: app.account is not None)
            account: StubAccount = app.account  # type: ignore[assignment]
            if load:
                account.load()
                await until(pilot, lambda: app.main.loaded)
            await pilot.pause()
            yield app, account, pilot

    return run


async def until(pilot: Pilot[int], condition: Callable[[], object], tries: int = 400) -> None:
    """Wait for a condition by letting the program run; never by the clock alone."""
    for _try in range(tries):
        if condition():
            return
        await pilot.pause(0.005)
    raise AssertionError("it did not happen:\n" + screen_text(pilot.app))


def screen_text(app: RyzeConsole) -> str:
    """What a person reads, line by line."""
    width, _height = app.size
    return "\n".join(
        "".join(segment.text for segment in strip).rstrip()[:width] for strip in app.screen._compositor.render_strips()
    )


OTHER_SIZES = ("size1", "size2", "120x40")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make test` draws every screen at 80x24 and in one other language; `make test-all` at every size and in all of them."""
    for item in items:
        where, name = item.path.stem, item.name.partition("[")[2]
        drawn = where in ("test_snapshots", "test_edit_snapshots", "test_languages") and any(size in name for size in OTHER_SIZES)
        if drawn or (where == "test_languages" and "es" in name.rstrip("]").split("-")) or where == "test_sizes":
            item.add_marker(pytest.mark.long)
