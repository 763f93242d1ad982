"""What is said where: WhatsApp messages as Chatwoot shows them, agents' replies as WhatsApp does. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ...record import Values

LONGEST: Final = 100_000
"""Characters of a text; Chatwoot takes half as many again."""
OURS: Final = "WAID:"
"""Every message that we put into Chatwoot has a source id that begins like this."""
SOURCE: Final = "chatwoot"
"""`message.source` of what an agent wrote: its echo is not shown again."""

_USER: Final = "@s.whatsapp.net"
_LID: Final = "@lid"
_GROUP: Final = "@g.us"
_JID: Final = re.compile(r"[0-9A-Za-z._-]{1,64}@(?:s\.whatsapp\.net|lid|g\.us)")


@dataclass(frozen=True, slots=True)
class Person:
    """A chat as a Chatwoot contact. `jid`: without device, the phone's where it is known; `phone`: +E164 or empty."""

    jid: str
    name: str
    phone: str
    is_group: bool


def is_jid(text: object) -> bool:
    """Whether it names somebody or a group that can be written to."""
    return isinstance(text, str) and _JID.fullmatch(text) is not None


def bare(jid: object) -> str:
    """Without the device: `551199…:3@s.whatsapp.net` -> `551199…@s.whatsapp.net`; empty when it is none."""
    if not isinstance(jid, str):
        return ""
    head, at, server = jid.partition("@")
    made = f"{head.partition(':')[0]}{at}{server}"
    return made if is_jid(made) else ""


def best(one: Values) -> str:
    """The JID to call somebody by: a phone number rather than a LID, whichever field it is in (contract §5.2)."""
    found = [jid for jid in (bare(one.get("jid")), bare(one.get("lid"))) if jid]
    return next((jid for jid in found if not jid.endswith(_LID)), found[0] if found else "")


def phone(jid: str) -> str:
    """`+5511…` of a user's JID; empty for anything else."""
    digits = jid.removesuffix(_USER)
    return f"+{digits}" if jid.endswith(_USER) and re.fullmatch(r"[1-9][0-9]{5,14}", digits) else ""


def person(data: Values) -> Person | None:
    """Whose conversation a message belongs to; None when it is nobody's (stories, channels)."""
    chat = part(data, "chat")
    jid = best(chat)
    if not jid or jid.startswith("status@"):
        return None
    is_group = jid.endswith(_GROUP)
    name = text_of(chat.get("name"))
    if not is_group and not name and data.get("direction") != "outgoing":
        name = text_of(part(data, "sender").get("name"))
    number = phone(jid)
    fallback = f"Group {jid.partition('@')[0]}" if is_group else number or jid.partition("@")[0]
    return Person(jid, name or fallback, number, is_group)


# -- to Chatwoot -------------------------------------------------------------------------------------------------------


def source_id(data: Values) -> str:
    """What makes a message the same one wherever it turns up: an edit and a deletion carry the id of what they change."""
    message = part(data, "message")
    kind, ident = text_of(message.get("type")), text_of(data.get("id"))
    if kind == "message_revoke":
        ident += ":deleted"
    elif kind == "message_edit":
        ident += f":edited:{text_of(data.get('timestamp'))}"
    return f"{OURS}{ident}"[:180]


def content(data: Values) -> str:
    """The text of a message as Chatwoot shows it; in groups the author comes first."""
    message = part(data, "message")
    kind = text_of(message.get("type"))
    text = _KINDS.get(kind, _plain)(message)
    if not text and not part(message, "media"):
        text = f"[{kind or 'message'}]"
    chat = part(data, "chat")
    if best(chat).endswith(_GROUP) and data.get("direction") != "outgoing":
        sender = part(data, "sender")
        author = text_of(sender.get("name")) or phone(best(sender)) or best(sender).partition("@")[0]
        text = f"{author}: {text}" if author else text
    return text[:LONGEST]


def without_file(data: Values, text: str, why: str = "") -> str:
    """The text of a message whose file could not be had."""
    media = part(part(data, "message"), "media")
    kind = text_of(media.get("type")) or "file"
    name, link = text_of(media.get("fileName")), text_of(media.get("s3Url")) or text_of(media.get("url"))
    about = f"[{' '.join(filter(None, (kind, name)))}{': ' + why if why else ''}]"
    return "\n".join(filter(None, (text, about, link if link.startswith(("http://", "https://")) else "")))[:LONGEST]


