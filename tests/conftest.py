"""Tests read English, whatever this machine speaks (those of translations say so themselves), and begin with usual signals."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

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
def collected() -> Iterator[None]:
    """A program that was run inside a test may have put collection off, as it does at its start; the next test has it again."""
    yield
    if not gc.isenabled():
        gc.enable()
    if gc.get_freeze_count():
        gc.unfreeze()
