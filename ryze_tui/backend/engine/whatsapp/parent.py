"""One worker process as the server sees it: started, heard, asked, watched, and ended for certain.

Whatever a worker does, it ends as `ended(worker, why)`, once, with no process, descriptor or task left behind: it may refuse,
hang, flood, crash, be killed, or say what is no frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ....redact import clean, mask
from ...egress import Egress
from ...errors import EngineError
from . import frames
from .frames import Answer, Ask, BadFrame, Event, Frame, Ping, Pong, Ready, Refused
from .relay import Relay

log = logging.getLogger(__name__)

MISSED: Final = 3
"""Pings in a row without a word from the worker: it hangs."""
TAIL_BYTES: Final = 4096
BURIAL_SECONDS: Final = 5.0
CHATTER: Final = ("Press Ctrl+C to exit", "Login event:")
_AT_A_TIME: Final = 64


@dataclass(slots=True, frozen=True)
class Limits:
    """Seconds, frames and bytes that a worker has.

    `ready`: to load neonize. `ping`: between two questions whether it is there. `term`: between SIGTERM and SIGKILL. `frames`
    and `printed` (bytes to stdout and stderr) within `window` seconds. `unsent`: bytes that wait for it.
    """

    ready: float = 30.0
    ping: float = 5.0
    term: float = 1.5
    frames: int = 60_000
    printed: int = 16 * 2**20
    window: float = 5.0
    unsent: int = 256 * 2**20


class _Meter:
    """Whether more than so much came within so many seconds."""

    def __init__(self, most: int, seconds: float, now: Callable[[], float]) -> None:
        self._most, self._seconds, self._now = most, seconds, now
        self._since, self._count = now(), 0

    def full(self, more: int = 1) -> bool:
        if self._now() - self._since > self._seconds:
            self._since, self._count = self._now(), 0
        self._count += more
        return self._count > self._most


class _Printed(asyncio.Protocol):
    """What a worker prints: its end is kept, for whoever wants to know why it crashed."""

    def __init__(self, meter: _Meter, flooded: Callable[[], None]) -> None:
        self._meter, self._flooded = meter, flooded
        self.tail = b""

    def data_received(self, data: bytes) -> None:
        self.tail = (self.tail + data)[-TAIL_BYTES:]
        if self._meter.full(len(data)):
            self._flooded()


class Worker:
    """Starts at once. `hear` gets every event, `ended` the end; both may be set anew until something happens."""

    def __init__(self, command: Sequence[str], egress: Egress, limits: Limits) -> None:
        loop = asyncio.get_running_loop()
        self.hear: Callable[[Event], None] = _nothing
        self.ended: Callable[[Worker, str], None] = _nothing
        self.ready: asyncio.Future[None] = loop.create_future()
        self.ready.add_done_callback(_look)
        self.relay: Relay | None = None
        self.port = 0
        self._command, self._egress, self._limits = command, egress, limits
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._lifeline: socket.socket | None = None
        self._output: asyncio.BaseTransport | None = None
        self._printed = _Printed(_Meter(limits.printed, limits.window, loop.time), lambda: self.kill("it prints without end"))
        self._frames = _Meter(limits.frames, limits.window, loop.time)
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._numbers = itertools.count(1)
        self._missed = 0
        self._why = ""
        self._loaded = self._over = False
        self._life = loop.create_task(self._live())

    @property
    def pid(self) -> int:
        """0 before it was started."""
        return self._process.pid if self._process is not None else 0

    @property
    def works(self) -> bool:
        """Ready, and not about to end."""
        return self._loaded and not (self._why or self._over)

    # -- what is said to it --------------------------------------------------------------------------------------------

    def send(self, frame: Frame) -> None:
        """Into the void when it has ended. Raises EngineError when the frame is too large."""
        try:
            data = frames.encode(frame)
        except BadFrame as error:
            raise EngineError(str(error)) from None
        if self._writer is None or self._over:
            return
        self._writer.write(data)
        if self._writer.transport.get_write_buffer_size() > self._limits.unsent:
            self.kill("it takes nothing any more")

    async def ask(self, link: str, what: str, about: dict[str, Any], blob: bytes = b"") -> Answer:
        """Its answer. Raises EngineError with the answer's error, or when it ends before."""
        if not self.works:
            raise EngineError("the engine's worker is not there")
        number = next(self._numbers)
        future = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self.send(Ask(number, link, what, about, blob))
            answer: Answer = await future
        finally:
            self._asked.pop(number, None)
        if answer.error:
            raise EngineError(clean(mask(answer.error))[:300])
        return answer

    def kill(self, why: str) -> None:
        """SIGKILL; `ended` is told a moment later."""
        self._why = self._why or why
        self._signal(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when that is not enough; it has ended when this returns."""
        self._why = self._why or "the server stops"
        self._signal(signal.SIGTERM)
        done, _ = await asyncio.wait({self._life}, timeout=self._limits.term)
        if not done:
            self._signal(signal.SIGKILL)
            await asyncio.wait({self._life})

    async def gone(self) -> None:
        """When it has ended."""
        await asyncio.wait({self._life})

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    # -- its life ------------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        why = "it ended"
        try:
            reader = await self._start()
            watch = asyncio.get_running_loop().create_task(self._watch())
            try:
                await self._converse(reader)
            finally:
                watch.cancel()
        except BadFrame as error:
            why = f"it sent what nobody understands: {error}"
        except (EOFError, OSError) as error:
            why = f"it could not be started: {error.strerror}" if self._process is None and isinstance(error, OSError) else why
        except EngineError as error:
            why = str(error)
        except Exception as error:
            log.exception("a worker was given up because of a bug")
            why = f"the server failed at it ({type(error).__name__})"
        await self._bury()
        self._tell_end(why)

    async def _start(self) -> asyncio.StreamReader:
        mine, its = socket.socketpair()
        lifeline, its_lifeline = socket.socketpair()
        output, its_output = os.pipe()
        self._lifeline = lifeline
        lifeline.setblocking(False)
        try:
            loop = asyncio.get_running_loop()
            self._output, _ = await loop.connect_read_pipe(lambda: self._printed, os.fdopen(output, "rb", 0))
            reader, self._writer = await asyncio.open_unix_connection(sock=mine, limit=2**20)
            given = (its.fileno(), its_lifeline.fileno())
            self._process = await asyncio.create_subprocess_exec(
                *self._command, *map(str, given), stdin=asyncio.subprocess.DEVNULL, stdout=its_output, stderr=its_output,
                pass_fds=given, start_new_session=True, env=_environment(),
            )  # fmt: skip
        finally:
            its.close()
            its_lifeline.close()
            os.close(its_output)
        if self._why:  # somebody was faster
            self._signal(signal.SIGKILL)
        return reader

    async def _converse(self, reader: asyncio.StreamReader) -> None:
        try:
            async with asyncio.timeout(self._limits.ready):
                frame = await frames.read(reader.readexactly, frames.FROM_WORKER)
        except TimeoutError:
            raise EngineError(f"it did not load neonize within {self._limits.ready:g} s") from None
        if isinstance(frame, Refused):
            raise EngineError(clean(mask(frame.why))[:500])
        if not isinstance(frame, Ready):
            raise BadFrame(f"the frame {frame.kind} before it was ready")
        await self._open_relay(frame)
        self._loaded = True
        self.ready.set_result(None)
        for count in itertools.count(1):
            self._take(await frames.read(reader.readexactly, frames.FROM_WORKER))
            if count % _AT_A_TIME == 0:
                await asyncio.sleep(0)  # what is buffered is read without a pause otherwise

    async def _open_relay(self, ready: Ready) -> None:
        assert self._lifeline is not None
        try:
            _, handed, _, _ = socket.recv_fds(self._lifeline, 16, 4)
        except BlockingIOError:
            raise BadFrame("no socket before the ready frame") from None
        if len(handed) != 1:
            _close(handed)
            raise BadFrame(f"{len(handed)} sockets, and one is wanted")
        try:
            listener = socket.socket(fileno=handed[0])
        except OSError:
            _close(handed)
            raise BadFrame("a descriptor that is no socket") from None
        try:
            listener.setblocking(False)
            if listener.getsockname()[:2] != ("127.0.0.1", ready.port):
                raise BadFrame("a socket that listens elsewhere")
            self.relay = Relay(self._egress, listener)
            await self.relay.open()
        except BadFrame:
            listener.close()
            raise
        except OSError:
            listener.close()
            raise BadFrame("a socket that is of no use") from None
        self.port = ready.port

    def _take(self, frame: Frame) -> None:
        self._missed = 0
        if self._frames.full():
            raise EngineError("it sends without end")
        if isinstance(frame, Event):
            try:
                self.hear(frame)
            except Exception:
                log.exception("what a worker told could not be applied")
        elif isinstance(frame, Answer):
            asked = self._asked.get(frame.number)
            if asked is not None and not asked.done():
                asked.set_result(frame)
        elif not isinstance(frame, Pong):
            raise BadFrame(f"the frame {frame.kind} in the middle")

    async def _watch(self) -> None:
        await asyncio.wait({self.ready})
        for number in itertools.count(1):
            await asyncio.sleep(self._limits.ping)
            if self._missed >= MISSED:
                self._why = self._why or "it hangs"
                self._signal(signal.SIGTERM)
                await asyncio.sleep(self._limits.term)
                self._signal(signal.SIGKILL)
                return
            self._missed += 1
            self.send(Ping(number))

    async def _bury(self) -> None:
        """No process, descriptor or task of it is left."""
        self._over = True
        process = self._process
        if process is not None:
            self._signal(signal.SIGKILL)  # the whole group: a wrapper may have children
            try:
                async with asyncio.timeout(BURIAL_SECONDS):
                    await process.wait()
            except TimeoutError:
                log.error("the worker %d does not end, not even by SIGKILL", process.pid)
        if self._lifeline is not None:
            self._lifeline.close()
        if self._writer is not None:
            self._writer.transport.abort()
        if self._output is not None:
            await asyncio.sleep(0)  # its last words
            self._output.close()
        if self.relay is not None:
            await self.relay.close()

    def _tell_end(self, why: str) -> None:
        why = self._why or why
        code = self._process.returncode if self._process is not None else None
        if not self._why and why == "it ended" and code is not None:
            why = f"it was ended by {_signal_name(-code)}" if code < 0 else f"it ended with exit code {code}"
        if not self._why and (said := _without_chatter(self._printed.tail)):
            log.warning("a worker of the whatsapp engine ended (%s); it said: %s", why, said[-1500:])
        error = EngineError(f"the engine's worker ended: {why}")
        if not self.ready.done():
            self.ready.set_exception(EngineError(why))
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(error)
        self.ended(self, why)


def _without_chatter(tail: bytes) -> str:
    """What a worker printed, fit for the log, without what the library says to every session."""
    lines = [line for line in tail.decode("utf-8", "replace").splitlines() if not line.startswith(CHATTER)]
    return clean(mask("\n".join(lines))).strip()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _environment() -> dict[str, str]:
    """The server's, without anything that is ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RYZE_")}


def _close(descriptors: list[int]) -> None:
    for one in descriptors:
        os.close(one)


def _nothing(*_about: object) -> None:
    pass


def _look(future: asyncio.Future[None]) -> None:
    """Whoever asks gets the error; asyncio need not complain when nobody does."""
    if not future.cancelled():
        future.exception()
