"""What is asked of a link that is up, and answered."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any, Final

from ...egress import Egress
from ...errors import EngineError
from ..port import Outgoing, Sent
from . import translate
from .frames import Answer
from .link import Link, Phase
from .parent import Worker
from .pool import Pool
from .preview import Previews

OFFLINE: Final = "the instance is not connected"
LOGOUT_SECONDS: Final = 6.0
"""Less than the lifecycle waits, so that there is time to delete the session."""


class Asking:
    """Over the links of an engine."""

    def __init__(self, links: dict[str, Link], pool: Pool, egress: Egress) -> None:
        self._links, self._pool, self._previews = links, pool, Previews(egress)

    def _worker(self, instance: str) -> Worker:
        link, slot = self._links.get(instance), self._pool.slot_of(instance)
        if link is None or link.phase is not Phase.ONLINE or slot is None or slot.worker is None:
            raise EngineError(OFFLINE)
        return slot.worker

    async def ask(self, instance: str, what: str, about: dict[str, Any], blob: bytes = b"") -> Answer:
        """Raises EngineError."""
        return await self._worker(instance).ask(instance, what, about, blob)

    async def send(self, instance: str, outgoing: Outgoing, now: float) -> Sent:
        """Raises EngineError."""
        about = asdict(outgoing) | {"mentions": list(outgoing.mentions)}
        content, wants_preview = about.pop("media"), about.pop("link_preview")
        about |= {"has_media": content is not None, "preview": {}}
        if wants_preview and content is None:
            self._worker(instance)  # nothing is fetched for who is away
            about["preview"], content = await self._previews.of(outgoing.text)
        answer = await self.ask(instance, "send", about, content or b"")
        if not (ident := translate.text(answer.data, "id")):
            raise EngineError("WhatsApp took it, and said nothing of its id")
        return Sent(ident, translate.seconds(answer.data, "at", now), translate.text(answer.data, "chat_name"))

    async def logout(self, link: Link) -> None:
        """Have WhatsApp unlink the device. Raises EngineError."""
        try:
            async with asyncio.timeout(LOGOUT_SECONDS):
                await self.ask(link.instance, "logout", {})
        except TimeoutError:
            raise EngineError("no answer came in time") from None
