"""The double in a loop of its own, for tests that wait for other processes: a server, a terminal."""

from __future__ import annotations

import asyncio
import shlex
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from ryze_tui.backend.engine.whatsapp.make import WORKER

from tests.fakes.whatsapp.double import WhatsAppDouble
from tests.terminal.server import Server

T = TypeVar("T")


class Elsewhere:
    """The double, in a loop of a thread of its own: the console's driver waits for the terminal."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.wa = WhatsAppDouble()
        self.does(self.wa.__aenter__())
        return self

    def __exit__(self, *about: Any) -> None:
        try:
            self.does(self.wa.__aexit__(*about))
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    def does(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(40)


@contextmanager
def serving(home: Path, wa: WhatsAppDouble, *, extensions: bool = True, **more: Any) -> Iterator[Server]:
    """`ryze-tui serve --engine whatsapp`, whose workers know no other WhatsApp."""
    server = Server(home, extensions=extensions, options=["--worker-command", shlex.join(wa.command(WORKER))], **more)
    server._argv[server._argv.index("simulated")] = "whatsapp"
    with server:
        yield server


def workers_of(pid: int) -> list[int]:
    """Child processes of the server, which are its workers."""
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
