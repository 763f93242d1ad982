"""Recording and playing back: what is taken, masked and written; what a file must be to be played; gaps as they were."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from ryze_tui import redact
from ryze_tui.api.errors import RateLimited, Refused, RyzeError, TokenRefused, Unreachable
from ryze_tui.client.stream import StreamEnded
from ryze_tui.operations.tape import BadTape, Played, Recording, Taken, Tape, gaps, played

ENVELOPE = {
    "event": "message.exchange", "data": {"text": "hi"}, "instanceData": {"instance": "sales", "token": "tok-of-sales-123"},
}  # fmt: skip


class Clock:
    """Sleeps are noted and over at once."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return 100.0 + sum(self.slept)

    def time(self) -> float:
        return 1_800_000_000.0 + sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


class Stream:
    """Gives these frames, then this end."""

    def __init__(self, frames: list[Any], end: RyzeError) -> None:
        self.frames, self.end, self.closed, self.pings = list(frames), end, False, 0

    async def recv(self, seconds: float) -> str | bytes | None:
        if not self.frames:
            raise self.end
        frame = self.frames.pop(0)
        return frame if frame is None or isinstance(frame, str) else json.dumps(frame)

    async def ping(self, seconds: float) -> None:
        self.pings += 1

    def silence(self) -> float:
        return 0.0

    async def close(self) -> None:
        self.closed = True


async def recorded(*lives: Stream | RyzeError) -> tuple[list[Taken], list[str], list[str], Clock, RyzeError]:
    """What is taken and told until a dial is refused for good; the positions that were dialled with."""
    taken: list[Taken] = []
    told: list[str] = []
    dialled: list[str] = []
    clock, left = Clock(), [*lives, Refused("it is over", status=404)]

    async def dial(after: str) -> Any:
        dialled.append(after)
        one = left.pop(0)
        if isinstance(one, RyzeError):
            raise one
        return one

    tape = Tape(
        dial, take=taken.append, told=told.append, lost=lambda: told.append("LOST"), began=90.0,
        clock=clock, random=lambda: 0.0,  # type: ignore[arg-type]
    )  # fmt: skip
    with pytest.raises(RyzeError) as over:
        await tape.run()
    return taken, told, dialled, clock, over.value


async def test_events_are_taken_and_a_stream_that_breaks_is_opened_again_where_it_was() -> None:
    snapshot = {"seq": "e.1", "event": "snapshot", "data": {"rows": []}, "instance": ""}
    state = {"seq": "e.2", "event": "instance.state", "data": {"state": "connected"}, "instance": "sales"}
    beat = {"seq": "e.3", "event": "heartbeat", "data": {}, "instance": ""}
    first = Stream([snapshot, state, None, "nonsense", {"no": "event"}, beat], StreamEnded("broke off"))
    taken, told, dialled, clock, over = await recorded(first, Unreachable("away"), Stream([ENVELOPE], StreamEnded("gone", 1008)))
    assert [(one.event, one.instance) for one in taken] == [("instance.state", "sales"), ("message.exchange", "sales")]
    assert taken[0].after == 10.0 and taken[0].frame == state
    assert first.closed and first.pings == 1
    assert dialled == ["", "e.3", "e.3", "e.3"]
    assert told.count("broke off") == 1 and "away" in told and "" in told and "it is over" not in told
    assert clock.slept == [1.0, 2.0, 1.0]
    assert over.status == 404 and "LOST" not in told  # it went on where it was


async def test_events_that_were_lost_are_told() -> None:
    snapshot = {"seq": "f.1", "event": "snapshot", "data": {"rows": []}, "instance": ""}
    beat = {"seq": "e.3", "event": "heartbeat", "data": {}, "instance": ""}
    lives = Stream([beat], StreamEnded("broke off")), Stream([snapshot, snapshot, beat], StreamEnded("broke off"))
    _taken, told, _dialled, _clock, _over = await recorded(*lives)
    assert told == ["broke off", "", "LOST", "broke off"]  # the server knew that position no more
    _taken, told, *_rest = await recorded(Stream([ENVELOPE], StreamEnded("broke off")), Stream([ENVELOPE], StreamEnded("gone")))
    assert told == ["broke off", "", "LOST", "gone"]  # the stream of an instance knows no positions


