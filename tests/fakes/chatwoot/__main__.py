"""Run the stand-in on a port of loopback: `python -m tests.fakes.chatwoot PORT`; says where on stdout when it is ready."""

from __future__ import annotations

import socket
import sys

import uvicorn

from .app import build

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen(128)
print(f"ready http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(build(), log_level="error", timeout_graceful_shutdown=1)).run([listener])
