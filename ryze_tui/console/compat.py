"""The one place that reaches into Textual's private parts (8.2, pinned): cell-exact output, crash handling, back-pressure.

Textual crops a dirty span on its right side only and redraws whole widgets below a modal. `CellExact` keeps a shadow of what
the terminal shows and writes the cells that differ: a modal costs 2 KB instead of 40, start-up 23 KB instead of 67.
Headless runs (tests with a pilot) take Textual's own path; the end-to-end tests read the real one back.
"""

from __future__ import annotations

import asyncio
import os
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from rich.segment import Segment
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual._styles_cache import StylesCache
from textual._xterm_parser import XTermParser as XTermParser
from textual.app import App, ScreenStackError
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.filter import Monochrome, NoColor
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.widget import MountError
from textual.worker import WorkerFailed

from .pen import Cell, Pen, cells_of
from .styles import ink

if TYPE_CHECKING:

    from textual.screen import Screen

_CATCH_UP: Final = 0.01
"""Seconds after which to look again whether a terminal that was behind has taken what was sent."""

_inner_outer = lru_cache(maxsize=1024)(partial(StylesCache.get_inner_outer.__wrapped__, None))
StylesCache.get_inner_outer = lambda self, base, ground: _inner_outer(base, ground)  # type: ignore[method-assign,assignment]
"""Textual's own remembers by widget too, and so keeps a thousand that are closed, with all their lines: 30 MB."""


def _spans(update: ChopsUpdate | LayoutUpdate) -> list[tuple[int, int, list[Cell]]]:
    """(row, column, cells) of everything that Textual wants to draw."""
    if isinstance(update, LayoutUpdate):
        return [
            (y, update.region.x, [cell for strip in line for cell in cells_of(strip)])
            for y, line in enumerate(update.strips, update.region.y)
        ]
    spans = []
    for y, left, right in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x >= right or end <= left:
                continue
            start, stop = max(x, left), min(end, right)
            spans.append((y, start, cells_of(strip.crop(start - x, stop - x) if (start, stop) != (x, end) else strip)))
    return spans


def _looked_in_what_is_closed(error: BaseException) -> bool:
    """Whether the widget that did not find another is being taken away, or is."""
    at = error.__traceback__
    while at is not None:
        node = at.tb_frame.f_locals.get("self")
        if isinstance(node, DOMNode) and (node._pruning or not node.is_attached):
            return True
        at = at.tb_next
    return False


TOASTS: Final = 5
"""So many stand on the screen at most."""


