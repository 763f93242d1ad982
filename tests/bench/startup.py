"""How long until something shows, beside the smallest Textual application; and `--version` beside an import of argparse."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from ..terminal.process import Terminal, private_dirs
from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .measure import Figure, interleaved, ratio, start, wall, without_budget
from .stock import HERE, SIZE


def command() -> list[str]:
    """The program as it is installed; as a module when it is not."""
    script = Path(sys.executable).with_name("ryze-tui")
    return [str(script)] if script.exists() else [sys.executable, "-m", "ryze_tui"]


def startup(server: Server, runs: int) -> list[Figure]:
    """First text and the list from the server, each start with empty directories so that nothing is cached; then from it."""
    seen: list[tuple[float, float]] = []

    def ours() -> float:
        home = Path(tempfile.mkdtemp(prefix="ryze-bench-"))
        try:
            env = private_dirs(home) | {"RYZE_TOKEN": server.token}
            seen.append(start([*command(), "--url", server.url], env, SIZE, "sim-000"))
            return seen[-1][0]
        finally:
            shutil.rmtree(home)

    def static() -> float:
        return start([sys.executable, str(HERE / "static_app.py")], {}, SIZE, "READY")[0]

    def table() -> float:
        return start([sys.executable, str(HERE / "table_app.py")], {}, SIZE, "sim-00001")[1]

    first, reference, stock = interleaved(runs, ours, static, table)
    lists = [listed for _, listed in seen[1:]]
    return [
        ratio("first text, against a one-Static app", first, reference, 1.15),
        ratio("list of 50 from the server, against the same", lists, reference, 1.7),
        cached(server, runs),
        without_budget(ratio("a stock DataTable app with 50 rows, for comparison", stock, reference, 0)),
    ]


def cached(server: Server, runs: int) -> Figure:
    """The list of last time, while the server cannot be reached: nothing of the network is waited for."""
    home = Path(tempfile.mkdtemp(prefix="ryze-bench-"))
    env = private_dirs(home) | {"RYZE_TOKEN": server.token}
    try:
        with Proxy(server.url) as proxy:
            with Terminal([*command(), "--url", proxy.url], *SIZE, env) as console:
                console.wait_for("LIVE", 20)
                console.press("q")
                console.wait_exit()
            proxy.refuse()

            def ours() -> float:
                return start([*command(), "--url", proxy.url], env, SIZE, "sim-000")[1]

            def static() -> float:
                return start([sys.executable, str(HERE / "static_app.py")], {}, SIZE, "READY")[0]

            mine, reference = interleaved(runs, ours, static)
        return ratio("list of 50 from the cache, server away, against the same", mine, reference, 1.3)
    finally:
        shutil.rmtree(home)


def version(runs: int) -> list[Figure]:
    """The cheapest thing the command does."""
    ours, reference = interleaved(
        runs, lambda: wall([*command(), "--version"], {}), lambda: wall([sys.executable, "-c", "import argparse"], {})
    )
    return [ratio("--version, against `python -c 'import argparse'`", ours, reference, 2.5)]


def listing(server: Server, runs: int, what: str) -> list[Figure]:
    """`ls --json`, and the same call by a bare script."""
    home = Path(tempfile.mkdtemp(prefix="ryze-bench-"))
    env = private_dirs(home) | {"RYZE_TOKEN": server.token, "RYZE_URL": server.url}
    try:
        ours, bare = interleaved(
            runs, lambda: wall([*command(), "ls", "--json"], env), lambda: wall([sys.executable, str(HERE / "bare_list.py")], env)
        )
    finally:
        shutil.rmtree(home)
    return [ratio(f"ls --json of {what}, against a bare httpx script", ours, bare, 3)]
