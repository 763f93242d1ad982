"""`ryze-tui webhook`: the webhooks of instances, read and changed."""

from __future__ import annotations

from functools import partial

from . import blockcommand

add_arguments = partial(blockcommand.add_arguments, "webhook")
run = partial(blockcommand.run, "webhook")
