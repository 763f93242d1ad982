"""What people do with a virtual phone that is connected: messages, stories, calls, groups, labels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from ...errors import EngineError
from ...events import live
from ...table import Happening
from . import wire
from .chats import OFFLINE
from .engine import SimulatedEngine
from .fields import Impossible, Invalid, content, flag, group, number, text
from .link import Link, Phase, Session

ACTIONS: Final = ("message", "call", "group-event", "label")
LABELS: Final = ("edit", "chat")


def _online(link: Link) -> Session:
    if link.phase is not Phase.ONLINE or link.session is None:
        raise Impossible(OFFLINE)
    return link.session


class Conversations:
    """Each action takes the link and the request's body; when it returns, the server has taken what happened for good."""

    def __init__(self, engine: SimulatedEngine) -> None:
        self._engine = engine
        self.actions: dict[str, Callable[[Link, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
            "message": self.message, "call": self.call, "group-event": self.group_event, "label": self.label,
        }  # fmt: skip
        assert tuple(self.actions) == ACTIONS

    async def _deliver(self, link: Link, what: Happening, data: dict[str, Any], **more: Any) -> None:
        try:
            await self._engine.chats.deliver(link, what, data, **more)
        except EngineError as error:
            raise Impossible(str(error)) from error

    async def message(self, link: Link, body: dict[str, Any]) -> dict[str, Any]:
        """`{from, text? | mediaType, mediaBase64, caption?, mimetype?, fileName?, isVoice?, group?, status?}`"""
        sender, kind = number(body, "from"), text(body, "mediaType")
        words, chat = text(body, "caption") or text(body, "text"), group(body, "group")
        if not sender:
            raise Invalid("from is required: the sender's phone number")
        if kind and kind not in wire.MIME:
            raise Invalid(f"mediaType is one of {', '.join(wire.MIME)}")
        if not words and not kind:
            raise Invalid("text or mediaType is required")
        if flag(body, "status"):
            chat = live.STORIES
        mimetype, name, voice = text(body, "mimetype"), text(body, "fileName"), flag(body, "isVoice")
        session, engine, media = _online(link), self._engine, None
        if kind:
            media = engine.chats.keep(kind, content(body, "mediaBase64"), mimetype=mimetype, file_name=name)
        data = wire.message(
            engine.rng, engine.clock.now(), sender, session.number, text=words, chat=chat, media=media, is_voice=voice,
        )
        await self._deliver(link, Happening.MESSAGE, data, media=media)
        return {"messageId": data["id"]}

    async def call(self, link: Link, body: dict[str, Any]) -> dict[str, Any]:
        """`{from}`: it rings; nobody answers."""
        caller = number(body, "from")
        if not caller:
            raise Invalid("from is required: the caller's phone number")
        _online(link)
        return {"callId": self._engine.chats.ring(link, caller)}

    async def group_event(self, link: Link, body: dict[str, Any]) -> dict[str, Any]:
        """`{group, type, participants?, name?}`: somebody joined, left, was promoted …"""
        jid, kind, people = group(body, "group"), text(body, "type"), body.get("participants", [])
        if not jid or not kind:
            raise Invalid("group and type are required")
        if not isinstance(people, list):
            raise Invalid("participants is a list of phone numbers")
        jids = [wire.jid_of(number({"participants": one}, "participants")) for one in people]
        _online(link)
        data = live.group(jid, text(body, "name"), kind, self._engine.clock.now(), jids)
        await self._deliver(link, Happening.GROUP, data)
        return {}

    async def label(self, link: Link, body: dict[str, Any]) -> dict[str, Any]:
        """`{type: edit, labelId, name?, color?, deleted?}`, or `{type: chat, labelId, chat, action: add | remove}`"""
        kind, label_id = text(body, "type"), text(body, "labelId")
        if kind not in LABELS or not label_id:
            raise Invalid(f"type is one of {', '.join(LABELS)}, and labelId is required")
        data: dict[str, Any] = {"type": kind, "labelId": label_id}
        if kind == "edit":
            color, deleted = body.get("color", 0), flag(body, "deleted")
            if isinstance(color, bool) or not isinstance(color, int) or not 0 <= color <= 10:
                raise Invalid("color is a whole number from 0 to 10")
            data |= {"name": text(body, "name"), "color": color, "deleted": deleted}
        else:
            action, chat = text(body, "action", "add"), number(body, "chat")
            if action not in ("add", "remove") or not chat:
                raise Invalid("chat is a phone number, and action is add or remove")
            data |= {"chatJid": wire.jid_of(chat), "action": action, "labeled": action == "add"}
        _online(link)
        await self._deliver(link, Happening.LABEL, data)
        return {}
