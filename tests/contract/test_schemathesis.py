"""schemathesis over /openapi.json with both kinds of token: no 5xx, and no answer that the document does not have."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from ryze_tui.api.openapi import operations

from tests.terminal.server import Server

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

RUN = "from schemathesis.cli import schemathesis; schemathesis()"
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "ignored_auth",
)  # fmt: skip
LINE = re.compile(r"access: ([A-Z]+) (\S+) (\d+) [\d.]+ ms id=[A-Za-z0-9_-]{1,64}$", re.MULTILINE)

OWN, DOOMED = "sim-00004", "sim-00012"
"""The instance that everything is tried on, and the one that is deleted: what is gone answers nothing but 404."""

CONFIG = """
headers = {{ token = "{token}" }}
{own}
"""
ON_ONE = f"""
[parameters]
"path.instance" = "{OWN}"
[[operations]]
include-path = "/api/instance/delete/{{instance}}"
parameters = {{ "path.instance" = "{DOOMED}" }}
"""


def thrown(server: Server, token: str, *options: str, own: bool) -> None:
    """One run, the same each time; AssertionError with everything it found."""
    config = server.home / "schemathesis.toml"
    config.write_text(CONFIG.format(token=token, own=ON_ONE if own else ""))
    argv = [sys.executable, "-c", RUN, "--config-file", str(config), "run", f"{server.url}/openapi.json",
            "--checks", ",".join(CHECKS), "--generation-deterministic", "--warnings", "off",
            "--no-color", *options]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(argv, cwd=server.home, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]


def answered(server: Server) -> dict[str, set[int]]:
    """Operation -> the statuses that the server's own log has of it."""
    found: dict[str, set[int]] = defaultdict(set)
    patterns = {
        operation.name: (operation.method, re.compile(re.sub(r"\{\w+\}", "[^/]+", operation.path) + "$"))
        for operation in operations(simulated=True)
    }
    for method, path, status in LINE.findall(server.log.read_text()):
        for name, (wanted, pattern) in patterns.items():
            if wanted == method and pattern.match(path):
                found[name].add(int(status))
    return found


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path, instances=12, speed=200, rate_limit=0, options=["--verbose"])


def test_with_the_accounts_token(server: Server) -> None:
    with server:
        thrown(server, server.token, "-n", "15", "--phases", "coverage,fuzzing", own=True)
        thrown(server, server.token, "-n", "10", "--phases", "fuzzing,stateful", own=False)
    statuses = answered(server)
    reached = {name for name, seen in statuses.items() if seen & {200, 201, 204}}
    assert reached >= {operation.name for operation in operations(simulated=True) if not operation.upgrade} - {
        "simulateScan", "simulateEnterCode", "simulateBan", "simulateDrop", "simulateMessage", "simulateCall",
    }, statuses  # fmt: skip
    assert {400, 404, 409} <= set.union(*statuses.values()) and server.token not in server.log.read_text()


def test_with_an_instances_token(server: Server) -> None:
    with server:
        token = server.instances()[OWN]["token"]
        thrown(server, token, "-n", "8", "--phases", "coverage,fuzzing", own=True)
        thrown(server, token, "-n", "5", "--phases", "fuzzing", own=False)
    statuses = answered(server)
    assert statuses["createInstance"] == statuses["deleteInstance"] | {401} == {401}, statuses
    assert {200, 403} <= statuses["logoutInstance"] and token not in server.log.read_text()


def test_where_limits_are_reached(tmp_path: Path) -> None:
    with Server(tmp_path, instances=12, speed=200, rate_limit=5, options=["--verbose"]) as server:
        thrown(server, server.token, "-n", "10", "--phases", "coverage", own=True)
    statuses = answered(server)
    assert sum(429 in seen for seen in statuses.values()) >= 5, statuses
