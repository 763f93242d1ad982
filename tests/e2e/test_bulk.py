"""Sixty instances in bulk on a real server with the documented limits, killed in the middle again and again."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from ..terminal.process import environment, private_dirs
from ..terminal.proxy import Proxy
from ..terminal.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.long]
COUNT = 60


def worker(proxy: Proxy, home: Path, token: str, names: list[str]) -> subprocess.Popen[str]:
    env = environment(private_dirs(home) | {"RYZE_TOKEN": token})
    argv = [sys.executable, "-m", "tests.e2e.bulk_worker", proxy.url, *names]
    return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("extensions", [True, False], ids=["stream", "plain"])
def test_none_twice_none_forgotten_and_no_429(tmp_path: Path, extensions: bool) -> None:
    rng = random.Random(int(os.environ.get("RYZE_SEED", "7")))
    served = Server(tmp_path / "server", instances=COUNT + 8, speed=20, extensions=extensions, options=["--verbose"])
    with served as server, Proxy(server.url) as proxy:
        names = server.wait_connected(COUNT)[:COUNT]
        begun = time.monotonic()
        for _life in range(6):
            process = worker(proxy, tmp_path / "home", server.token, names)
            until = len(proxy.seen("POST /api/instance/reconnect/")) + rng.randint(1, 12)
            while process.poll() is None and len(proxy.seen("POST /api/instance/reconnect/", begun)) < until:
                time.sleep(rng.random() * 0.01)
            process.kill()
            process.communicate()
        last = worker(proxy, tmp_path / "home", server.token, names)
        said, _none = last.communicate(timeout=100)
        assert last.returncode == 0, said
        done = Counter(request.path.rpartition("/")[2] for request in proxy.seen("POST /api/instance/reconnect/"))
        assert set(done) == set(names), set(names) - set(done)
        twice = {name: count for name, count in done.items() if count > 1}
        assert not twice, "what was under way when it was killed was connected afterwards, and is not dialled again"
        answers = Counter(re.findall(r"POST /api/instance/reconnect/\S+ (\d+) ", server.log.read_text()))
        assert set(answers) == {"200"} and " 429 " not in server.log.read_text(), "no limit was met"
        assert {server.states()[name] for name in names} == {"connected"}
