"""From a process with two descriptors to a worker that is ready: what must be there is looked at before neonize is imported.

The frames' socket is all that is said; whatever the library prints goes where stdout and stderr lead. The lifeline has one use
after the start: when the server goes, it ends, and so does this process, however stuck everything else is.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import socket
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from ....errors import EngineError
from .. import frames
from ..requirements import MAGIC, VERSION, check

THREADS: Final = 256
"""Each session keeps one for life, and each call needs one more."""


def main() -> None:
    """Never returns."""
    talk, lifeline = (socket.socket(fileno=int(text)) for text in sys.argv[1:3])
    for one in (talk, lifeline):
        one.set_inheritable(False)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the library keeps one for every dial (see pool.WORN)
    if why := _load():
        talk.sendall(frames.encode(frames.Refused(why)))
        os._exit(3)
    threading.Thread(target=_end_with_server, args=(lifeline,), daemon=True).start()
    try:
        asyncio.run(_work(talk, _hand_over(lifeline)))
    except BaseException:  # noqa: BLE001 - the last words of the process
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)  # without waiting for threads of the library, which may never end


def _load() -> str:
    """Import neonize; why not, when it cannot be."""
    try:
        library = ctypes.CDLL(str(check()))
        library.GetVersion.restype = ctypes.c_char_p
        found = library.GetVersion().decode()
        if found != VERSION:
            return f"neonize's library is of version {found}, not {VERSION}: pip install --force-reinstall neonize=={VERSION}"
        from . import sessions  # noqa: F401 - which imports neonize
    except EngineError as error:
        return str(error)
    except ImportError as error:
        return MAGIC if "libmagic" in str(error) else f"neonize cannot be imported ({error}); install ryze-tui[whatsapp] again"
    except OSError as error:
        return f"neonize's library cannot be loaded ({error}); install ryze-tui[whatsapp] again"
    return ""


def _end_with_server(lifeline: socket.socket) -> None:
    try:
        lifeline.recv(1)
    finally:
        os._exit(0)


def _hand_over(lifeline: socket.socket) -> int:
    """The socket that links with a proxy dial is ours, as they can reach no other in a sandbox, and the server's to serve."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    socket.send_fds(lifeline, [b"L"], [listener.fileno()])
    port: int = listener.getsockname()[1]
    listener.close()
    return port


async def _work(talk: socket.socket, port: int) -> None:
    from .channel import Channel
    from .sessions import Sessions

    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, "neonize"))
    talk.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=talk, limit=2**20)
    channel = Channel(writer)
    sessions = Sessions(channel)
    channel.send(frames.Ready(VERSION, port))
    while True:
        try:
            frame = await frames.read(reader.readexactly, frames.FROM_SERVER)
        except (EOFError, OSError):
            return
        if isinstance(frame, frames.Ping):
            channel.send(frames.Pong(frame.number))
        else:
            sessions.take(frame)
