"""When the server's clock is set, every `since` moves along, is written, and is told."""

from __future__ import annotations

import pytest
from ryze_tui.backend.clock import LoopClock, elapsed
from ryze_tui.backend.redating import LOOK, STEP, Redating
from ryze_tui.backend.table import Happening, Stage

from .fakes import ACCOUNT, VirtualClock, World


class Rows:
    """Catalog, store and bus of two instances."""

    def __init__(self) -> None:
        self.by_id = {"a": Record(100.0), "b": Record(200.0)}
        self.before_dating = lambda: None
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


@pytest.mark.parametrize("step", [-26 * 3600.0, 31 * 3600.0])
async def test_what_happens_right_after_the_step_is_dated_once(step: float) -> None:
    """Between the step and the next look: it was moved too, and lasted for a day, or began tomorrow."""
    world = await World().open()
    clock = world.clock = world.instances._clock = world.catalog._clock = Set()
    before, banned = await world.at(Stage.LINKING), await world.catalog.create(ACCOUNT, "old", "", [])
    began = banned.since
    redating = Redating(world.catalog, world.store, world.bus, clock)  # type: ignore[arg-type]
    redating.start()
    clock.advance(LOOK)
    clock.step += step
    world.happens(before, Happening.CONNECTED)
    made = await world.catalog.create(ACCOUNT, "new", "", [])
    for _look in range(2):
        assert before.since == made.since == clock.now() - LOOK * _look and banned.since == began + step
        clock.advance(LOOK)
    redating.close()


def test_the_machines_own_clock() -> None:
    assert elapsed(LoopClock()) >= LoopClock().monotonic() - 1
