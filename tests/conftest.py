"""Tests read English, whatever this machine speaks (those of translations say so themselves), and begin with usual signals."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from ryze_tui import redact

os.environ["RYZE_LANG"] = "en"

if times := float(os.environ.get("RYZE_FUZZ") or 0):  # `make fuzz`: fifty times as many examples, or that many times more
    settings.register_profile("fuzz", max_examples=int(5000 * times), deadline=None, suppress_health_check=list(HealthCheck))
    settings.load_profile("fuzz")

else:  # how long examples take on a busy machine is no fault of what is tested
    settings.register_profile("usual", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("usual")

for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:  # run by `&` or nohup: children would ignore what tests send them
        signal.signal(number, usual)


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """A program that was run inside a test may have put collection off, as it does at its start; the next test has it again.

    Nor does it know the first one's secrets: `second`, registered as one, would be masked in its texts too.
    """
    yield
    redact.forget_all()
    if not gc.isenabled():
        gc.enable()
    if gc.get_freeze_count():
        gc.unfreeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Names of what failed, a line each, in `$RYZE_FAILED` (CI runs those once more)."""
    path = os.environ.get("RYZE_FAILED")
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if path and reporter is not None and not hasattr(session.config, "workerinput"):
        bad = [report.nodeid for kind in ("failed", "error") for report in reporter.stats.get(kind, [])]
        Path(path).write_text("".join(f"{name}\n" for name in dict.fromkeys(bad)), encoding="utf-8")
