"""A real `ryze-tui serve --engine simulated` beside a test: its own process, port, data directory and token."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
from websockets.sync.client import connect as open_socket

from ..pace import patient
from .process import environment, private_dirs

READY: Final = re.compile(rb"ryze-tui: serving on (http://\S+)")
TOKEN: Final = "account-token-of-the-tests-0123456789"


class Server:
    """Started on entering the block, ended with SIGTERM on leaving it. `url`, `token`, and calls of the API by name."""

    def __init__(self, home: Path, *, instances: int = 0, speed: float = 1.0, extensions: bool = True,
                 rate_limit: int | None = None, port: int = 0, options: Sequence[str] = ()) -> None:  # fmt: skip
        self.home, self.token, self.extensions = home, TOKEN, extensions
        self.url = ""
        self.log = home / "server.log"
        self._argv = [sys.executable, "-m", "ryze_tui", "serve", "--engine", "simulated", "--port", str(port),
                      "--data-dir", str(home / "server"), "--key-file", str(home / "server.key"),
                      "--simulator-speed", f"{speed:g}"]  # fmt: skip
        if instances:
            self._argv += ["--simulator-instances", str(instances)]
        if not extensions:
            self._argv.append("--no-extensions")
        if rate_limit is not None:
            self._argv += ["--rate-limit", str(rate_limit)]
        self._argv += options

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self, timeout: float = 30.0) -> None:
        """Start it and wait for its ready line."""
        self.spawn()
        self.wait_ready(timeout)

    def spawn(self) -> None:
        """Start it and do not wait."""
        self.home.mkdir(parents=True, exist_ok=True)
        env = environment(private_dirs(self.home / "server-home") | {"RYZE_ACCOUNT_TOKEN": self.token})
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        self.http = httpx.Client(headers={"token": self.token}, timeout=30, trust_env=False, verify=False)

    def wait_ready(self, timeout: float = 30.0) -> None:
        """Wait for the ready line of a server that was spawned."""
        assert self.process.stdout is not None
        said, end = b"", time.monotonic() + patient(timeout)
        while not (found := READY.search(said)):
            ready = select.select([self.process.stdout], [], [], max(end - time.monotonic(), 0))[0]
            data = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not data:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the server did not start: {said!r}\n{self.log.read_text(errors='replace')[-3000:]}")
            said += data
        self.url = found[1].decode()
        self.http.base_url = self.url
        self._argv[self._argv.index("--port") + 1] = self.url.rpartition(":")[2]  # started again, it is where it was
        self.http = httpx.Client(base_url=self.url, headers={"token": self.token}, timeout=30, trust_env=False)

    def wait_connected(self, count: int, seconds: float = 10.0) -> list[str]:
        """The names of those that are connected, once there are so many."""
        end = time.monotonic() + patient(seconds)
        while len(names := [name for name, state in self.states().items() if state == "connected"]) < count:
            assert time.monotonic() < end, self.states()
            time.sleep(0.01)
        return names

    def stop(self) -> int:
        """End it with SIGTERM; its exit code."""
        self.http.close()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.terminate()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait()
        self.http.close()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and new ones are taken by the system, but nothing is answered."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def elsewhere(self) -> Iterator[Server]:
        """While it is down: the same data served from another port, to change what it will know when it is back."""
        other = Server(self.home, speed=10.0, rate_limit=0)
        with other:
            yield other

    # -- the API -------------------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """One call; AssertionError with the server's own words when it fails."""
        reply = self.http.request(method, path, **more)
        assert reply.is_success, f"{method} {path}: {reply.status_code} {reply.text}"
        body: dict[str, Any] = reply.json()
        return body

    def instances(self) -> dict[str, dict[str, Any]]:
        """Every instance of the account by name."""
        return {item["name"]: item for item in self.call("GET", "/api/instance/list")["instances"]}

    def state(self, name: str) -> str:
        """The state of one instance."""
        found = self.call("GET", "/api/instance/list", params={"instanceName": name})["instances"]
        return str(found[0]["connection"]["state"])

    def states(self) -> dict[str, str]:
        """The state of every instance by name."""
        return {name: item["connection"]["state"] for name, item in self.instances().items()}

    def create(self, name: str, **fields: Any) -> dict[str, Any]:
        """A new instance; the instance object of the reply."""
        made: dict[str, Any] = self.call("POST", "/api/instance/new", json={"name": name, **fields})["instance"]
        return made

    def simulate(self, instance: str, action: str, **fields: Any) -> dict[str, Any]:
        """One control of the simulator."""
        return self.call("POST", f"/simulator/{instance}/{action}", json=fields)

    def storm(self, rate: int, seconds: float) -> None:
        """Change states over all instances."""
        self.call("POST", "/simulator/storm", json={"rate": rate, "seconds": seconds})

    def paired(self, name: str, number: str = "", **fields: Any) -> None:
        """Create an instance and pair it, all through the API."""
        self.create(name, **fields)
        self.call("GET", f"/api/instance/connect/{name}")
        self.simulate(name, "scan", **({"number": number} if number else {}))
        self.wait_state(name, "connected")

    def wait_state(self, name: str, state: str, timeout: float = 10.0) -> None:
        """Ask until the instance is in that state (for setting a scene; not for measuring how fast it comes)."""
        timeout = patient(timeout)
        end = time.monotonic() + timeout
        while (now := self.state(name)) != state:
            assert time.monotonic() < end, f"{name} is {now}, not {state}, after {timeout:g} s"
            select.select([], [], [], 0.1)

    @contextlib.contextmanager
    def listen(self, name: str) -> Iterator[Events]:
        """Events of one instance's own socket while the block runs; the socket must be on."""
        address = f"{self.url.replace('http', 'ws', 1)}/ws/{name}"
        with open_socket(address, additional_headers={"token": self.token}, compression=None, proxy=None) as socket:
            events = Events()
            thread = threading.Thread(target=events.read_all, args=(socket,), daemon=True)
            thread.start()
            try:
                yield events
            finally:
                socket.close()
                thread.join(5)


class Events:
    """What came through a socket, in order, with the monotonic second of each."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, dict[str, Any]]] = []
        self._news = threading.Condition()

    def read_all(self, socket: Any) -> None:
        """Until it closes."""
        for text in socket:
            with self._news:
                self.frames.append((time.monotonic(), json.loads(text)))
                self._news.notify_all()

    def data(self) -> list[dict[str, Any]]:
        """The payloads of the instance.state events so far."""
        return [frame["data"] for _, frame in list(self.frames) if frame.get("event") == "instance.state"]

    def states(self) -> list[str]:
        """Their words."""
        return [data["state"] for data in self.data()]

    def codes(self) -> list[str]:
        """Every QR text announced so far, newest batch last."""
        return [code for data in self.data() if data["state"] == "qr_ready" for code in data.get("codes", [])]

    def wait_event(self, name: str, timeout: float = 10.0) -> dict[str, Any]:
        """The last frame of that event; it may have come already."""
        def found() -> list[dict[str, Any]]:
            return [frame for _, frame in self.frames if frame.get("event") == name]

        with self._news:
            assert self._news.wait_for(found, patient(timeout)), f"no {name} in {timeout:g} s"
            return found()[-1]

    def wait_state(self, state: str, timeout: float = 10.0) -> float:
        """When that word came; it may have come already."""
        def found() -> list[float]:
            return [at for at, f in self.frames if f.get("event") == "instance.state" and f["data"]["state"] == state]

        with self._news:
            assert self._news.wait_for(found, patient(timeout)), f"no {state} in {timeout:g} s: {self.states()}"
            return found()[-1]
