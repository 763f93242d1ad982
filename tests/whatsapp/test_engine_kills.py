"""Fifty sessions in a server of its own process, whose workers are killed at random: nobody notices for long.

`RYZE_MINUTES=10 pytest tests/whatsapp/test_engine_kills.py -s` for ten minutes of it, with its figures; else half a minute.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from pathlib import Path
from typing import Final

import pytest

from tests.fakes.whatsapp.device import Device
from tests.terminal.server import Server

from ..pace import patient
from .elsewhere import Elsewhere, serving, workers_of

pytestmark = [pytest.mark.whatsapp, pytest.mark.long, pytest.mark.timeout(1500)]
MINUTES: Final = float(os.environ.get("RYZE_MINUTES", "0.5"))
SESSIONS: Final = 50
PAUSE: Final = 4.0
"""Seconds between two kills, on average."""
WAYS: Final = (signal.SIGKILL, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGSTOP)
"""One that is stopped hangs, which is noticed after 20 s."""
RETURN_SECONDS: Final = 150.0
"""Whoever was killed again and again is left alone for a minute each time."""


def memory(pid: int) -> float:
    """MB that are this process's share."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no Pss")


def held(pid: int) -> tuple[int, int]:
    """Descriptors and threads."""
    me = Path(f"/proc/{pid}")
    return len(list((me / "fd").iterdir())), len(list((me / "task").iterdir()))


def zombies(pid: int) -> list[int]:
    """Children that are dead and were not waited for."""
    found = []
    for one in workers_of(pid):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                found.append(one)
    return found


def all_up(server: Server, devices: list[Device], seconds: float) -> float:
    """Until every instance is connected, and WhatsApp says the same; how long that took."""
    began = time.monotonic()
    while True:
        down = [name for name, state in server.states().items() if state != "connected"]
        if not down and all(device.link for device in devices):
            return time.monotonic() - began
        assert time.monotonic() - began < patient(seconds), down
        time.sleep(0.2)


def settled(server: Server, workers: int) -> list[int]:
    """The workers, once there are as many as before: the one that waits, loaded, as well."""
    end = time.monotonic() + patient(60)
    while len(pids := workers_of(server.process.pid)) != workers:
        assert time.monotonic() < end, pids
        time.sleep(0.2)
    return pids


def buried(pids: set[int]) -> None:
    """Until all of them are gone, one that hangs as well."""
    end = time.monotonic() + patient(60)
    while left := [pid for pid in pids if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < end, left
        time.sleep(0.1)


def kill_for(server: Server, seconds: float, rng: random.Random) -> set[int]:
    """Whom: the server's children, whatever they are at."""
    killed: set[int] = set()
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, rng.expovariate(1 / PAUSE)))
        assert server.process.poll() is None, "the server ended"
        if pids := workers_of(server.process.pid):
            pid = rng.choice(pids)
            try:
                os.kill(pid, rng.choice(WAYS))
                killed.add(pid)
            except ProcessLookupError:
                pass
    return killed


def test_fifty_sessions_and_workers_killed_at_random(tmp_path: Path) -> None:
    seed = int(os.environ.get("RYZE_SEED", "50"))
    with Elsewhere() as there, serving(tmp_path / "server", there.wa, rate_limit=0) as server:
        for number in range(SESSIONS):
            name = f"n{number:02}"
            server.create(name)
            text = server.call("GET", f"/api/instance/connect/{name}")["qrCode"]
            there.does(there.wa.scan(there.wa.phone(f"55119999{number:05}"), text))
        devices, pid = list(there.wa.devices), server.process.pid
        all_up(server, devices, 60)
        time.sleep(2)
        workers = workers_of(pid)
        before, logins = held(pid), sum(device.logins for device in devices)
        own, each = memory(pid), sum(map(memory, workers)) / SESSIONS
        print(f"\n{SESSIONS} sessions in {len(workers)} workers, one of them spare: {each:.1f} MB each, the server {own:.0f} MB")

        killed = kill_for(server, MINUTES * 60, random.Random(seed))
        last = time.monotonic()
        buried(killed)
        all_up(server, devices, RETURN_SECONDS)
        took = time.monotonic() - last
        pids = settled(server, len(workers))
        after = held(pid)
        logins = sum(device.logins for device in devices) - logins
        print(f"{MINUTES:g} minutes, seed {seed}: {len(killed)} workers killed, {logins} logins again, all back {took:.1f} s "
              f"after the last; descriptors {before[0]} -> {after[0]}, threads {before[1]} -> {after[1]}, the server "
              f"{own:.0f} -> {memory(pid):.0f} MB, {sum(map(memory, pids)) / SESSIONS:.1f} MB a session")  # fmt: skip

        assert server.process.poll() is None and server.process.pid == pid
        assert zombies(pid) == []
        assert after[0] <= before[0] + 6 and after[1] <= before[1] + 6, (before, after)
        ana = there.wa.person("5511777770001", "Ana")
        for device in devices:
            there.does(ana.say(device, "still there?"))
        end = time.monotonic() + patient(30)
        while sum(server.call("GET", f"/api/instance/metrics/n{number:02}")["metrics"]["messagesReceived"] == 1
                  for number in range(SESSIONS)) < SESSIONS:  # fmt: skip
            assert time.monotonic() < end, "a message did not come in"
            time.sleep(0.5)
        pids = workers_of(pid)
        assert server.stop() == 0
        assert not any(Path(f"/proc/{one}").exists() for one in pids)
    assert "Traceback" not in server.log.read_text()
