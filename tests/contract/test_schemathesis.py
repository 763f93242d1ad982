"""schemathesis over /openapi.json with both kinds of token: no 5xx, and no answer that the document does not have."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest
from ryze_tui.api.openapi import operations

from tests.terminal.server import Server

pytestmark = [pytest.mark.long, pytest.mark.timeout(420)]

RUN = "from schemathesis.cli import schemathesis; schemathesis()"
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "ignored_auth",
)  # fmt: skip
LINE = re.compile(r"access: ([A-Z]+) (\S+) (\d+) [\d.]+ ms id=[A-Za-z0-9_-]{1,64}$", re.MULTILINE)

ALONE = (
    "/api/instance/delete/{instance}", "/api/instance/reconnect/{instance}", "/simulator/{instance}/unlink",
    "/api/message/text/{instance}", "/api/message/media/{instance}",
)  # fmt: skip
"""Each is tried on an instance of its own: after the others it would answer nothing but that it cannot be done."""
NOT: Final = (
    "/api/instance/s3/{instance}/test", "/api/instance/proxy/{instance}/test", "/api/events/webhook/{instance}/test",
    "/api/chatwoot/test/{instance}",
)  # fmt: skip
"""Not tried: they would dial places that were made up, AWS among them. test_trials.py and test_s3.py ask them."""


def configuration(token: str, names: list[str]) -> str:
    """`names`: what everything is tried on, then one for each of ALONE; none: any name that comes to mind."""
    lines = [f'headers = {{ token = "{token}" }}']
    for path in NOT:
        lines += ["[[operations]]", f'include-path = "{path}"', "enabled = false"]
    if names:
        lines += ["[parameters]", f'"path.instance" = "{names[0]}"']
    for path, name in zip(ALONE, names[1:], strict=False):
        lines += ["[[operations]]", f'include-path = "{path}"', f'parameters = {{ "path.instance" = "{name}" }}']
    return "\n".join(lines)


def connected(server: Server) -> list[str]:
    """As many instances that are."""
    return [name for name, state in sorted(server.states().items()) if state == "connected"][: len(ALONE) + 1]


def thrown(server: Server, token: str, *options: str, names: list[str], checks: Iterable[str] = CHECKS) -> None:
    """One run with a fixed seed; AssertionError with everything it found."""
    config = server.home / "schemathesis.toml"
    config.write_text(configuration(token, names))
    argv = [sys.executable, "-c", RUN, "--config-file", str(config), "run", f"{server.url}/openapi.json",
            "--checks", ",".join(checks), "--seed", "1", "--generation-database", "none", "--warnings", "off",
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
    return Server(tmp_path, instances=9 + len(ALONE), speed=200, rate_limit=0, options=["--verbose"])


def test_with_the_accounts_token(server: Server) -> None:
    with server:
        thrown(server, server.token, "-n", "15", "--phases", "coverage,fuzzing", names=connected(server))
        thrown(server, server.token, "-n", "10", "--phases", "fuzzing,stateful", names=[])
    statuses = answered(server)
    reached = {name for name, seen in statuses.items() if seen & {200, 201, 204}}
    assert reached >= {operation.name for operation in operations(simulated=True) if not operation.upgrade} - {
        "testS3", "testProxy", "tryWebhook", "testChatwoot",  # see NOT
        "simulateScan", "simulateEnterCode", "simulateBan", "simulateDrop", "simulateMessage", "simulateCall",
        "simulateGroupEvent", "simulateLabel", "testWebhook", "redeliver",  # nobody guesses an enabled webhook, or an id
        "setChatwoot", "getChatwoot", "deleteChatwoot", "chatwootCallback",  # there is no Chatwoot here
    }, statuses  # fmt: skip
    assert {400, 404, 409} <= set.union(*statuses.values()) and server.token not in server.log.read_text()


def test_with_an_instances_token(server: Server) -> None:
    with server:
        names = connected(server)
        token = server.instances()[names[0]]["token"]
        thrown(server, token, "-n", "8", "--phases", "coverage,fuzzing", names=names)
        thrown(server, token, "-n", "5", "--phases", "fuzzing", names=[])
    statuses = answered(server)
    assert statuses["createInstance"] == statuses["deleteInstance"] | {401} == {401}, statuses
    assert {200, 403} <= statuses["logoutInstance"] and token not in server.log.read_text()


def test_where_limits_are_reached(tmp_path: Path) -> None:
    with Server(tmp_path, instances=12, speed=200, rate_limit=5, options=["--verbose"]) as server:
        # Who is refused for the limit is not refused for the token.
        checks = [check for check in CHECKS if check != "ignored_auth"]
        thrown(server, server.token, "--phases", "coverage", names=[], checks=checks)
    statuses = answered(server)
    assert sum(429 in seen for seen in statuses.values()) >= 5, statuses
