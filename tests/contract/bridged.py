"""A server in a process of its own whose bridge is fed over stdin: `python -m tests.contract.bridged HOME`.

A line `{"data": …, "content"?: base64}` is answered with `kept ID` once it is on the disk; what is sent is told as `sent TEXT`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

from ryze_tui.backend.integrations.chatwoot.outward import Reply
from ryze_tui.backend.record import Record
from ryze_tui.backend.server import Server
from ryze_tui.backend.settings import Settings

from .harness import TOKEN


async def phone(_record: Record, reply: Reply) -> str:
    print(f"sent {reply.text}", flush=True)
    return f"SENT-{os.urandom(4).hex()}"


async def feed(server: Server) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        told: dict[str, Any] = json.loads(line)
        backend = server.app.state.backend
        record = next(iter(backend.catalog.by_id.values()))
        content = base64.b64decode(told["content"]) if "content" in told else None
        await backend.chatwoot.accept(record, told["data"], content)
        print(f"kept {told['data']['id']}", flush=True)
    server.stop()


async def main(home: Path) -> None:
    server = Server(Settings(data_dir=home / "data", key_file=home / "key", port=0, account_token=TOKEN, rate_limit=0))
    serving = asyncio.create_task(server.serve())
    await server.ready.wait()
    server.app.state.backend.chatwoot.send = phone
    print(f"ready {server.url}", flush=True)
    await asyncio.gather(serving, feed(server))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
