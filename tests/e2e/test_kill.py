"""kill -9 at any moment under load, fifty times: what was acknowledged is there, and comes back by itself."""

from __future__ import annotations

import asyncio
import json
import os
import random
import select
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from ryze_tui.backend.secrets import load_keys

from ..fakes.real_proxies import pproxy
from ..terminal.server import Server
from .ledger import Entry
from .load import SECRETS, WORKERS, Worker

CYCLES = int(os.environ.get("RYZE_KILLS", "50"))
SEED = int(os.environ.get("RYZE_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
BACK_SECONDS = 20.0
"""How long the sessions may take to be back."""


class Story:
    """One data directory, one ledger, many lives of the server."""

    def __init__(self, home: Path, proxy_port: int) -> None:
        self.server = Server(home, speed=200.0, rate_limit=0)
        self.rng = random.Random(SEED)
        self.counts: Counter[str] = Counter()
        self.workers = [Worker(number, self.rng.randrange(10**9), self.counts, proxy_port) for number in range(WORKERS)]

    def entries(self) -> dict[str, Entry]:
        return {name: entry for worker in self.workers for name, entry in worker.entries.items()}

    async def load(self, end: signal.Signals) -> int:
        """Everybody works until the process gets that signal; its exit code."""
        transport = httpx.AsyncHTTPTransport(verify=False, limits=httpx.Limits(max_connections=4 * WORKERS))
        headers = {"token": self.server.token}
        async with httpx.AsyncClient(base_url=self.server.url, headers=headers, transport=transport, timeout=30) as http:
            tasks = [asyncio.create_task(worker.run(http)) for worker in self.workers]
            loop, at_most = asyncio.get_running_loop(), self.counts.total() + self.rng.randrange(0, 50)
            async with asyncio.timeout(60):
                while self.counts.total() < at_most and not any(task.done() for task in tasks):
                    await asyncio.sleep(0.002)
                # Counted in answers, so that a slow machine is not killed before it did anything; then a moment more.
                loop.call_later(self.rng.uniform(0, 0.05), self.server.process.send_signal, end)
                await asyncio.gather(*tasks)
        self.server.http.close()
        return self.server.process.wait(20)

    def kill_while_it_starts(self) -> None:
        """A process that never gets as far as its first line, or just about."""
        self.server.spawn()
        assert self.server.process.stdout is not None
        select.select([self.server.process.stdout], [], [], self.rng.uniform(0.0, 1.6))
        self.server.process.send_signal(self.rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
        code = self.server.process.wait(20)
        assert code in (0, -signal.SIGKILL, -signal.SIGTERM), code
        self.server.http.close()
        self.server.process.stdout.close()

    def check(self) -> list[str]:
        """What is not as it was acknowledged, once every session had the time to come back."""
        entries, end = self.entries(), time.monotonic() + BACK_SECONDS
        while True:
            items = self.server.instances()
            wrong = [problem for name, entry in entries.items() for problem in entry.wrong(items.get(name))]
            wrong += [f"{name} was never asked for" for name in items.keys() - entries.keys()]
            waits = any(item["connection"]["state"] == "connecting" for item in items.values())
            if (not wrong and not waits) or time.monotonic() > end:
                break
            select.select([], [], [], 0.02)
        wrong += [f"{name} is still connecting" for name, item in items.items() if item["connection"]["state"] == "connecting"]
        for name, entry in entries.items():
            entry.settle(items.get(name))
        some = self.rng.sample(sorted(entries), min(4, len(entries)))
        return wrong + [problem for name in some for problem in self._token(entries[name])]

    def _token(self, entry: Entry) -> list[str]:
        """The instance's own token opens its own instance, or nothing."""
        if not entry.token:
            return []
        reply = self.server.http.get("/api/instance/list", headers={"token": entry.token})
        names = [item["name"] for item in reply.json().get("instances", [])]
        expected = [entry.name] if entry.there else []
        return [] if names == expected else [f"the token of {entry.name} opens {names} ({reply.status_code}), not {expected}"]

    def secrets(self) -> list[str]:
        """The server is stopped: what no route shows is on the disk as it was sent, and nothing belongs to nobody."""
        ring = load_keys(key="", key_file=self.server.home / "server.key", data_exists=True)
        database = sqlite3.connect(self.server.home / "server" / "ryze.db")
        rows = database.execute("SELECT name, id, kind, label, json FROM instances JOIN blocks ON instance_id = id").fetchall()
        kept = {(name, kind): (f"{owner}/{kind}/{label}", json.loads(text)["secrets"]) for name, owner, kind, label, text in rows}
        (sound,) = database.execute("PRAGMA integrity_check").fetchone()
        orphans = sum(database.execute(f"SELECT count(*) FROM {table} WHERE instance_id NOT IN (SELECT id FROM instances)")
                      .fetchone()[0] for table in ("blocks", "sessions"))  # fmt: skip
        database.close()
        wrong = [] if sound == "ok" and not orphans else [f"integrity {sound}, {orphans} rows of nobody"]
        for entry in self.entries().values():
            for sent, (kind, column) in SECRETS.items():
                if entry.there and entry.sent.get(sent) and _kept(entry, kind):
                    row, sealed = kept[entry.name, kind]
                    if ring.decrypt(sealed[column], "blocks", row, column) != entry.sent[sent]:
                        wrong.append(f"{entry.name}: the secret {sent} is another one")
        return wrong


def _kept(entry: Entry, kind: str) -> bool:
    """A block that was refused or switched off keeps no secrets."""
    assert entry.views is not None
    view: dict[str, Any] = entry.views[kind]
    return bool(view["enabled"] or kind == "chatwoot")


@pytest.mark.long
@pytest.mark.timeout(600 + 12 * CYCLES)
async def test_what_was_acknowledged_survives_fifty_kills(tmp_path: Path) -> None:
    with pproxy(tmp_path, auth=False) as proxy:
        await _survives(Story(tmp_path / "server", proxy.port))


async def _survives(story: Story) -> None:
    began = time.monotonic()
    try:
        for _ in range(3):
            story.kill_while_it_starts()  # nothing is there yet, and half of it must do no harm
        for cycle in range(CYCLES):
            story.server.start()
            wrong = story.check()
            assert not wrong, f"RYZE_SEED={SEED}, before life {cycle + 1}:\n" + "\n".join(wrong[:20])
            end = signal.SIGTERM if story.rng.random() < 0.15 else signal.SIGKILL
            code = await story.load(end)
            assert code == (0 if end is signal.SIGTERM else -signal.SIGKILL), f"RYZE_SEED={SEED}: exit code {code}"
            said = [problem for worker in story.workers for problem in worker.wrong]
            assert not said, f"RYZE_SEED={SEED}, life {cycle + 1}:\n" + "\n".join(said[:20])
            while story.rng.random() < 0.25:
                story.kill_while_it_starts()
        story.server.start()
        assert not (wrong := story.check()), f"RYZE_SEED={SEED}, at the end:\n" + "\n".join(wrong[:20])
        assert story.server.stop() == 0
        assert not (wrong := story.secrets()), f"RYZE_SEED={SEED}:\n" + "\n".join(wrong[:20])
        log = story.server.log.read_text(errors="replace")
        assert "Traceback" not in log, f"RYZE_SEED={SEED}:\n{log[-4000:]}"
    finally:
        if story.server.process.poll() is None:
            story.server.process.kill()
            story.server.process.wait()
    seconds = time.monotonic() - began
    print(f"{CYCLES} lives in {seconds:.0f} s, {seconds / CYCLES:.1f} s each; answers: {dict(story.counts)}")
