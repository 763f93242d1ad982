"""`ryze-tui chatwoot`: the Chatwoot of instances, read and changed."""

from __future__ import annotations

from functools import partial

from . import blockcommand

add_arguments = partial(blockcommand.add_arguments, "chatwoot")
run = partial(blockcommand.run, "chatwoot")
