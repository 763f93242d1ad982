"""The stand-in's process, and what tests tell and ask it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from .data import ACCOUNT, ADMIN


class Chatwoot:
    """Started on entering the block; killed on leaving it."""

    def __init__(self) -> None:
        self.url = ""
        self._http = httpx.Client(trust_env=False, verify=False, timeout=10)

    def __enter__(self) -> Self:
        root = Path(__file__).parents[3]
        argv = [sys.executable, "-m", "tests.fakes.chatwoot", "0"]
        self.process = subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[1].decode()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.kill()
        self.process.wait()

    def body(self, **more: Any) -> dict[str, Any]:
        """What `set` takes."""
        made = {"chatwootBaseUrl": self.url + "/", "chatwootAccountId": ACCOUNT, "chatwootApiToken": ADMIN}
        return made | {"inboxName": "WhatsApp"} | more

    def tell(self, what: str, **body: Any) -> dict[str, Any]:
        """One of faults, agent, status, forget, token, state."""
        answer = self._http.post(f"{self.url}/_{what}", json=body)
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def faults(self, *faults: dict[str, Any]) -> None:
        self.tell("faults", faults=faults)

    @property
    def state(self) -> dict[str, Any]:
        return self.tell("state")

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Those that are not an agent's own."""
        return [one for one in self.state["messages"] if one["source_id"]]

    def texts(self) -> list[str]:
        return [str(one["content"]) for one in self.messages]

    def agent(self, conversation: int, content: str = "", **more: Any) -> dict[str, Any]:
        return self.tell("agent", conversation=conversation, content=content, **more)
