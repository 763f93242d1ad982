"""One worker process, real and misbehaving: it ends for a reason in words, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from ryze_tui.backend.egress import Egress
from ryze_tui.backend.engine.whatsapp.frames import Dial, Event
from ryze_tui.backend.engine.whatsapp.parent import Limits, Worker
from ryze_tui.backend.errors import EngineError

FAKE = Path(__file__).parents[3] / "fakes" / "frames_worker.py"
QUICK = Limits(ready=20, ping=0.3, term=0.2, frames=2000, printed=2**20, window=5)
Start = Callable[..., Worker]


def command(directory: Path) -> tuple[str, ...]:
    return sys.executable, str(FAKE), str(directory)



def open_count() -> int:
    return len(os.listdir("/proc/self/fd"))


class Ends:
    """Workers that a test starts, and how each ended."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.why: dict[Worker, str] = {}
        self.events: list[Event] = []

    def behave(self, *words: str) -> None:
        (self.directory / "behaviour").write_text("\n".join(words))

    def start(self, limits: Limits = QUICK, argv: tuple[str, ...] = ()) -> Worker:
        worker = Worker(argv or command(self.directory), Egress(allow_private=True), limits)
        worker.hear = self.events.append
        worker.ended = self.why.__setitem__
        return worker

    async def end_of(self, worker: Worker) -> str:
        async with asyncio.timeout(30):
            await worker.gone()
        return self.why[worker]

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()


@pytest_asyncio.fixture
async def ends(tmp_path: Path) -> AsyncIterator[Ends]:
    before = open_count()
    made = Ends(tmp_path)
    yield made
    await asyncio.sleep(0)
    assert open_count() <= before, "a descriptor was left open"
    assert len(asyncio.all_tasks()) <= 2, asyncio.all_tasks()
    for pid in {int(line.split()[0]) for line in made.log.splitlines()} if (tmp_path / "log").exists() else ():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_it_works_answers_and_stops(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RYZE_KEY", "a secret")
    worker = ends.start()
    await worker.ready
    worker.send(Dial("link-1", 1, "/x", -1, ""))
    answer = await worker.ask("link-1", "send", {"to": "somebody"}, b"bytes" * 1000)
    assert answer.data["id"] == "ID" and answer.blob == b"bytes" * 1000
    assert [event.what for event in ends.events] == ["up"]
    await worker.stop()
    assert ends.why == {worker: "the server stops"}
    assert "start []" in ends.log, "nothing of ours is in a worker's environment"
    with pytest.raises(EngineError, match="not there"):
        await worker.ask("link-1", "send", {})


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("refuse", "neonize is not what it was; install it again"),
        ("garbage", "it sent what nobody understands: no JSON"),
        ("huge", "it sent what nobody understands: a frame of 2147483648 and 0 bytes"),
        ("early", "it sent what nobody understands: no socket before the ready frame"),
        ("eager", "it sent what nobody understands: the frame event before it was ready"),
        ("two", "it sent what nobody understands: 2 sockets, and one is wanted"),
        ("pipe", "it sent what nobody understands: a descriptor that is no socket"),
        ("elsewhere", "it sent what nobody understands: a socket that listens elsewhere"),
        ("again", "it sent what nobody understands: the frame ready in the middle"),
        ("flood", "it sends without end"),
        ("print", "it prints without end"),
        ("crash", "it was ended by SIGSEGV"),
        ("hang", "it hangs"),
    ],
)
async def test_every_way_to_fail_has_its_words(ends: Ends, behaviour: str, why: str) -> None:
    ends.behave(behaviour)
    worker = ends.start()
    assert await ends.end_of(worker) == why
    assert not worker.works


async def test_one_that_hangs_and_ignores_sigterm_is_killed(ends: Ends) -> None:
    ends.behave("stubborn", "hang")
    assert await ends.end_of(ends.start()) == "it hangs"


async def test_one_that_is_stopped_from_outside_is_killed(ends: Ends) -> None:
    worker = ends.start()
    await worker.ready
    os.kill(worker.pid, signal.SIGSTOP)
    assert await ends.end_of(worker) == "it hangs"


async def test_stopping_ends_what_ignores_sigterm(ends: Ends) -> None:
    ends.behave("stubborn")
    worker = ends.start(Limits(ping=60, term=0.2))
    await worker.ready
    await worker.ask("", "nothing", {})
    await worker.stop()
    assert ends.why[worker] == "the server stops"


async def test_killed_from_outside(ends: Ends) -> None:
    worker = ends.start()
    await worker.ready
    ends.behave("mute send")
    asking = asyncio.create_task(worker.ask("link", "send", {}))
    while "ask link send" not in ends.log:
        await asyncio.sleep(0.005)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(EngineError, match="ended by SIGKILL"):
        await asking
    assert await ends.end_of(worker) == "it was ended by SIGKILL"


async def test_one_that_takes_nothing_is_not_fed_without_end(ends: Ends) -> None:
    ends.behave("deaf")
    worker = ends.start(Limits(ping=60, unsent=2**20))
    await worker.ready
    for _ in range(64):
        worker.send(Dial("a", 1, "x" * 65000, -1, ""))
    assert await ends.end_of(worker) == "it takes nothing any more"
    worker.send(Dial("a", 2, "/x", -1, ""))  # into the void
    assert ends.events == []


async def test_killed_before_it_was_started(ends: Ends) -> None:
    worker = ends.start()
    worker.kill("nobody wants it")
    assert await ends.end_of(worker) == "nobody wants it"
    with pytest.raises(EngineError):
        await worker.ready


async def test_one_that_never_gets_ready(ends: Ends) -> None:
    ends.behave("late")
    assert await ends.end_of(ends.start(Limits(ready=0.3, term=0.1))) == "it did not load neonize within 0.3 s"


async def test_a_command_that_is_not_there(ends: Ends) -> None:
    why = await ends.end_of(ends.start(argv=("/nowhere/python",)))
    assert why == "it could not be started: No such file or directory"


async def test_what_a_crash_printed_is_logged_without_secrets(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    ends.behave("crash")
    await ends.end_of(ends.start())
    assert "panic: at http" in caplog.text and "hunter2" not in caplog.text and "AAAAAA" not in caplog.text
