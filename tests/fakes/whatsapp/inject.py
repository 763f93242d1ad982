"""Starts an unchanged worker that takes the double for WhatsApp: `inject.py --double SOCKET MODULE ARGUMENTS…`.

First life: into the cage (see cage.py), then exec, because Go reads SSL_CERT_FILE from the environment that a process began with.
Second life: neonize is loaded, the tests' root takes the place of WhatsApp's in this process's memory, and MODULE runs as
`python -m` would run it. Every failure ends the process with 70 and a sentence on standard error.
"""

from __future__ import annotations

import json
import os
import runpy
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Final

FAILED: Final = 70
_HERE: Final = Path(__file__).resolve()


def _ask(control: socket.socket, **question: object) -> dict[str, Any]:
    control.send(json.dumps(question).encode())
    answer: dict[str, Any] = json.loads(control.recv(65536))
    return answer


def _first(path: str, rest: list[str]) -> None:
    from tests.fakes.whatsapp import cage, seccomp

    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.connect(path)
    told = _ask(control, hello=os.getpid())
    kind = told["cage"]
    if kind in ("", "namespace"):
        try:
            cage.namespace()
            kind = "namespace"
        except OSError:
            if kind:
                raise
            kind = "filter"
    if kind == "filter":
        questions = seccomp.install()
        socket.send_fds(control, [b'{"questions": true}'], [questions])
        os.close(questions)
        control.recv(16)
    control.set_inheritable(True)
    environment = dict(os.environ) | {"SSL_CERT_FILE": told["ca"], "SSL_CERT_DIR": str(Path(told["ca"]).parent / "none")}
    environment |= {"HTTPS_PROXY": told["proxy"], "HTTP_PROXY": told["proxy"], "NO_PROXY": ""}
    os.execve(sys.executable, [sys.executable, str(_HERE), "--inside", str(control.fileno()), kind, *rest], environment)


def _second(descriptor: int, kind: str) -> None:
    from tests.fakes.whatsapp import cage, swap

    control = socket.socket(fileno=descriptor)
    control.set_inheritable(False)
    cage.check(kind)
    told = _ask(control, caged=kind)
    if kind == "namespace":
        for port in told["ports"]:
            _bridge(control, port)
        threading.Thread(target=_bridges, args=(control,), name="bridges", daemon=True).start()
    from neonize.utils.platform import generated_name

    swap.swap(generated_name(), bytes.fromhex(told["old"]), bytes.fromhex(told["new"]))


def _bridge(control: socket.socket, port: int) -> None:
    from tests.fakes.whatsapp import cage

    with cage.listen(port) as one:
        socket.send_fds(control, [json.dumps({"port": port}).encode()], [one.fileno()])


def _bridges(control: socket.socket) -> None:
    """Those that the test asks for later."""
    while question := control.recv(65536):
        _bridge(control, json.loads(question)["port"])


def main(arguments: list[str]) -> list[str]:
    """See the top. Returns what is to run in this process now, and its arguments."""
    sys.path[0] = str(_HERE.parents[3])
    if arguments[:1] == ["--inside"]:
        _second(int(arguments[1]), arguments[2])
        return arguments[3:]
    elif arguments[:1] == ["--double"] and len(arguments) > 2:
        _first(arguments[1], arguments[2:])
    else:
        raise ValueError("inject.py --double SOCKET MODULE ARGUMENTS…")
    return []


if __name__ == "__main__":
    try:
        sys.argv = main(sys.argv[1:])
    except Exception as error:
        print(f"inject: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(FAILED)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
