"""A text before it is sent, and what is told of it afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from ryze_tui.api.events import Event
from ryze_tui.operations.messaging import TEXT_MOST, receipt_of, text_problem


def test_a_text_that_is_none_or_too_long() -> None:
    assert text_problem(" \n") == "Type a text."
    assert str(TEXT_MOST) in text_problem("x" * (TEXT_MOST + 1))
    assert text_problem("x" * TEXT_MOST) == ""


@pytest.mark.parametrize(("name", "instance", "data", "status"), [
    ("message.status", "shop", {"messageIds": ["M1", "M2"], "status": "read"}, "read"),
    ("message.status", "shop", {"messageIds": ["M9"], "status": "read"}, ""),
    ("message.status", "shop", {"messageIds": "M1", "status": "read"}, ""),
    ("message.status", "shop", {"messageIds": ["M1"], "status": 4}, ""),
    ("message.status", "other", {"messageIds": ["M1"], "status": "read"}, ""),
    ("message.exchange", "shop", {"messageIds": ["M1"], "status": "read"}, ""),
])  # fmt: skip
def test_only_what_is_told_of_this_message_counts(name: str, instance: str, data: dict[str, Any], status: str) -> None:
    assert receipt_of(Event(name, instance, data), "shop", "M1") == status
    assert receipt_of(Event(name, instance, data), "shop", "") == ""