def answers_to(data: Values) -> str:
    """The source id of the message that this one answers, reacts to, or changes; empty when there is none."""
    message = part(data, "message")
    if text_of(message.get("type")) in ("message_revoke", "message_edit"):
        ident = text_of(part(message, "edit").get("original_id")) or text_of(data.get("id"))
        return f"{OURS}{ident}" if ident else ""
    for where in ("reaction", "context", "reply"):
        told = part(message, where)
        for name in ("message_id", "messageId", "stanzaId", "id"):
            if ident := text_of(told.get(name)):
                return f"{OURS}{ident}"
    return ""


def _plain(message: Values) -> str:
    told = message.get("content")
    text = text_of(told) or (text_of(told.get("text")) if isinstance(told, dict) else "")
    return text or text_of(part(message, "media").get("caption"))


def _location(message: Values) -> str:
    told = part(message, "location")
    latitude, longitude = told.get("latitude"), told.get("longitude")
    where = f"https://maps.google.com/?q={latitude},{longitude}" if latitude is not None and longitude is not None else ""
    return "\n".join(filter(None, ("Location", text_of(told.get("name")), text_of(told.get("address")), where)))


def _contact(message: Values) -> str:
    told = part(message, "contact")
    vcard = text_of(told.get("vcard"))
    number = text_of(told.get("phone_number"))
    numbers = [number] if number else re.findall(r"(?im)^(?:\w+\.)?TEL[^:]*:(.+?)\s*$", vcard)
    name = text_of(told.get("display_name")) or next(iter(re.findall(r"(?im)^FN[^:]*:(.+?)\s*$", vcard)), "")
    return "\n".join(["Contact", *filter(None, (name, *numbers))])


def _reaction(message: Values) -> str:
    told = part(message, "reaction")
    emoji = text_of(told.get("text")) or text_of(told.get("emoji")) or _plain(message)
    return f"Reacted with {emoji}" if emoji else "Took a reaction back"


def _poll(message: Values) -> str:
    told = part(message, "poll")
    options = told.get("options") if isinstance(told.get("options"), list) else []
    names = [text_of(one.get("name")) if isinstance(one, dict) else text_of(one) for one in options or []]
    return "\n".join(["Poll", text_of(told.get("title")) or _plain(message), *(f"- {name}" for name in names if name)])


def _chosen(message: Values) -> str:
    """A button or a row of a list."""
    for where in ("interactive", "button_response", "list_response"):
        told = part(message, where)
        single = part(told, "single_select_reply")
        for text in (told.get("title"), told.get("body"), single.get("option_name"), told.get("selectedButtonId"),
                     told.get("selectedRowId"), told.get("selected_button_id")):  # fmt: skip
            if text_of(text):
                return text_of(text)
    return _plain(message)


def _edited(message: Values) -> str:
    return f"Edited: {text_of(part(message, 'edit').get('text')) or _plain(message)}"


def _deleted(_message: Values) -> str:
    return "Deleted a message"


_KINDS: Final[dict[str, Callable[[Values], str]]] = {
    "location": _location, "contact": _contact, "reaction": _reaction, "poll": _poll, "buttons_response": _chosen,
    "list_response": _chosen, "message_edit": _edited, "message_revoke": _deleted,
}  # fmt: skip


# -- from Chatwoot -----------------------------------------------------------------------------------------------------


def reply_text(text: str, agent: str, *, sign: bool) -> str:
    """An agent's text in WhatsApp's own marks, below the agent's name when it is signed."""
    text = to_whatsapp(text)
    if not sign or not agent:
        return text
    return f"*{agent}*\n{text}" if text else f"*{agent}*"


def to_whatsapp(text: str) -> str:
    """Markdown as Chatwoot's editor writes it -> WhatsApp's: `**bold**` `*italic*` `~~gone~~`."""
    text = text.replace("\\\n", "\n")
    text = re.sub(r"(?<![*\w])\*(?![*\s])([^*\n]+?)(?<!\s)\*(?![*\w])", r"_\1_", text)
    text = re.sub(r"\*\*(?!\s)([^*\n]+?)(?<!\s)\*\*", r"*\1*", text)
    return re.sub(r"~~(?!\s)([^~\n]+?)(?<!\s)~~", r"~\1~", text)


def part(value: Values, name: str) -> dict[str, Any]:
    """A field that is an object; empty when it is anything else."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def text_of(value: object) -> str:
    """A field that is a text; empty when it is anything else."""
    return value if isinstance(value, str) else ""
