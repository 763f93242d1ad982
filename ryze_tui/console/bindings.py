"""Bindings from the table of keys: each has its id, which user keymaps name, and a tooltip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType

from .. import keys

if TYPE_CHECKING:
    from textual.app import App


def bind(id: str, action: str, tooltip: str = "") -> Binding:
    """The keys of `id` for an action of the class that it stands in."""
    key = keys.KEYS[id]
    return Binding(",".join(key.keys), action, show=False, id=id, tooltip=tooltip or key.what)


def moves(action: str = "move", page: int = 12, paging: str = "", *, space: bool = True) -> list[BindingType]:
    """Those of everything that has lines; `page`: how many a page has, or `paging`: the action that knows it.

    `space`: it pages down too; not where it marks or pauses.
    """
    far = 99_999_999
    down, up = (f"{paging}(1)", f"{paging}(-1)") if paging else (f"{action}({page})", f"{action}({-page})")
    return [
        bind("down", f"{action}(1)"), bind("up", f"{action}(-1)"), bind("page_down", down), bind("page_up", up),
        bind("first", f"{action}({-far})"), bind("last", f"{action}({far})"), *([bind("page_down_too", down)] if space else []),
    ]  # fmt: skip


def labelled(title: str, id: str) -> str:
    """A button with its key: `Review (r)`."""
    return f"{title} ({keys.name(id)})"


def use_keys(app: App[int], keymap: Mapping[str, str]) -> None:
    """Give the application the person's keys."""
    keys.use(keymap)
    if keymap:
        app.set_keymap(keymap)


