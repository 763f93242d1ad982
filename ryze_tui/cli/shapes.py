"""How rows look in JSON: the same fields wherever an instance is told, described by cli/schemas."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..api.instance import BLOCK_LETTERS

if TYPE_CHECKING:
    from ..fleet.model import Row


def moment(unix: float) -> str | None:
    """RFC 3339 in UTC with seconds; None for 0."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix)) if unix > 0 else None


def instance(row: Row) -> dict[str, Any]:
    """One instance as every list tells it. `since_exact` false: it has been so at least since then, maybe longer."""
    item = row.item
    return {
        "name": row.name, "state": row.state, "raw_state": row.raw_state, "since": moment(row.since),
        "since_exact": row.since_exact, "reason": row.reason, "number": row.number, "profile": item.profile_name,
        "business": item.is_business, "blocks": [name for letter, name in BLOCK_LETTERS if letter in item.blocks],
        "streaming": item.streaming, "stale": row.stale, "readable": not row.garbled,
    }
