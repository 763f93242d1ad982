"""The double's side of the cages: tells workers what they need, and carries for those that have a network of their own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from pathlib import Path
from typing import Any

from .seccomp import Judge


class Keeper:
    """`cage`: "namespace", "filter", or "" for what the machine allows, the first one first. `told`: what each worker gets."""

    def __init__(self, path: Path, told: dict[str, Any], cage: str = "") -> None:
        self.path, self.told, self.cage = path, told, cage
        self.ports: list[int] = []
        self.judges: list[Judge] = []
        self.kinds: list[str] = []
        self._workers: set[socket.socket] = set()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def start(self) -> None:
        """Listen at the path. Raises OSError: it is longer than the 107 bytes of a socket's."""
        self._door.bind(str(self.path))
        self._door.listen(64)
        self._door.setblocking(False)
        asyncio.get_running_loop().add_reader(self._door, self._accept)

    async def stop(self) -> None:
        """Nothing is carried any more."""
        loop = asyncio.get_running_loop()
        for one in (self._door, *self._workers):
            loop.remove_reader(one)
            one.close()
        for server in self._servers:
            server.close()
        for judge in self.judges:
            judge.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def reach(self, port: int) -> None:
        """That port of our loopback is there in every worker's namespace, from now on."""
        self.ports.append(port)
        for worker in self._workers:
            worker.send(json.dumps({"port": port}).encode())

    def _accept(self) -> None:
        worker, _ = self._door.accept()
        worker.setblocking(False)
        self._workers.add(worker)
        asyncio.get_running_loop().add_reader(worker, self._hear, worker)

    def _hear(self, worker: socket.socket) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(worker, 65536, 1)
        except OSError:
            data, descriptors = b"", []
        if not data:
            asyncio.get_running_loop().remove_reader(worker)
            self._workers.discard(worker)
            worker.close()
            return
        said = json.loads(data)
        if "hello" in said:
            worker.send(json.dumps(self.told | {"cage": self.cage}).encode())
        elif "questions" in said:
            self.judges.append(Judge(descriptors[0]))
            worker.send(b"{}")
        elif "caged" in said:
            self.kinds.append(said["caged"])
            worker.send(json.dumps(self.told | {"ports": self.ports}).encode())
        elif "port" in said:
            self._later(self._carry_from(descriptors[0], said["port"]))

    async def _carry_from(self, descriptor: int, port: int) -> None:
        """Who connects in the namespace is connected with the same port here."""

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            with contextlib.suppress(OSError, asyncio.CancelledError):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    await _first_end(_pump(reader, far_writer), _pump(far_reader, writer))
                finally:
                    far_writer.transport.abort()
            writer.transport.abort()

        try:
            self._servers.append(await asyncio.start_server(carry, sock=socket.socket(fileno=descriptor)))
        except OSError:
            os.close(descriptor)

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def _first_end(*works: Any) -> None:
    """Until one side has ended, whichever it is."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
