"""Deep JSON is refused at the same depth by every Python, and flat JSON of any size is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ryze_tui.api.errors import BadReply
from ryze_tui.api.events import parse_envelope
from ryze_tui.api.instance import iter_items
from ryze_tui.api.nesting import DEEPEST, flat
from ryze_tui.client.replies import as_object, error_text


def nested(levels: int, inner: Any = 1) -> Any:
    for n in range(levels):
        inner = [inner] if n % 2 else {"a": inner}
    return inner


@pytest.mark.parametrize("kind", [str, bytes])
def test_the_edge(kind: type) -> None:
    def read(value: Any) -> Any:
        text = json.dumps(value)
        return flat(value, text if kind is str else text.encode())

    assert read(nested(DEEPEST)) == nested(DEEPEST)
    with pytest.raises(ValueError, match="deeply"):
        read(nested(DEEPEST + 1))
    wide = [nested(3) for _ in range(1000)]
    assert read(wide) is wide


def test_only_the_part_that_was_read_counts() -> None:
    text = json.dumps(nested(500)) + '{"a":1}'
    assert flat({"a": 1}, text, len(text) - 7) == {"a": 1}


@pytest.mark.parametrize("levels", [DEEPEST + 1, 900, 5000])
def test_no_reader_lets_it_in(levels: int) -> None:
    deep = "[" * levels + "]" * levels
    with pytest.raises(BadReply):
        parse_envelope('{"event":"instance.state","instance":"a","data":{"a":' + deep + "}}")
    with pytest.raises(BadReply):
        list(iter_items('{"instances":[{"name":"a","x":' + deep + "}]}"))
    with pytest.raises(BadReply):
        as_object('{"a":' + deep + "}")
    assert error_text('{"error":{"message":"no","x":' + deep + "}}") == ""
