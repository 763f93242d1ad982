"""What a worker tells of a link -> what the port wants. Pure, and careful: a worker's word is taken for nothing but a word.

Events of the link itself (`what`: the data that comes with it):
    qr {code} · code {code} · login {name} · paired {jid, business, platform} · settled · up {jid, name, business} · down ·
    failed {text} · logged_out {reason, on_connect} · replaced · banned {code, expire} · outdated · refused {reason, message} ·
    stream_error {code} · silent · restored · gone
and of what people do on it: message, history, receipt, call, group, and profile {picture}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ...events import live
from ...table import Happening
from ..port import Media
from . import reasons
from .reasons import Outcome, Then

Data = dict[str, Any]
_TEXT_MOST: Final = 70_000
_URL_MOST: Final = 2000
_SECONDS_MOST: Final = 2**33


def text(data: Data, name: str) -> str:
    """A text of the worker's, empty when there is none."""
    value = data.get(name)
    return value[:_TEXT_MOST] if isinstance(value, str) else ""


def https(data: Data, name: str) -> str:
    """A URL that a browser may be sent to, empty when there is none."""
    value = text(data, name)
    return value if value.startswith("https://") and len(value) <= _URL_MOST and value.isprintable() and " " not in value else ""


def number(data: Data, name: str) -> int:
    """A whole number, 0 when there is none."""
    value = data.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def seconds(data: Data, name: str, default: float) -> float:
    """Unix seconds, the default when they are none that a date can be made of."""
    value = data.get(name)
    right = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < _SECONDS_MOST
    return float(value) if right else default  # type: ignore[arg-type]


def people(data: Data, name: str) -> list[str]:
    """Texts of a list."""
    value = data.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _up(data: Data) -> Outcome:
    return Outcome(Happening.CONNECTED)


LINK: Final[dict[str, Callable[[Data], Outcome]]] = {
    "up": _up,
    "down": lambda data: Outcome(Happening.DISCONNECTED, {"reason": reasons.DROPPED}),
    "failed": lambda data: reasons.failed(text(data, "text")),
    "logged_out": lambda data: reasons.logged_out(number(data, "reason"), bool(data.get("on_connect"))),
    "replaced": lambda data: Outcome(Happening.STREAM_REPLACED, {"reason": reasons.REPLACED}, Then.OVER),
    "banned": lambda data: reasons.banned(number(data, "code"), number(data, "expire")),
    "outdated": lambda data: Outcome(Happening.CLIENT_OUTDATED, {"reason": reasons.OUTDATED}, Then.OVER),
    "refused": lambda data: reasons.refused(number(data, "reason"), text(data, "message")),
    "stream_error": lambda data: reasons.stream_error(text(data, "code")),
    "silent": lambda data: Outcome(Happening.KEEPALIVE_TIMEOUT, {"errorCount": number(data, "errors")}),
    "restored": lambda data: Outcome(Happening.KEEPALIVE_RESTORED),
    "gone": lambda data: Outcome(Happening.LOGGED_OUT, {"reason": reasons.LOST_SESSION, "onConnect": True}, Then.FORGET),
}
"""What an event of a session's link leads to."""


# -- what people do ----------------------------------------------------------------------------------------------------


def _person(data: Data, name: str, called: str = "") -> Data:
    """`name` and `name_lid` of the worker -> `{jid, lid, name}`; whoever hides the number has the same in both."""
    jid, lid = text(data, name), text(data, f"{name}_lid")
    return live.person(jid or lid, called) | ({"lid": lid} if lid else {})


def message(data: Data, own: str, now: float) -> tuple[Data, Media | None]:
    """`data` of message.exchange, and the media that may be fetched. `own`: the link's own JID."""
    outgoing, chat = bool(data.get("from_me")), _person(data, "chat")
    chat |= {"type": live.chat_type(chat["jid"])}
    if chat["type"] == "group":
        chat["name"] = text(data, "chat_name")
    sender = _person(data, "sender", text(data, "name"))
    recipient = live.person(own) if not outgoing else live.person(chat["jid"])
    media, told = None, None
    about = data.get("media")
    if isinstance(about, dict):
        media = Media(
            text(about, "kind"), text(about, "mimetype"), text(about, "file_name"), max(0, number(about, "size")),
            text(about, "reference"),
        )  # fmt: skip
        told = live.media(
            media.kind, media.mimetype, media.file_name, media.size, text(data, "text"), is_voice=bool(about.get("voice")),
        )  # fmt: skip
    made = live.message(
        text(data, "id"), live.OUTGOING if outgoing else live.INCOMING, seconds(data, "at", now), chat=chat, sender=sender,
        recipient=recipient, text=text(data, "text"), media=told, reply_to=text(data, "reply_to"),
        mentions=people(data, "mentions"),
    )  # fmt: skip
    made["message"] |= _special(data)
    return made, media


def _special(data: Data) -> Data:
    """Whatever is neither text nor media."""
    kind = text(data, "type")
    found: Data = {"type": kind} if kind else {}
    for name in ("location", "contact", "reaction", "edit"):
        if isinstance(data.get(name), dict):
            found[name] = data[name]
    if isinstance(poll := data.get("poll"), dict):
        found["poll"] = poll
    return found | ({"isEdit": True} if kind == "message_edit" else {})


def receipt(data: Data, own: str, now: float) -> Data | None:
    """`data` of message.status; None when it is of no use. `own`: the link's JID, which wrote what others tell about."""
    status, ids = text(data, "status"), people(data, "ids")
    if not status or not ids:
        return None
    chat, sender = _person(data, "chat"), _person(data, "sender")
    author = own if live.chat_type(chat["jid"]) == "group" and not status.endswith("_self") else ""
    made = live.receipt(status, seconds(data, "at", now), ids, chat["jid"], sender["jid"], author=author)
    made["chat"] |= {"lid": chat["lid"]}
    return made


def call(data: Data, now: float) -> Data:
    """`data` of call.update."""
    caller = _person(data, "from")
    made = live.call(text(data, "id"), text(data, "type"), seconds(data, "at", now), caller["jid"], reason=text(data, "reason"))
    return made | {"fromLid": caller["lid"], "isGroup": bool(data.get("group")), "isVideo": bool(data.get("video"))}


def group(data: Data, now: float) -> Data:
    """`data` of group.flow."""
    when = seconds(data, "at", now)
    return live.group(text(data, "group"), text(data, "name"), text(data, "type"), when, people(data, "people"))
