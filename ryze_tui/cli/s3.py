"""`ryze-tui s3`: the S3 of instances, read and changed."""

from __future__ import annotations

from functools import partial

from . import blockcommand

add_arguments = partial(blockcommand.add_arguments, "s3")
run = partial(blockcommand.run, "s3")
