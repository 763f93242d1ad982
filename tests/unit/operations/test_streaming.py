"""`w`: states are let through, and nothing that others get from the stream is disturbed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.api.events import EVENT_NAMES
from ryze_tui.client.replies import StreamBlock
from ryze_tui.operations.streaming import wanted

from tests.fakes.accounts import PLAIN, Bench, bench

BLOCKS = st.builds(
    StreamBlock, st.booleans(), st.lists(st.sampled_from([*EVENT_NAMES, "future.event"]), max_size=7).map(tuple), st.booleans()
)


@given(st.none() | BLOCKS)
def test_states_get_through_and_the_rest_stays(before: StreamBlock | None) -> None:
    after = wanted(before)
    if after is None:
        assert before is not None and before.tells_states
        return
    assert after.tells_states
    if before is not None:
        assert after.events[: len(before.events)] == before.events
        assert set(after.events) - set(before.events) <= {"instance.state"}
        assert after.media == before.media
    assert wanted(after) is None


@pytest.mark.parametrize(
    ("before", "held", "words"),
    [
        (None, ("instance.state",), "Streaming is on: instance.state"),
        (StreamBlock(False), ("instance.state",), "Streaming is on"),
        (StreamBlock(True, ("message.exchange",)), ("message.exchange", "instance.state"), "the filter keeps the rest"),
        (StreamBlock(True), (), "was on already"),
    ],
)
def test_what_is_written_and_said(
    before: StreamBlock | None, held: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story(b: Bench) -> None:
        b.server.instances["a"].block = before
        outcome = await b.account.stream_on("a")
        assert outcome.ok and words in outcome.message
        block = b.server.instances["a"].block
        assert block is not None and (block.enabled, block.events) == (True, held)

    bench(monkeypatch, tmp_path, story, extensions=PLAIN)


def test_a_server_that_takes_it_and_does_not_keep_it_is_found_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        b.server.instances["a"].block, b.server.keeps = None, StreamBlock(False)
        outcome = await b.account.stream_on("a")
        assert not outcome.ok and "still holds the stream back" in outcome.message
        assert not (await b.account.stream_on("gone")).ok

    bench(monkeypatch, tmp_path, story, extensions=PLAIN)


def test_read_only_sends_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        b.server.instances["a"].block = None
        assert "Read-only" in (await b.account.stream_on("a")).message
        assert b.server.instances["a"].block is None

    bench(monkeypatch, tmp_path, story, extensions=PLAIN, read_only=True)
