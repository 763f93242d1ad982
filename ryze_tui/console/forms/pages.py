"""The pages of the edit screen: which blocks stand behind which tab, and the line that names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from textual import events
from textual.message import Message

from ... import keys
from ...i18n import _, mark
from ..bindings import bind
from ..styles import ink
from ..widgets.canvas import Canvas, Line, seg
from ..words import fit, safe

if TYPE_CHECKING:
    from ...operations.configuring import Held
    from ...operations.editing import Edit

TABS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("2", mark("Settings"), ("settings",)),
    ("3", mark("Network"), ("proxy", "s3")),
    ("4", mark("Webhooks"), ("webhook",)),
    ("5", mark("Stream"), ("websocket",)),
    ("6", mark("Chatwoot"), ("chatwoot",)),
)
"""Key, title, kinds of blocks."""
TITLES: Final = {
    "settings": mark("Settings"), "proxy": mark("Proxy"), "s3": mark("S3"), "webhook": mark("Webhook"),
    "websocket": mark("Stream"), "chatwoot": mark("Chatwoot"),
}


@dataclass(slots=True)
class Page:
    """One block of the instance. `edit` is None until it was read; `problem`: why it could not be.

    `planned`: of an instance that is not there yet, so that nothing is saved or unsaved. `doubt`: why nobody knows whether the
    last save was carried out.
    """

    kind: str
    label: str = ""
    held: Held | None = None
    edit: Edit | None = None
    problem: str = ""
    doubt: str = ""
    new: bool = False
    planned: bool = False

    @property
    def title(self) -> str:
        """As the line of pages names it."""
        return safe(self.label) if self.label else _(TITLES[self.kind])

    @property
    def what(self) -> str:
        """The same within a sentence: `Webhook crm`."""
        return what(self.kind, self.label)

    @property
    def dirty(self) -> bool:
        """Whether something in it is not saved."""
        return self.edit is not None and not self.planned and (self.edit.dirty or self.new)

    @property
    def state(self) -> str:
        """`● on`, `○ off`, or nothing for a block that is always there."""
        if self.edit is None or "enabled" not in self.edit.was:
            return ""
        on = (self.edit.yours if self.planned else self.edit.was)["enabled"]
        return f"● {_('on')}" if on else f"○ {_('off')}"


def what(kind: str, label: str) -> str:
    """A block as titles name it; a label alone may be any word."""
    return _("Webhook {label}").format(label=safe(label)) if label else _(TITLES[kind])


def _digit(key: str) -> str:
    """The person's own key of a tab."""
    return keys.name(f"edit{key}")


def tab_keys() -> str:
    """`1–6`, or the person's own, each."""
    own = [_digit(str(digit)) for digit in range(1, 7)]
    return "1–6" if own == list("123456") else " ".join(own)


class TabLine(Canvas):
    """`1 Overview  2 Settings …`; the digit of a tab is its key."""

    ground = ink.BAR

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self) -> None:
        super().__init__(id="tabs")
        self.at = "2"
        self.dirty: frozenset[str] = frozenset()

    def _parts(self) -> list[tuple[str, str]]:
        tabs = [("1", _("Overview")), *((key, _(title)) for key, title, _kinds in TABS)]
        room = self.size.width - 1
        texts = [(key, f"{title}{'*' if key in self.dirty else ''}") for key, title in tabs]
        while sum(cell_len(title) + cell_len(_digit(key)) + 3 for key, title in texts) > room:
            longest = max(range(len(texts)), key=lambda index: len(texts[index][1]) * (texts[index][0] != self.at))
            key, title = texts[longest]
            if key == self.at or not title:
                break
            star = "*" if key in self.dirty else ""
            short = title.removesuffix(star).rstrip("…")[:-1]
            texts[longest] = (key, (short + "…" if len(short) > 3 else short) + star if title != star else "")
        return texts

    def lines(self) -> list[Line]:
        line: Line = [seg(" ", ink.BAR)]
        for key, title in self._parts():
            here = key == self.at
            line += [seg(f"{_digit(key)} ", ink.BAR_KEY), seg(title, ink.BAR_BOLD if here else ink.BAR_DIM), seg("  ", ink.BAR)]
        return [line]

    def on_click(self, event: events.Click) -> None:
        x = 1
        for key, title in self._parts():
            size = cell_len(title) + cell_len(_digit(key)) + 3
            if x <= event.x < x + size - 1:
                self.post_message(self.Chosen(key))
                return
            x += size


