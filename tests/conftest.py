"""Tests read English, whatever this machine speaks (those of translations say so themselves), and begin with usual signals."""

from __future__ import annotations

import os
import signal

os.environ["RYZE_LANG"] = "en"

for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:  # run by `&` or nohup: children would ignore what tests send them
        signal.signal(number, usual)
