"""When the server's clock is set, every `since` moves along, is written, and is told."""

from __future__ import annotations

import pytest
from ryze_tui.backend.clock import LoopClock, elapsed
from ryze_tui.backend.redating import LOOK, STEP, Redating

from .fakes import VirtualClock


class Rows:
    """Catalog, store and bus of two instances."""

    def __init__(self) -> None:
        self.by_id = {"a": Record(100.0), "b": Record(200.0)}
        self.touched: list[float] = []
        self.told: list[float] = []

    def touch(self, record: Record) -> None:
        self.touched.append(record.since)

    def row(self, record: Record) -> None:
        assert record.is_changed, "what is told is made anew"
        self.told.append(record.since)


class Record:
    def __init__(self, since: float) -> None:
        self.since, self.is_changed = since, False

    def changed(self) -> None:
        self.is_changed = True


class Set(VirtualClock):
    step = 0.0

    def now(self) -> float:
        return super().now() + self.step


@pytest.mark.parametrize("step", [-7200.0, STEP])
def test_every_since_moves_along_once(step: float) -> None:
    clock, rows = Set(), Rows()
    redating = Redating(rows, rows, rows, clock)  # type: ignore[arg-type]
    redating.start()
    clock.advance(3 * LOOK)
    clock.step += STEP - 1
    clock.advance(LOOK)
    clock.step -= STEP - 1
    assert rows.told == []
    clock.step += step
    clock.advance(3 * LOOK)
    assert rows.told == rows.touched == [100.0 + step, 200.0 + step]
    redating.close()
    clock.step += 7200
    clock.advance(3 * LOOK)
    assert len(rows.told) == 2 and not clock.waiting


def test_the_machines_own_clock() -> None:
    assert elapsed(LoopClock()) >= LoopClock().monotonic() - 1
