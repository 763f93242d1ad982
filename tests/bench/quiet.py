"""What a console costs that nobody uses: bytes, processor, wake-ups; on one socket, and on two hundred."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..terminal.server import Server
from . import stock
from .measure import Figure, Watched, family, processor_seconds
from .running import console

SOCKETS: Final = 200


def counters(pid: int, name: str) -> int:
    """The sum over all threads of a line of /proc/PID/task/*/status or …/io."""
    total = 0
    for one in family(pid):
        for task in Path(f"/proc/{one}/task").iterdir():
            text = (task / ("io" if name in ("wchar", "syscw") else "status")).read_text()
            found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
            assert found, f"no {name} of {one}"
            total += int(found[1])
    return total


@dataclass(frozen=True, slots=True)
class Idle:
    """What was seen in `seconds`: seconds with output, bytes to the terminal, processor in percent, wake-ups of threads."""

    seconds: int
    loud: int
    size: int
    processor: float
    wakes: int


def watch(term: Watched, seconds: int) -> Idle:
    """Nobody does anything."""
    before, woken, begin = processor_seconds(term.pid), counters(term.pid, "voluntary_ctxt_switches"), time.monotonic()
    loud = size = 0
    for _ in range(seconds):
        came = term.watch(1.0)
        loud += came > 0
        size += came
    busy = (processor_seconds(term.pid) - before) / (time.monotonic() - begin) * 100
    return Idle(seconds, loud, size, busy, counters(term.pid, "voluntary_ctxt_switches") - woken)


def figures(seen: Idle, label: str) -> list[Figure]:
    """Against the budgets; a short look says nothing of the processor, whose clock ticks every 10 ms."""
    share = 60 / seen.seconds
    return [
        Figure(f"{label}: seconds with output, of 60", seen.loud * share, "", 10, f"{seen.seconds} s measured"),
        Figure(f"{label}: bytes a second", seen.size / seen.seconds, "B/s", 20),
        Figure(f"{label}: processor", seen.processor, "%", 0.3 if seen.seconds >= 60 else None, "a core"),
        Figure(f"{label}: wake-ups a second", seen.wakes / seen.seconds, "/s", None, "voluntary context switches of all threads"),
    ]


def idle(term: Watched, seconds: int) -> list[Figure]:
    """On the account stream, beside the smallest Textual application; then once more under strace, which must count the same."""
    found = figures(watch(term, seconds), "idle")
    with stock.static() as static:
        woken = counters(static.pid, "voluntary_ctxt_switches")
        static.watch(5)
        found.append(Figure("the wake-ups of a one-Static app, for comparison",
                            (counters(static.pid, "voluntary_ctxt_switches") - woken) / 5, "/s"))  # fmt: skip
    return found + traced(term, min(seconds, 30))


@dataclass(frozen=True, slots=True)
class Traced:
    """What strace saw: bytes written to terminals, and waits that ended (each a wake-up)."""

    written: int
    waits: int


WAITS: Final = ("epoll_wait", "poll", "select", "pselect6", "futex", "clock_nanosleep")
TERMINAL: Final = re.compile(r"\bwrite\(\d+</dev/pts/\d+>")
RESULT: Final = re.compile(r"= (\d+)(?: |$)")
CALL: Final = re.compile(r"^(\d+)\s+(?:<\.\.\. )?(\w+)")


def read_trace(lines: Sequence[str]) -> Traced:
    """Of `strace -f -y`: writes to a pty are those to a descriptor called `/dev/pts/…`; a call may come in two lines."""
    written, ended, to_terminal = 0, 0, set()
    for line in lines:
        if (call := CALL.match(line)) is None:
            continue
        thread, name = call.groups()
        if name in WAITS:
            ended += "unfinished" not in line
        elif name == "write" and (TERMINAL.search(line) or ("resumed" in line and thread in to_terminal)):
            result = RESULT.search(line.rpartition(")")[2])
            to_terminal.discard(thread)
            if result is None:
                to_terminal.add(thread)
            else:
                written += int(result[1])
    return Traced(written, ended)


def traced(term: Watched, seconds: int) -> list[Figure]:
    """The same by strace where it is installed, else by the kernel's count of all writes (which are those to sockets too)."""
    if shutil.which("strace") is None:
        return counted(term, seconds)
    with tempfile.NamedTemporaryFile(prefix="ryze-strace-") as file:
        words = ["strace", "-f", "-y", "-q", "-e", f"trace=write,{','.join(WAITS)}", "-o", file.name, "-p", str(term.pid)]
        tracer = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        term.watch(2.0)  # it attaches
        skip, mark = lines_of(file.name), term.mark()
        term.watch(seconds)
        idle_lines, idle_bytes = lines_of(file.name)[len(skip) :], term.written_since(mark)
        term.press("down")
        term.settle(stock.QUIET)
        everything = term.written_since(mark)
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
        whole = read_trace(lines_of(file.name)[len(skip) :])
    seen = read_trace(idle_lines)
    assert (seen.written, whole.written) == (idle_bytes, everything), f"{seen}, {whole}, but {idle_bytes}, {everything} B came"
    note = f"{seconds} s, and {everything - idle_bytes} B of a key: as many as came"
    return [
        Figure("idle: bytes to the terminal, by strace", seen.written / seconds, "B/s", 20, note),
        Figure("idle: waits that ended, by strace", seen.waits / seconds, "/s"),
    ]


def lines_of(name: str) -> list[str]:
    """Lines so far."""
    return Path(name).read_text().splitlines()


def counted(term: Watched, seconds: int) -> list[Figure]:
    """By /proc/PID/io."""
    before = counters(term.pid, "wchar")
    size = term.watch(seconds)
    wrote = counters(term.pid, "wchar") - before
    assert wrote >= size, f"the kernel counted {wrote} bytes, the terminal got {size}"
    return [Figure("idle: bytes written in all, by the kernel", wrote / seconds, "B/s", None, f"{size} of them to the terminal")]


def with_sockets(seconds: int) -> list[Figure]:
    """Against the plain contract: a socket on each of 200 instances."""
    with (
        tempfile.TemporaryDirectory(prefix="ryze-bench-") as home,
        Server(Path(home), instances=SOCKETS, rate_limit=0, extensions=False) as server, console(server) as term,
    ):  # fmt: skip
        end = time.monotonic() + 120
        while (opened := sockets_of(term.pid)) < SOCKETS * 0.9 and time.monotonic() < end:
            term.watch(1.0)
        term.settle(2.0, 30)
        seen = watch(term, seconds)
        opened = sockets_of(term.pid)
    assert opened > SOCKETS * 0.9, f"only {opened} sockets were opened"
    return figures(seen, f"idle, {opened} sockets open")


def sockets_of(pid: int) -> int:
    """Sockets that a process has open."""
    return sum(str(path.readlink()).startswith("socket:") for path in Path(f"/proc/{pid}/fd").iterdir())
