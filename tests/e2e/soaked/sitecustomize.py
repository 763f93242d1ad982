"""In a console under test only (it is on its PYTHONPATH): SIGUSR2 writes what is alive in it to `$SOAK_TOLD`, in JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any


def tell(_number: int, _frame: Any) -> None:
    """Tasks by name, timers of the loop, objects of ours and of Textual by type, threads."""
    gc.collect()
    loop = asyncio.get_running_loop()
    ours = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    kinds = {name for name in ours if name.startswith(("ryze_tui.", "textual.")) and ".geometry." not in name}
    told = {
        "tasks": Counter(task.get_coro().__qualname__ for task in asyncio.all_tasks(loop)),
        "timers": sum(not timer.cancelled() for timer in loop._scheduled),  # type: ignore[attr-defined]
        "threads": threading.active_count(),
        "objects": sum(ours.values()),
        "types": {name: ours[name] for name in kinds},
    }
    with Path(os.environ["SOAK_TOLD"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(told) + "\n")


if "SOAK_TOLD" in os.environ:
    signal.signal(signal.SIGUSR2, tell)