class CellExact(App[int]):
    """An App whose output is cell-exact, and whose crash shows no local variables (they hold tokens)."""

    _shadow: dict[int, Any]
    """Per row its cells, or the segments that were written there and have not been looked at since."""
    _shadow_size: Any = None
    _catching_up: asyncio.TimerHandle | None = None
    theme_name = ""
    uncoloured = False
    """`NO_COLOR` is set and not empty."""
    only_terminal_colours = False
    """Whether no other than the terminal's own 16 colours may go out."""

    def filter_output(self, *, ascii: bool) -> None:
        """Before anything is drawn: no colours where `NO_COLOR` says so, 7-bit characters where `ascii` does."""
        self.uncoloured = self.no_color = bool(os.environ.get("NO_COLOR"))
        self._filters = [one for one in self._filters if not isinstance(one, (Monochrome, NoColor))]
        if self.uncoloured or ascii:
            from .output import Ascii, Uncoloured

            self._filters += [Uncoloured()] * self.uncoloured + [Ascii()] * ascii

    def get_css_variables(self) -> dict[str, str]:
        """Textual's, and the inks' of now."""
        return {**super().get_css_variables(), **ink.variables()}

    def plain_scrollbars(self, plain: bool) -> None:
        """Scroll bars that are seen without colours of their own, or Textual's."""
        if plain:
            from .output import PlainScrollBar

            ScrollBar.renderer = PlainScrollBar
        elif ScrollBar.renderer is not ScrollBarRender:
            ScrollBar.renderer = ScrollBarRender

    def repaint(self) -> None:
        """The colours are others: style sheets are read again, and everything is drawn again."""
        self.refresh_css(animate=False)
        self.forget_screen()
        for screen in self.screen_stack:
            for widget in (screen, *screen.query("*")):
                widget.refresh()
                widget.notify_style_update()

    def _refresh_notifications(self) -> None:
        """The same words stand there once, and the newest few of all: a key that is held down makes no wall of them."""
        newest: dict[tuple[str, str], Any] = {}
        for one in self._notifications:
            newest.pop((one.message, one.severity), None)
            newest[one.message, one.severity] = one
        stay = list(newest.values())[-TOASTS:]
        for one in [one for one in self._notifications if one not in stay]:
            del self._notifications[one]
        self._clear_toasts()
        self.place_toasts()
        super()._refresh_notifications()

    def unsay(self, message: str) -> None:
        """Take back what is no longer true."""
        over = [one for one in self._notifications if one.message == message]
        for one in over:
            del self._notifications[one]
        if over:
            self._refresh_notifications()

    def place_toasts(self) -> None:
        """Where they hide least of the screen as it is now, and on no screen below it."""
        if self._notifications and self._screen_stacks and self.screen_stack:
            from .toasts import place

            place(self.screen_stack, self._notifications)

    def on_descendant_focus(self) -> None:
        if self._notifications:
            self.place_toasts()
            self.call_after_refresh(self.place_toasts)  # it may have been scrolled into sight

    def _clear_toasts(self) -> None:
        """Of what is said no more. Textual takes such a toast out of its holder, and keeps the holder and its task for ever."""
        from textual.widgets._toast import Toast, ToastHolder

        for screen in self.screen_stack:
            for toast in screen.query(Toast):
                if toast._notification not in self._notifications:
                    (toast.parent if isinstance(toast.parent, ToastHolder) else toast).remove()

    rings = True
    """Whether the terminal's bell may ring."""

    def bell(self) -> None:
        if self.rings:
            super().bell()

    def forget_screen(self) -> None:
        """Draw everything again at the next refresh (after another program drew on the terminal)."""
        self._shadow = {}

    def behind(self) -> bool:
        """Whether the terminal is slower than we are: another frame would wait behind others, and keys behind it."""
        return self._catching_up is not None or self.backlog() > 1

    def backlog(self) -> int:
        """Frames that wait for a slow terminal, besides the one it is taking. Textual blocks the event loop at 30."""
        thread = getattr(self._driver, "_writer_thread", None)
        return thread._queue.qsize() if thread is not None else 0

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        driver = self._driver
        if (
            renderable is None
            or self._batch_count
            or not self._running
            or self._closed
            or self.is_headless
            or driver is None
            or driver.is_inline
            or type(renderable) not in (ChopsUpdate, LayoutUpdate)
        ):
            super()._display(screen, renderable)
            return
        if self._shadow_size != self.size:
            self._shadow, self._shadow_size = {}, self.size
        if self._shadow and self.behind():
            self._drop()
        elif text := self._difference(renderable):
            driver.write(f"{SYNC_START}{text}{SYNC_END}" if self._sync_available else text)
            driver.flush()
        self.post_display_hook()

    def _drop(self) -> None:
        """This frame is not drawn: one of everything is, once the terminal has taken those before it."""
        if self._catching_up is None:
            self._catching_up = asyncio.get_running_loop().call_later(_CATCH_UP, self._catch_up)

    def _catch_up(self) -> None:
        self._catching_up = None
        if self._exit or not self._running:
            return
        if self.backlog():
            self._drop()
            return
        screen = self.screen
        self._display(screen, screen._compositor.render_update(full=True, screen_stack=self._background_screens))

    def _difference(self, update: ChopsUpdate | LayoutUpdate) -> str:
        width, pen = self.size.width, Pen(self.console._color_system, narrow=self.only_terminal_colours)
        if isinstance(update, LayoutUpdate) and not self._shadow and update.region == self.size.region:
            self._first(update, pen)
            return pen.finish()
        for y, x, new in _spans(update):
            pen.row(x, y, new, self._shadow_row(y, width))
        return pen.finish()

    def _first(self, update: LayoutUpdate, pen: Pen) -> None:
        """A whole screen on an empty shadow: nothing to compare, so whole segments are written. Cells are made when needed."""
        for y, line in enumerate(update.strips):
            segments = [segment for strip in line for segment in strip]
            self._shadow[y] = segments
            pen.move(0, y)
            x = 0
            for text, style, control in segments:
                if control:
                    continue
                if text.isascii() and text.isprintable():
                    pen.put(x, text, style)
                    x += len(text)
                    continue
                for cell, own in cells_of([Segment(text, style)]):
                    if cell:
                        pen.put(x, cell, own)
                    x += 1

    def _shadow_row(self, y: int, width: int) -> list[Cell | None]:
        row = self._shadow.get(y)
        if row is None:
            row = self._shadow[y] = [None] * width
        elif row and isinstance(row[0], Segment):
            row = self._shadow[y] = list(cells_of(row))
        return row

    def _handle_exception(self, error: Exception) -> None:
        """A closed screen is taken apart under what still runs for it: not to find itself there any more is no mistake."""
        real = error.error if isinstance(error, WorkerFailed) else error
        gone = isinstance(real, (NoMatches, MountError, ScreenStackError))
        if not (gone and (self._exit or _looked_in_what_is_closed(real))):
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Textual would print a traceback with locals. We write a crash file without them and say where it is."""
        from .crash import write_crash

        self._exit_renderables.append(write_crash(self._exception))
        self._close_messages_no_wait()
