"""kill -9 of the server at any moment: what was kept is in Chatwoot once, in order, and no reply is sent twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..fakes.chatwoot.process import Chatwoot
from .chatwoot import message
from .harness import TOKEN

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("RYZE_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)


class Bridged:
    """One life after the other of a server on one data directory."""

    def __init__(self, home: Path) -> None:
        self.home, self.said = home, b""

    def start(self) -> None:
        argv = [sys.executable, "-m", "tests.contract.bridged", str(self.home)]
        self.process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.said = b""
        self.until(rb"ready (\S+)\n")
        found = re.search(rb"ready (\S+)\n", self.said)
        assert found is not None
        self.url = found[1].decode()

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        with httpx.Client(base_url=self.url, headers={"token": TOKEN}, trust_env=False, verify=False, timeout=20) as http:
            return http.request(method, path, json=body)

    def tell(self, *messages: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"".join(json.dumps({"data": one}).encode() + b"\n" for one in messages))
        self.process.stdin.flush()

    def read(self, seconds: float) -> bool:
        """Something more that it says; False when it says nothing."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return False
        data = os.read(self.process.stdout.fileno(), 65536)
        self.said += data
        return bool(data)

    def until(self, wanted: bytes, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not re.search(wanted, self.said):
            assert self.read(end - time.monotonic()), self.said

    def kill(self) -> list[str]:
        """kill -9; ids of the messages that it said it had kept."""
        self.process.kill()
        self.process.wait()
        while self.read(0):
            pass
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        return [ident.decode() for ident in re.findall(rb"kept (\S+)\n", self.said)]


def wait(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        select.select([], [], [], 0.02)


def begun(home: Path, chatwoot: Chatwoot) -> Bridged:
    server = Bridged(home)
    server.start()
    assert server.call("POST", "/api/instance/new", {"name": "sales"}).status_code == 201
    assert server.call("POST", "/api/chatwoot/set/sales", chatwoot.body()).status_code == 201
    return server


@pytest.mark.long
def test_killed_between_the_post_and_its_note(tmp_path: Path) -> None:
    with Chatwoot() as chatwoot:
        server = begun(tmp_path, chatwoot)
        chatwoot.faults({"match": "POST .*/messages", "do": "hang_after", "times": 1})
        server.tell(message("M1", "once"), message("M2", "then"))
        server.until(rb"kept M2\n")
        wait(lambda: chatwoot.texts() == ["once"])
        server.kill()
        server.start()
        wait(lambda: len(chatwoot.texts()) > 1)
        assert chatwoot.texts() == ["once", "then"]
        assert server.url in chatwoot.state["inboxes"][0]["webhook_url"], "the inbox is told of the new port"
        conversation = chatwoot.state["conversations"][0]["id"]
        assert chatwoot.agent(conversation, "hi")["answered"] == [200]
        server.until(rb"sent hi\n")
        server.kill()


@pytest.mark.long
@pytest.mark.timeout(300)
def test_killed_at_any_moment(tmp_path: Path) -> None:
    rng, kept, replies = random.Random(SEED), list[str](), list[str]()
    with Chatwoot() as chatwoot:
        server = begun(tmp_path, chatwoot)
        sent = b""
        for life in range(8):
            messages = [message(f"L{life}N{number}", f"{life}.{number}") for number in range(12)]
            server.tell(*messages)
            if life:
                replies.append(f"reply {life}")
                server.until(b"kept")
                wait(lambda: chatwoot.state["conversations"])
                chatwoot.agent(chatwoot.state["conversations"][0]["id"], replies[-1])
            end = time.monotonic() + rng.uniform(0, 0.6)
            while time.monotonic() < end:
                server.read(end - time.monotonic())
            kept += server.kill()
            sent += server.said
            server.start()
        wait(lambda: {f"WAID:{ident}" for ident in kept} <= {one["source_id"] for one in chatwoot.messages}, 40)
        sent += server.said
        server.kill()
        shown = [one["source_id"] for one in chatwoot.messages if one["source_id"].startswith("WAID:L")]
        assert len(shown) == len(set(shown)), f"RYZE_SEED={SEED}: {shown}"
        texts = [tuple(map(int, text.split("."))) for text in chatwoot.texts() if re.fullmatch(r"\d+\.\d+", text)]
        assert texts == sorted(texts), f"RYZE_SEED={SEED}: {texts}"
        for reply in replies:
            assert sent.count(f"sent {reply}\n".encode()) <= 1, f"RYZE_SEED={SEED}: {reply}"
