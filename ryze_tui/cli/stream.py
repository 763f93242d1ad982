"""`ryze-tui stream`: the stream of instances, read and changed."""

from __future__ import annotations

from functools import partial

from . import blockcommand

add_arguments = partial(blockcommand.add_arguments, "websocket")
run = partial(blockcommand.run, "websocket")
