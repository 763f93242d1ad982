"""Pictures of the edit screen and what opens from it, in every state they have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.api.deliveries import Delivery
from ryze_tui.api.errors import Unreachable
from ryze_tui.console.screens.edit import EditScreen
from ryze_tui.operations.outcome import Outcome
from textual.pilot import Pilot

from tests.fakes.blocks import FakeBlocks

from .conftest import screen_text, until
from .stub import StubAccount
from .test_edit import DELIVERED, WRONG
from .test_edit_newcomer import Slow
from .test_snapshots import SIZES, picture, to

__all__ = ["picture"]

Then = Callable[[Pilot[int], FakeBlocks, StubAccount], Any]
Picture = Callable[..., None]
DOWN = Unreachable("127.0.0.1:9 refused the connection")
NEVER = asyncio.Event  # what is waited for without an end


async def keys(pilot: Pilot[int], *names: str) -> None:
    """One after the other, each with its effect."""
    for name in names:
        await pilot.press(name)
        await pilot.pause()


@pytest.fixture(params=SIZES, ids=["80x24", "120x40"])
def shown(request: pytest.FixtureRequest, picture: Picture) -> Picture:
    """`shown(keys, text)`: the picture after those keys, once that text is there."""

    def compare(
        pressed: str, text: str, *, server: FakeBlocks | None = None, then: Then | None = None, ours: bool = True,
        read_only: bool = False,
    ) -> None:  # fmt: skip
        blocks = server or FakeBlocks()

        async def steps(pilot: Pilot[int], account: StubAccount) -> None:
            account.configuring = blocks.configuring(Path("/"), ours=ours)
            account.read_only = read_only
            await to(pilot, "support")
            first, *rest = pressed.split()
            await keys(pilot, first)
            screen = pilot.app.screen
            assert isinstance(screen, EditScreen)
            if rest or then:
                await until(pilot, lambda: screen.form is not None)
            await keys(pilot, *rest)
            if then is not None:
                await then(pilot, blocks, account)
            await until(pilot, lambda: text in screen_text(pilot.app))  # type: ignore[arg-type]

        picture(request.param, steps)

    return compare


async def saved(pilot: Pilot[int], *_with: object) -> None:
    """Review what was changed, and save it."""
    await keys(pilot, "ctrl+s")
    await until(pilot, lambda: "on the server now" in screen_text(pilot.app))  # type: ignore[arg-type]
    await keys(pilot, "s")


PAGES = {
    "settings": ("2", "Ignore stories"), "proxy": ("3", "Host"), "s3": ("3 right", "Path prefix"),
    "webhook": ("4", "Authorization"), "stream": ("5", "Media base64"), "chatwoot": ("6", "Reopen resolved"),
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_clean(shown: Picture, page: str) -> None:
    shown(*PAGES[page])


def test_reading(shown: Picture) -> None:
    server = Slow()
    server.go.clear()
    shown("2", "Reading…", server=server)


def test_unreadable(shown: Picture) -> None:
    server = FakeBlocks()
    server.fails = DOWN
    shown("3", "refused the", server=server)


def test_in_a_field(shown: Picture) -> None:
    shown("4 down down down down down", "Space ticks")


def test_dirty_with_a_secret_to_type_again(shown: Picture) -> None:
    shown("3 right down down e", "Type it again", ours=False)


def test_problems(shown: Picture) -> None:
    server = FakeBlocks()
    server.held["proxy"] = {"enabled": False, "host": None, "port": None, "protocol": None, "username": None}
    shown("3 down space", "Needed while it is on", server=server)


def test_conflict(shown: Picture) -> None:
    async def then(pilot: Pilot[int], server: FakeBlocks, account: StubAccount) -> None:
        server.rows["default"] |= {"url": "https://theirs.acme.com", "byEvents": True}
        await keys(pilot, "ctrl+s")

    shown("4 down down end x", "changed by somebody else", then=then)


def test_off_with_a_draft(shown: Picture) -> None:
    async def then(pilot: Pilot[int], server: FakeBlocks, account: StubAccount) -> None:
        await saved(pilot)
        await until(pilot, lambda: "fills it in" in screen_text(pilot.app))  # type: ignore[arg-type]
        pilot.app.clear_notifications()

    shown("4 down space", "f fills it in", then=then)


def test_help_of_a_form(shown: Picture) -> None:
    shown("3 question_mark", "Leave empty if the proxy asks for none")


def test_a_verb_in_a_field_is_explained_where_nothing_is_hidden(shown: Picture) -> None:
    shown("4 down r", "then r acts")


def test_kept_when_the_line_was_cut(shown: Picture) -> None:
    async def then(pilot: Pilot[int], server: FakeBlocks, account: StubAccount) -> None:
        screen = pilot.app.screen
        assert isinstance(screen, EditScreen)
        screen.keep_typed()
        await keys(pilot, "escape", "u")

    shown("4 down down end 7", "went away", then=then)


def test_switching_off(shown: Picture) -> None:
    shown("6 down space", "erases the rest")


def test_read_only(shown: Picture) -> None:
    shown("2", "not to be changed", read_only=True)


def test_saving(shown: Picture) -> None:
    async def then(pilot: Pilot[int], server: FakeBlocks, account: StubAccount) -> None:
        async def write(*_given: object, **_more: object) -> Outcome:
            await NEVER().wait()
            raise AssertionError

        account.configuring._write = write
        await saved(pilot)

    shown("2 down space", "Saving…", then=then)


def test_nobody_knows(shown: Picture) -> None:
    async def then(pilot: Pilot[int], server: FakeBlocks, account: StubAccount) -> None:
        async def write(*_given: object, **_more: object) -> Outcome:
            return Outcome(False, "127.0.0.1:9 did not answer in time. It may have been done all the same.", None, doubtful=True)

        account.configuring._write = write
        await saved(pilot)

    shown("2 down space", "Nobody knows", then=then)


def test_differs(shown: Picture) -> None:
    server = FakeBlocks()
    server.keeps = False
    shown("2 down space", "you asked for", server=server, then=saved)


def test_unsaved_is_asked_about(shown: Picture) -> None:
    shown("2 down space escape escape", "is not saved")


def test_a_new_label(shown: Picture) -> None:
    shown("4 a", "At most three webhooks")


def test_tried_and_wrong(shown: Picture) -> None:
    server = FakeBlocks()
    server.tried = {"proxy": {"works": False, "steps": WRONG}}
    shown("3 T", "does not work", server=server)


def test_tried_and_right(shown: Picture) -> None:
    server = FakeBlocks()
    server.tried = DELIVERED
    shown("4 T", "It works", server=server)


def with_deliveries() -> FakeBlocks:
    """One that waits, one that is dead, one that came."""
    server = FakeBlocks()
    server.log = [
        Delivery("msg_3", "message.exchange", "pending", 2, 503, "", "2026-09-21T13:30:00Z", "2026-09-21T13:34:00Z"),
        Delivery("msg_2", "message.exchange", "dead", 6, 500, "down for maintenance", "2026-09-21T04:00:00Z", ""),
        Delivery("msg_1", "instance.state", "delivered", 1, 200, "", "2026-09-21T03:00:00Z", ""),
    ]
    return server


def test_deliveries(shown: Picture) -> None:
    shown("4 D down", "maintenance", server=with_deliveries())


def test_no_deliveries(shown: Picture) -> None:
    shown("4 D", "Nothing was")
