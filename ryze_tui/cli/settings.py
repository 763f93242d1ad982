"""`ryze-tui settings`: the settings of instances, read and changed."""

from __future__ import annotations

from functools import partial

from . import blockcommand

add_arguments = partial(blockcommand.add_arguments, "settings")
run = partial(blockcommand.run, "settings")
