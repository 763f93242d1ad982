"""Sending a message to one number by hand, once; and what its receipts say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..api.events import Event
from ..i18n import _
from .outcome import Outcome

if TYPE_CHECKING:
    from ..client.http import RyzeClient
    from ..client.replies import Sent
    from ..fleet.feed import Feed

TEXT_MOST: Final = 4096
"""Characters of a text that is typed here; the server takes more."""
Write = Callable[..., Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of a message. `sent`: the server's answer, None when it was refused or nothing is known."""

    outcome: Outcome
    sent: Sent | None = None


class Messaging:
    """`write`: the account's one way to change anything (allowed, sent once, audited). The text is in no log."""

    def __init__(self, write: Write) -> None:
        self._write = write

    async def send(self, name: str, number: str, text: str) -> Posted:
        """Send it, once; a missing answer is never asked for by sending again. `number`: digits, country code first, or a JID."""
        answers: list[Sent] = []

        async def send(client: RyzeClient, feed: Feed) -> str:
            answers.append(await client.send_text(name, number, text))
            return answers[0].message or _("sent")

        outcome = await self._write("send", name, send)
        return Posted(outcome, answers[0] if answers and outcome.ok else None)


def text_problem(text: str) -> str:
    """What is wrong with a text."""
    if not text.strip():
        return _("Type a text.")
    return _("A text has {most} characters at most.").format(most=TEXT_MOST) if len(text) > TEXT_MOST else ""


def receipt_of(event: Event, instance: str, ident: str) -> str:
    """The status that an event tells of this message (`delivered`, `read`, …); empty when it is about something else."""
    if event.name != "message.status" or event.instance != instance or not ident:
        return ""
    ids, status = event.data.get("messageIds"), event.data.get("status")
    return status if isinstance(status, str) and isinstance(ids, list) and ident in ids else ""
