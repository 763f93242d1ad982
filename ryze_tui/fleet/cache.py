"""The last list of an account, kept so that the next start shows it before the network is even asked. Never proof of anything.

Its rows live in a model of their own, so that nothing which keeps the real rows true can take them for facts. They are as of
`Kept.seen`, and the screen says so; a real list takes their place. No token, no address, no secret is in the file: only what
the list and the summary show. `RYZE_NO_CACHE=1` switches it off (keeping.py), and a demo keeps nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from .. import paths
from ..api import states
from ..api.instance import Instance, blocks_of, name_of, number_of
from . import keeping
from .keeping import Kept, masked, second, text
from .model import LIST, STREAM, YOU, FleetModel, Row

KIND: Final = "list"
BYTES_MOST: Final = 32 << 20
ROWS_MOST: Final = 20_000
AT_ONCE: Final = 400
"""Rows that are read in one go: 2 ms."""
NEVER: Final = float("-inf")
"""The monotonic second of rows that were heard of before this program ran: older than anything."""
_FIELDS: Final = 17


def path(name: str) -> Path:
    """Where an account's list is; `name` is its fingerprint."""
    return paths.cache_dir() / "lists" / f"{name}{keeping.SUFFIX}"


def look(url: str, token: str) -> Kept | None:
    """What was kept for this account; None when there is nothing to show. Reads the file, not yet its rows."""
    name = keeping.fingerprint(url, token) if keeping.wanted() else ""
    kept = keeping.read(path(name), KIND, most=BYTES_MOST, rows=ROWS_MOST) if name else None
    return kept if kept is not None and kept.lines else None


def tally(kept: Kept) -> dict[str, int]:
    """How many rows were in which state."""
    found: dict[str, int] = {}
    for line in kept.lines:
        if (row := row_of(keeping.parsed(line), kept.seen)) is not None:
            found[row.state] = found.get(row.state, 0) + 1
    return found


def fill(model: FleetModel, lines: Sequence[bytes], seen: float) -> None:
    """Add the rows of these lines to a model; a line that cannot be read costs its row only."""
    for line in lines:
        row = row_of(keeping.parsed(line), seen)
        if row is not None and row.name not in model.rows:
            model.put(row)


def load_few(kept: Kept) -> FleetModel | None:
    """All rows in one go, when they are few enough for that."""
    if len(kept.lines) > AT_ONCE:
        return None
    model = FleetModel()
    fill(model, kept.lines, kept.seen)
    return model


async def load(kept: Kept) -> FleetModel:
    """All rows, letting others run in between."""
    from ..client.clock import Breath

    model, breath = FleetModel(), Breath()
    for start in range(0, len(kept.lines), AT_ONCE):
        fill(model, kept.lines[start : start + AT_ONCE], kept.seen)
        await breath()
    return model


def line_of(row: Row) -> str:
    """A row as it is kept."""
    item = row.item
    return json.dumps([
        row.name, row.state, row.raw_state if row.state == states.UNKNOWN else "", row.phase, row.stale, round(row.since, 3),
        row.since_exact, round(row.not_before, 3), masked(row.reason), row.told_by, round(row.last_event, 3), row.last_word,
        row.number, item.profile_name, item.business_name if item.is_business else None, item.blocks, item.streaming,
    ], separators=(",", ":"))  # fmt: skip


def row_of(values: Any, seen: float) -> Row | None:
    """The row of a line, with every field checked as one of the network's; None when it is none."""
    if not isinstance(values, list) or len(values) != _FIELDS or not (name := name_of(values[0])[:200]):
        return None
    (state, raw, phase, stale, since, exact, not_before, reason, told_by, last_event, word, number, profile, business, blocks,
     streaming) = values[1:]  # fmt: skip
    if state not in (*states.STATES, states.UNKNOWN):
        return None
    began = min(second(since), seen)  # the server's clock may be ahead of ours
    item = Instance(
        name, state=state, raw_state=text(raw), reason=text(reason), profile_name=text(profile), is_business=business is not None,
        business_name=text(business), blocks=blocks_of(text(blocks)), streaming=streaming is True,
        number_jid=f"{number_of(text(number))}@s.whatsapp.net",
    )
    return Row(
        name, state, began or seen, exact is True and began > 0, NEVER, seen, told_by if told_by in (LIST, STREAM, YOU) else LIST,
        raw_state=item.raw_state, reason=item.reason, phase=text(phase, 20), stale=stale is True, last_event=second(last_event),
        last_word=text(word, 60), not_before=second(not_before), item=item,
    )
