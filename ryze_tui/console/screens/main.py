"""The main screen: it turns keys into actions. Where its panes stand is in paned.py, what they show in rowed.py."""

from __future__ import annotations

from ...i18n import _
from ..actions import ACTIONS, BY_ID, ON_MARKS, Action
from ..bindings import bind
from ..panes.header import Header
from ..panes.instances import InstanceList
from ..panes.titleline import TitleLine
from ..words import safe
from .rowed import RowedScreen


class MainScreen(RowedScreen):
    """Header, list, detail or summary, footer."""

    BINDINGS = [
        bind(action.id, f"do('{action.id}')", action.help) for action in ACTIONS
    ]

    # -- keys ------------------------------------------------------------------------------------------------------

    def reason(self, action: Action) -> str:
        """Why an action cannot be done now; empty when it can."""
        row = self.instances.current
        if self.marks and action.id in ON_MARKS:
            row = self.row(self.marks.names[0])
        return action.reason(self.account, row)

    def action_do(self, action_id: str) -> None:
        """Do what the registry says, on the row that is under the cursor now."""
        action, row = BY_ID[action_id], self.instances.current
        self.console_app.note_budget()
        gone = self.instances.current_name if row is None else ""
        reason = self.reason(action)
        if reason:
            from ..verbs import OPENING

            if action_id in OPENING:
                self.console_app.typed.forget()
            self.console_app.refuse(_("{name} was deleted.").format(name=safe(gone)) if gone and self.account else reason)
            return
        from ..moves import MOVES

        if action_id in MOVES:
            MOVES[action_id](self)
        else:
            from .. import verbs

            verbs.start(self.console_app, action_id, row.name if row is not None else "")
        self.header.sync()

    def ask_quit(self) -> None:
        """Leave, or ask first where something would be lost."""
        from ..moves import leave

        leave(self)

    # -- messages --------------------------------------------------------------------------------------------------

    def on_title_line_typed(self, message: TitleLine.Typed) -> None:
        self.filter(message.text)

    def on_title_line_done(self, message: TitleLine.Done) -> None:
        if message.clear:
            self.title_line.text = ""
            self.filter("")
        self.set_focus(self.instances, scroll_visible=False)

    def on_instance_list_moved(self) -> None:
        self._sync_detail()

    def on_instance_list_headed(self, message: InstanceList.Headed) -> None:
        self.sort_by(message.column)

    def on_header_clicked(self, message: Header.Clicked) -> None:
        """The badge asks whether it is true, a count shows those rows only, the budget what it was spent on."""
        if message.state:
            self.title_line.text = f"state:{message.state}"
            self.filter(self.title_line.text)
        else:
            self.action_do(message.action)

    def on_title_line_clicked(self, message: TitleLine.Clicked) -> None:
        self.action_do(message.action)

    def on_instance_list_opened(self) -> None:
        self.action_do("open")
