"""kill -9 while media is being kept and uploaded: whatever had a URL is in the store under it in the end, byte for byte."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from ryze_tui.backend.egress import Egress
from ryze_tui.backend.egress_gateway import Gateway
from ryze_tui.backend.integrations.s3 import Client, target

from ..contract.harness import running
from ..fakes import weed
from ..fakes.weed import SECRET

pytestmark = pytest.mark.long

LIVES = int(os.environ.get("RYZE_KILLS", "6"))
SEED = int(os.environ.get("RYZE_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)

KEEPING = """
import asyncio, sys
from pathlib import Path
from tests.contract.harness import running
from tests.e2e.test_media_kill import content, Photo

async def main(home, life, block):
    async with running(Path(home)) as api:
        if not api.backend.catalog.by_id:
            await api.new("sales")
        await api.ok("POST", "/api/instance/s3/sales", block)
        record = next(iter(api.backend.catalog.by_id.values()))
        media, number = api.backend.media_store, 0

        async def one(worker):
            for n in range(10000):
                message = f"L{life}W{worker}N{n}"
                url = await media.keep(record, message, Photo(), content(message))
                if url:
                    print(message, url, flush=True)

        await asyncio.gather(*(one(worker) for worker in range(4)))

import json
asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.stdin.readline())))
"""


class Photo:
    kind, mimetype, file_name = "image", "image/jpeg", ""


def content(message: str) -> bytes:
    """What belongs to a message, of some kilobytes."""
    return hashlib.sha256(message.encode()).digest() * (50 + len(message) % 7 * 500)


def life(home: Path, number: int, block: dict[str, object], most: int) -> dict[str, str]:
    """A server that keeps media until it is killed after so many; message -> URL that it told."""
    import json

    process = subprocess.Popen([sys.executable, "-c", KEEPING, str(home), str(number)], cwd=Path(__file__).parents[2],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(home / "log").open("ab"))  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(block).encode() + b"\n")
    process.stdin.flush()
    told = {}
    try:
        for line in process.stdout:
            message, url = line.decode().split()
            told[message] = url
            if len(told) >= most:
                break
    finally:
        process.kill()
    for line in process.stdout:  # what it said before the end counts as well
        if line.endswith(b"\n"):
            message, url = line.decode().split()
            told[message] = url
    process.wait()
    assert len(told) >= most, (home / "log").read_text()[-3000:]
    return told


async def test_whatever_had_a_url_is_in_the_store_in_the_end(tmp_path: Path) -> None:
    rng, told = random.Random(SEED), dict[str, str]()
    with weed.running() as store:
        for number in range(LIVES):
            block = store.block() if number % 2 else store.block(endpoint="http://127.0.0.1:9")
            told |= await asyncio.to_thread(life, tmp_path, number, block, rng.randrange(1, 120))
        directory = tmp_path / "data" / "media"
        async with running(tmp_path) as api:
            await api.ok("POST", "/api/instance/s3/sales", store.block())
            async with asyncio.timeout(60):
                while list(directory.iterdir()):
                    await asyncio.sleep(0.05)
            assert await api.backend.media_store._rows.all() == [], f"RYZE_SEED={SEED}"
        egress = Egress(allow_private=True)
        gateway = Gateway(egress)
        client, where = Client(egress, gateway), target(store.block(), {"secretKey": SECRET})
        for message, url in told.items():
            key = url.partition("/media/")[2]
            assert await client.get(where, key) == content(message), f"RYZE_SEED={SEED}: {message}"
        await gateway.close()
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(next(iter(told.values())).replace("http://127.0.0.1:9", store.url))).status_code == 403
    assert SECRET not in (tmp_path / "log").read_text()
    print(f"{LIVES} lives, {len(told)} objects")
