"""Commands as scripts run them: a real process, its exit code, what it printed, checked against the published schemas."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from ..terminal.process import environment, private_dirs
from ..terminal.server import Server

COMMAND: Final = [sys.executable, "-m", "ryze_tui"]


def closed(schema: Any) -> Any:
    """The schema with nothing allowed but what it names: what is printed and not documented is found, too."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: closed(value) for key, value in schema.items()}
    if "properties" in out and "additionalProperties" not in out:
        out["additionalProperties"] = False
    return out


def schema(name: str) -> Any:
    """The published schema of a command."""
    return json.loads(files("ryze_tui.cli").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8"))


def check(name: str, value: Any) -> Any:
    """The value, when it is exactly what the schema says."""
    jsonschema_rs.Draft202012Validator(closed(schema(name)), validate_formats=True).validate(value)
    return value


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    command: str
    code: int
    out: str
    err: str

    def document(self) -> Any:
        """The one JSON document on standard output."""
        return check(self.command, json.loads(self.out))

    def lines(self) -> list[Any]:
        """The NDJSON on standard output."""
        return [check(self.command, json.loads(line)) for line in self.out.splitlines()]

    def error(self) -> Any:
        """What standard error's only line says in JSON."""
        [line] = self.err.splitlines()
        return check("error", json.loads(line))["error"]


class Commands:
    """`ryze-tui` on one server, with all its files below `home`."""

    def __init__(self, server: Server, home: Path, **env: str) -> None:
        self.server, self.home = server, home
        self.env = environment(private_dirs(home) | {"RYZE_URL": server.url, "RYZE_TOKEN": server.token} | env)

    def __call__(self, *words: str, given: str = "", env: Mapping[str, str] | None = None, seconds: float = 60) -> Done:
        """Run it to its end. `given`: standard input; `env`: more variables, empty ones are taken away."""
        variables = {name: value for name, value in (self.env | dict(env or {})).items() if value}
        done = subprocess.run(
            [*COMMAND, *words], env=variables, input=given, capture_output=True, text=True, timeout=seconds, check=False
        )
        assert self.server.token not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return Done(words[0] if words else "", done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """Start it; standard output and error are pipes."""
        return subprocess.Popen(
            [*COMMAND, *words], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            **more,
        )

    def audit(self) -> list[dict[str, Any]]:
        """The audit log so far."""
        path = self.home / "state" / "ryze-tui" / "audit.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
