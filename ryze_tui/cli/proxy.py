"""`ryze-tui proxy`: the proxy of instances, read and changed."""

from __future__ import annotations

from functools import partial

from . import blockcommand

add_arguments = partial(blockcommand.add_arguments, "proxy")
run = partial(blockcommand.run, "proxy")
