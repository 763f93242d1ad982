"""A test message to a number that is typed: never prefilled, shown as it was understood, and sent only after a question."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from ...i18n import _, mark
from ...operations.messaging import TEXT_MOST, Posted, receipt_of, text_problem
from ...operations.numbers import Number, meant, read
from ..actions import BY_ID
from ..words import safe
from .dialogs import FIELDS, Dialog, Question, close, text

if TYPE_CHECKING:
    from ...api.events import Event
    from ...operations.account import Account

_RECEIPTS: Final = {
    "delivered": mark("delivered"), "read": mark("read"), "played": mark("played"),
    "server_error": mark("WhatsApp reports an error"), "inactive": mark("the recipient is offline for long"),
    "retry": mark("sending it again was asked for"),
}  # fmt: skip
"""What a receipt's word means; others are shown as they are."""


class MessageScreen(Dialog[None]):
    """Enter goes from the number to the text, then asks. What came back stays until the dialog is closed."""

    CSS = """
    MessageScreen #understood { height: 2; }
    MessageScreen #answer { height: auto; min-height: 1; }
    """

    BINDINGS = FIELDS

    def __init__(self, account: Account, name: str) -> None:
        super().__init__()
        self._account, self._instance = account, name
        self._sending = False
        self._sent_id = ""
        self._answer: list[str] = []
        self._early: list[Event] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(_("Test message from {name}").format(name=safe(self._instance)))
            words = _("It reaches a real person: nothing is sent before you are asked.")
            if self._account.server.simulated:
                words = _("The numbers of this server are simulated: nobody gets it.")
            yield text(words)
            yield text("", "gap")
            with Horizontal(classes="line"):
                yield text(_("To"), "label")
                yield Input(id="number", placeholder=_("with its country code: +55 11 …"), max_length=60)
            yield text("", "dim", id="understood")
            with Horizontal(classes="line"):
                yield text(_("Text"), "label")
                yield Input(id="text", max_length=TEXT_MOST)
            yield text("", "warn", id="problem")
            yield text("", id="answer")
            with Horizontal(classes="buttons"):
                yield Button(f"{_('Close')} (esc)", id="close")
                yield Button(_("Send…"), id="send")

    def on_mount(self) -> None:
        for entry in self.query(Input):
            entry.cursor_blink = False
        self.query_one("#number").focus()
        self._say("")

    # -- what was typed ------------------------------------------------------------------------------------------------

    @property
    def _number(self) -> Number | str:
        return read(self.query_one("#number", Input).value)

    def _meant(self) -> str:
        """The number of the instance's own country that it would be with the country code before it."""
        row = self._account.model.rows.get(self._instance)
        return meant(self.query_one("#number", Input).value, row.number if row is not None else "")

    @property
    def _text(self) -> str:
        return self.query_one("#text", Input).value

    def on_input_changed(self, event: Input.Changed) -> None:
        self._say("")
        if event.input.id == "number":
            self._show_number(bool(event.value))

    def _show_number(self, typed: bool) -> None:
        found, words = self._number, ""
        if isinstance(found, Number):
            country = f" · {found.country}" if not found.country.startswith("+") else ""
            words = "  ".join(filter(None, (f"{found.shown}{country}", found.doubt)))
        elif typed:
            words = found
        if typed and (isinstance(found, str) or found.doubt) and (number := self._meant()):
            words = _("If you mean {number}, begin with its country code.").format(number=number)
        understood = self.query_one("#understood", Static)
        understood.update(words)
        understood.set_class(typed and (isinstance(found, str) or bool(found.doubt)), "warn")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.id == "number" and isinstance(self._number, Number):
            self.query_one("#text").focus()
        else:
            self._ask()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "send":
            self._ask()
        else:
            self.action_close()

    def _say(self, words: str) -> None:
        problem = self.query_one("#problem", Static)
        problem.update(words)
        problem.display = bool(words)

    # -- sending -------------------------------------------------------------------------------------------------------

    def _reason(self) -> str:
        row = self._account.model.rows.get(self._instance)
        if row is None:
            return _("{name} is not there any more.").format(name=safe(self._instance))
        return BY_ID["message"].reason(self._account, row)

    def _ask(self) -> None:
        number, words = self._number, text_problem(self._text)
        if self._sending:
            self._say(_("It is being sent: wait for the server's answer."))
        elif isinstance(number, str):
            self._say("" if self.query_one("#number", Input).value else number)  # below the field it stands already
            self.query_one("#number").focus()
        elif words := words or self._reason():
            self._say(words)
            self.query_one("#text").focus()
        else:
            self.run_worker(self._send(number, self._text), group="send", exclusive=True)

    async def _send(self, number: Number, words: str) -> None:
        title = _("Send to {number} from {name}?").format(number=number.shown, name=safe(self._instance))
        said = _("“{text}”, to a number of {country}.") if number.country.startswith("+") else _("“{text}”, to {country}.")
        about = [said.format(text=safe(words), country=number.country)]
        if number.doubt:
            about.append(_("{doubt} WhatsApp may know it all the same.").format(doubt=number.doubt))
        if not await self.app.push_screen_wait(Question(title, "\n".join(about), yes=_("Send"))):
            return
        if reason := self._reason():  # the question may have stood there for minutes
            self._say(reason)
            return
        self._sending, self._sent_id, self._answer = True, "", []
        self._show(_("Sending…"))
        try:
            posted = await self._account.messaging.send(self._instance, number.digits, words)
        finally:
            self._sending = False
        self._answered(number, posted)

    def _answered(self, number: Number, posted: Posted) -> None:
        sent, self._answer = posted.sent, []
        if sent is None:
            words = _("Not sent: {why}")
            if posted.outcome.doubtful:
                words = _("Nobody knows whether it was sent: {why}")
            self._show("")
            self._say(words.format(why=safe(posted.outcome.message)))
            return
        self._sent_id = sent.id
        self._say("")
        words = _("✔ To {number}: {message}").format(number=number.shown, message=safe(sent.message) or _("sent"))
        status, ident = safe(sent.status) or "–", safe(sent.id) or _("not told")
        early, self._early = self._early, []
        self._show(words, _("status {status} · id {id}").format(status=status, id=ident))
        for event in early:
            self.heard(event)

    def _show(self, *lines: str) -> None:
        """More of what came back."""
        self._answer += filter(None, lines)
        if self.is_mounted:
            self.query_one("#answer", Static).update("\n".join(self._answer))

    def heard(self, event: Event) -> None:
        """An event of the account: a receipt of this message shows as it comes; none is asked for."""
        if self._sending and event.name == "message.status":
            self._early = [*self._early[-49:], event]  # it may be faster than the answer, which tells the id
        elif status := receipt_of(event, self._instance, self._sent_id):
            when = time.strftime("%H:%M:%S", time.localtime(time.time()))
            self._show(f"{when} {_(_RECEIPTS[status]) if status in _RECEIPTS else safe(status)}")

    # -- leaving -------------------------------------------------------------------------------------------------------

    @property
    def guards_quit(self) -> bool:
        """Whether its answer would be missed."""
        return self._sending

    def ask_quit(self) -> None:
        """Quitting, or escape, while it is being sent."""
        self._say(_("It is being sent: wait for the server's answer."))

    def action_close(self) -> None:
        if self._sending:
            self.ask_quit()
        else:
            close(self)
