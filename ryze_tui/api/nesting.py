"""How deep JSON of strangers may be nested, with every Python the same.

Python 3.11 refuses about a thousand levels, 3.12 and later read tens of thousands: then it is whoever walks or prints the value
that fails. The contract needs six.
"""

from __future__ import annotations

from typing import Any, Final

DEEPEST: Final = 100
"""Levels of arrays and objects within each other."""


def flat(value: Any, text: str | bytes, begin: int = 0, end: int | None = None) -> Any:
    """`value`, which was read from `text[begin:end]`. Raises ValueError when it is nested more deeply than that.

    The text is only counted, which is fast, unless it has enough brackets for that.
    """
    if isinstance(text, bytes):
        brackets = text.count(b"{", begin, end) + text.count(b"[", begin, end)
    else:
        brackets = text.count("{", begin, end) + text.count("[", begin, end)
    if brackets <= DEEPEST:
        return value
    level: list[Any] = [value]
    for _depth in range(DEEPEST + 1):
        level = [child for node in level for child in _children(node)]
        if not level:
            return value
    raise ValueError("nested too deeply")


def _children(node: Any) -> Any:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()
