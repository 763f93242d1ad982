"""The overview's page keeps its shape while time passes: a page that moves by a line is drawn anew, and hard to read."""

from __future__ import annotations

import pytest
from ryze_tui.api.events import Event
from ryze_tui.api.instance import Instance
from ryze_tui.console.panes.overview import Overview
from ryze_tui.fleet.model import FleetModel, Row

NOW = 1_790_000_000.0


def row(*, pushed: bool) -> Row:
    model = FleetModel()
    model.apply_list([Instance("a", state="banned", number_jid="5511@s.whatsapp.net")], asked_at=1, received_at=1, now=NOW)
    if pushed:
        model.apply_event(Event("instance.state", "a", {"state": "connected"}), received_at=2, now=NOW)
    return model.rows["a"]


@pytest.mark.parametrize("pushed", [True, False])
@pytest.mark.parametrize("width", [48, 50, 52, 54, 60, 78])
def test_no_line_moves_when_minutes_pass(width: int, pushed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Overview()
    page.row = row(pushed=pushed)
    lengths = set()
    for minutes in (0, 1, 9, 10, 59):
        monkeypatch.setattr("time.time", lambda at=NOW + minutes * 60 + 1: at)
        lengths.add(len(page._page(width)))
    assert len(lengths) == 1, lengths
