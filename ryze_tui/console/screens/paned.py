"""The panes of the main screen: what they are, where each stands in a terminal of this size, and which has the focus."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from ... import keys
from ...i18n import _
from ..panes.arrangement import SMALLEST, WIDE, Arrangement, Pane, arrange
from ..panes.footer import Footer
from ..panes.header import Header
from ..panes.instances import InstanceList
from ..panes.overview import Overview, Summary
from ..panes.titleline import TitleLine
from ..styles import ink
from ..widgets.canvas import Canvas, Line, seg
from ..words import wrap


class TooSmall(Canvas):
    """Instead of a broken screen."""

    def lines(self) -> list[Line]:
        text = _("This terminal is {w}x{h}. ryze-tui needs {mw}x{mh}: make the window larger or the font smaller. {quit} quits.")
        text = keys.fill(text, w=self.app.size.width, h=self.app.size.height, mw=SMALLEST[0], mh=SMALLEST[1])
        return [[seg(line, ink.WARN)] for line in wrap(text, max(self.size.width, 1))]


class PanedScreen(Screen[None]):
    """Everything here is light: nothing heavier than a line-drawn widget before the first paint."""

    AUTO_FOCUS = "#instances"

    def __init__(self) -> None:
        super().__init__()
        self.header, self.footer = Header(), Footer()
        self.title_line, self.instances = TitleLine(), InstanceList()
        self.overview, self.summary = Overview(), Summary()
        self._panes: dict[Pane, Widget] = {
            "header": self.header, "title": self.title_line, "list": self.instances, "summary": self.summary,
            "overview": self.overview, "footer": self.footer, "notice": TooSmall(),
        }
        self.detail = False
        """Whether the detail stands in the place of the list, where both do not fit beside each other."""
        self._arrangement = Arrangement(self._place, lambda widget: widget in self._panes.values())
        self.styles.overflow_y = "hidden"

    @property
    def layout(self) -> Arrangement:
        """Not from a style sheet: `arrange` says where each pane stands."""
        return self._arrangement

    def render_lines(self, crop: Region) -> list[Strip]:
        """The ground below the panes."""
        return [Strip.blank(crop.width, ink.look(ink.BASE))] * crop.height

    def compose(self) -> ComposeResult:
        yield from self._place(self.app.size)

    def on_mount(self) -> None:
        self.set_focus(self.instances, scroll_visible=False)

    def on_resize(self, event: events.Resize) -> None:
        self._fit()

    def on_screen_resume(self) -> None:
        self._fit()  # a resize while a dialog was open went to the dialog only

    @property
    def wide(self) -> bool:
        """Whether list and detail stand side by side."""
        return self.app.size.width >= WIDE

    def _place(self, size: Size) -> dict[Widget, Region]:
        return {self._panes[pane]: region for pane, region in arrange(size, detail=self.detail).items()}

    def _fit(self) -> None:
        """Mount what has a place for the first time; what was hidden lost the focus, and gets it again when it is back."""
        shown = self._place(self.app.size)
        self.mount_all(pane for pane in shown if pane not in self.children)
        self.header.refresh(layout=True)
        self.footer.detail = self.detail and not self.wide
        self.footer.sync()
        if self.focused is not None and self.focused not in shown:
            self.set_focus(None)
        elif self.instances in shown:
            self.call_after_refresh(self._refocus)

    def _refocus(self) -> None:
        if self.focused is None:
            self.set_focus(self.instances, scroll_visible=False)