class PageLine(Canvas):
    """The blocks behind a tab. It has the focus while the form has the keys: letters are verbs there."""

    can_focus = True
    ground = ink.BAR
    BINDINGS = [
        bind("page_previous", "turn(-1)"),
        bind("page_next", "turn(1)"),
        bind("into", "screen.into"),
    ]

    class Turned(Message):
        """Another page is wanted."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self) -> None:
        super().__init__(id="pages")
        self.pages: list[Page] = []
        self.at = 0
        self.remark = ""

    def action_turn(self, by: int) -> None:
        if self.pages:
            self.post_message(self.Turned((self.at + by) % len(self.pages)))

    def watch_has_focus(self, focused: bool) -> None:
        super().watch_has_focus(focused)
        self.sync()

    def _texts(self) -> list[str]:
        """A text of at most half the line for each page, with its state at the end whatever its name."""
        texts = []
        for page in self.pages:
            tail = f" {page.state}".rstrip() + ("*" if page.dirty else "")
            most = max(self.size.width // 2 - cell_len(tail), 4)
            texts.append((fit(page.title, most) if cell_len(page.title) > most else page.title) + tail)
        return texts

    def _shown_pages(self) -> list[tuple[int, int, str]]:
        """(column, index, text) of the pages there is room for; the one that is shown is always among them."""
        texts, room = self._texts(), self.size.width - cell_len(self.remark) - 3
        first = 0
        while first < self.at and sum(cell_len(text) + 3 for text in texts[first : self.at + 1]) > room - 2:
            first += 1
        x, shown = 2 if not first else 4, []
        for index in range(first, len(texts)):
            if index > self.at and x + cell_len(texts[index]) > room:
                break
            shown.append((x, index, texts[index]))
            x += cell_len(texts[index]) + 3
        return shown

    def on_click(self, event: events.Click) -> None:
        shown = self._shown_pages()
        for x, index, text in shown:
            if x <= event.x < x + cell_len(text):
                self.post_message(self.Turned(index))
                return
        if shown and shown[0][1] and event.x < shown[0][0]:
            self.action_turn(-1)
        elif shown and shown[-1][1] + 1 < len(self.pages) and event.x > shown[-1][0]:
            self.action_turn(1)

    def lines(self) -> list[Line]:
        shown = self._shown_pages()
        line: Line = [seg("  ", ink.BAR_KEY)]
        if shown and shown[0][1]:
            line.append(seg("‹ ", ink.BAR_KEY))
        for _x, index, text in shown:
            here = index == self.at
            style = ink.BAR_BOLD if here else ink.BAR_DIM
            if here and self.has_focus:
                line[-1] = seg(f"{line[-1].text[:-2]}▸ ", ink.BAR_KEY)
                style = ink.on_bar_cursor(style)
            line += [seg(text, style), seg("   ", ink.BAR)]
        if shown and (hidden := len(self.pages) - shown[-1][1] - 1):
            line[-1] = seg(f" ›{hidden}", ink.BAR_KEY)
        used = sum(cell_len(part.text) for part in line)
        room = max(self.size.width - used - 1, 0)
        remark = self.remark if cell_len(self.remark) <= room else fit(self.remark, room)
        if remark != self.remark and self.remark.startswith("*"):
            remark = fit("*", min(room, 1))  # a star says it too, where the word has no room
        gap = max(self.size.width - used - cell_len(remark) - 1, 0)
        return [[*line, seg(" " * gap, ink.BAR), seg(remark, ink.BAR_TROUBLE)]]