@pytest.mark.parametrize("error", [Unreachable("away"), TokenRefused("no", status=401), Refused("off", status=400)])
async def test_what_cannot_be_opened_at_all_is_said_at_once(error: RyzeError) -> None:
    _taken, told, _dialled, clock, over = await recorded(error)
    assert over is error and not told and not clock.slept


async def test_too_many_requests_are_waited_for() -> None:
    _taken, told, dialled, clock, _over = await recorded(RateLimited("slow down", retry_after=7))
    assert clock.slept == [7] and told == ["slow down"] and len(dialled) == 2


def test_a_line_is_masked_unless_it_is_not_to_be() -> None:
    redact.forget_all()
    frame = {**ENVELOPE, "data": {"codes": ["2@abc"], "qrCode": "2@abc", "text": 'my "token: x" \\', "n": 3, "pairingCode": None}}
    taken = Taken(1_800_000_000.25, 1.23456, "sales", "message.exchange", frame)
    line = taken.line()
    assert (line["at"], line["after"]) == ("2027-01-15T08:00:00.250Z", 1.235)
    assert "tok-of-sales-123" not in json.dumps(line) and "2@abc" not in json.dumps(line)
    assert line["frame"]["data"]["n"] == 3 and line["frame"]["data"]["pairingCode"] is None
    assert taken.line(reveal=True)["frame"] == frame


def test_a_recording_is_new_private_and_not_left_behind_empty(tmp_path: Path) -> None:
    path = tmp_path / "tape.ndjson"
    Recording(path).close()
    assert not path.exists()
    recording = Recording(path)
    recording.write({"text": "olá \ud800"})
    recording.close()
    assert path.stat().st_mode & 0o777 == 0o600 and path.read_bytes().endswith(b"}\n")
    with pytest.raises(FileExistsError):
        Recording(path)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        Recording(tmp_path / "link")


def lines(*frames: Any, after: Any = 0.5) -> list[str]:
    return [json.dumps({"at": "x", "after": after, "instance": "", "event": "", "frame": frame}) for frame in frames]


def test_what_is_played() -> None:
    account = {"seq": "e.2", "event": "instance.state", "data": {"state": "connected"}, "instance": "sales"}
    row = {"seq": "e.3", "event": "instance.row", "data": {"name": "sales"}, "instance": "sales"}
    found, left = played(["", *lines(ENVELOPE, account, row)], own=("instance.row",))
    assert left == 1
    assert [(one.number, one.event) for one in found] == [(2, "message.exchange"), (3, "instance.state")]
    assert {one.instance for one in found} == {"sales"}
    assert found[0].envelope == ENVELOPE
    assert found[1].envelope["instanceData"] == {"baseUrl": "", "instance": "sales", "token": ""}


@pytest.mark.parametrize("text", [
    "nonsense", "[]", "{}", '{"frame": {"event": "x"}}', *lines({"event": 3, "data": {}}), *lines(ENVELOPE, after="1"),
    *lines(ENVELOPE, after=-1), *lines(ENVELOPE, after=True), *lines(ENVELOPE, after=None), "[" * 100_000,
], ids=range(10))  # fmt: skip
def test_a_file_that_cannot_be_played_names_the_line(text: str) -> None:
    with pytest.raises(BadTape, match=r"line 2: .*nothing was sent"):
        played([*lines(ENVELOPE), text], own=())


async def test_gaps_are_as_they_were_and_what_is_late_is_not_later() -> None:
    clock = Clock()
    tape = [Played(n, after, "a", "x", {}) for n, after in enumerate((5.0, 5.0, 7.0, 11.0))]
    seen = []
    async for line in gaps(tape, 2.0, clock.sleep, clock.monotonic):
        seen.append((line.number, clock.monotonic() - 100))
        if line.number == 2:
            clock.slept.append(1.5)  # the receiver took so long
    assert seen == [(0, 0.0), (1, 0.0), (2, 1.0), (3, 3.0)]
