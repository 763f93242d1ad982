"""What the server answers, read leniently into small frozen shapes: strict about nothing that a person can do without."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from ..api.deliveries import Delivery
from ..api.errors import BadReply, Refused, RyzeError, TokenRefused
from ..api.events import INSTANCE_STATE, is_code
from ..api.instance import Instance, iter_items, number_of, parse_item, token_of
from ..api.nesting import flat
from ..i18n import _
from ..redact import clean, mask

GATEWAY: Final = (502, 503, 504)
"""What a proxy answers in place of a server that is not there."""
ERROR_MOST: Final = 1 << 20
"""Characters of an error body that is read: in memory it becomes twenty times as much."""


@dataclass(frozen=True, slots=True)
class Health:
    """`GET /health`. `extensions`: what the server adds to the contract; `engine`: which engine it says it runs."""

    status: str
    service: str
    extensions: frozenset[str]
    engine: str

    @property
    def simulated(self) -> bool:
        """Whether the server itself says that its numbers are simulated."""
        return self.engine == "simulated"


@dataclass(frozen=True, slots=True)
class Connecting:
    """`GET /api/instance/connect/:instance`: a QR text, or a pairing code as `XXXX-XXXX`, or neither when `connected`."""

    status: str
    message: str
    qr: str = field(default="", repr=False)
    pairing_code: str = field(default="", repr=False)

    @property
    def connected(self) -> bool:
        """The instance was connected already: no code, and the word that says so."""
        return not self.qr and not self.pairing_code and self.status.strip().lower() in ("connected", "open")


@dataclass(frozen=True, slots=True)
class Written:
    """The answer to a write: the server's message and the state word it names, if any."""

    message: str
    status: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """The answer to a message. `id`: WhatsApp's, empty when the server does not tell; `status`: its word for what it did."""

    id: str
    status: str
    message: str


@dataclass(frozen=True, slots=True)
class StreamBlock:
    """The websocket block of an instance (contract §2.13). No events at all means every event."""

    enabled: bool
    events: tuple[str, ...] = ()
    media: bool = False

    @property
    def tells_states(self) -> bool:
        """Whether `instance.state` gets through."""
        return self.enabled and (not self.events or INSTANCE_STATE in self.events)

    def body(self) -> dict[str, Any]:
        """As it is sent: the row is replaced as a whole."""
        return {"enabled": self.enabled, "events": list(self.events), "mediaBase64": self.media}


def text_of(value: object, key: str) -> str:
    """A text field of an object; empty when absent or of another type."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def spoken(text: str) -> str:
    """A server's own words: masked, safe to show, and no longer than anybody reads; what is cut off is not even looked at."""
    return clean(mask(text[:2000]))[:500]


def own_words(text: str) -> str:
    """What an answer that is not JSON says itself: a web page's title, else the first line. One line, masked, safe to show."""
    head = text[:8192].strip()
    if head.startswith("<"):
        from html import unescape

        found = re.search(r"<title[^>]*>([^<]*)", head, re.IGNORECASE) or re.search(r"<h1[^>]*>([^<]*)", head, re.IGNORECASE)
        words = unescape(found[1]) if found else ""
    else:
        words = "" if head[:1] in ("{", "[") or "\ufffd" in head or "\0" in head else head.partition("\n")[0]
    return " ".join(clean(mask(words)).split())[:160]


def no_page(text: str) -> str:
    """The same text, unless it is a web page: a log-in of the network, or an address that is not a server's. Raises BadReply."""
    if not text[:512].lstrip().startswith("<"):
        return text
    title = own_words(text)
    page = _("a web page came instead of an answer")
    asked = _("does this network want a log-in first, or is the address another one?")
    raise BadReply(f"{page}: “{title}”; {asked}" if title else f"{page}; {asked}")


def as_object(text: str) -> dict[str, Any]:
    """Read a JSON object. Raises BadReply."""
    no_page(text)
    try:
        value = flat(json.loads(text), text)
    except (ValueError, RecursionError) as error:
        raise BadReply(_("the server's answer is not JSON; is this the address of a RyzeAPI server?")) from error
    if not isinstance(value, dict):
        raise BadReply(_("the server's answer is not a JSON object; is this the address of a RyzeAPI server?"))
    return value


def error_text(text: str) -> str:
    """The message of an error body, in any of the shapes seen; empty when there is none. Masked, and safe to show."""
    try:
        value = flat(json.loads(text), text) if len(text) <= ERROR_MOST else None
    except (ValueError, RecursionError):
        return ""
    error = value.get("error") if isinstance(value, dict) else None
    found = text_of(error, "message") or (error if isinstance(error, str) else "") or text_of(value, "message")
    return spoken(found)


def refusal(status: int, text: str, location: str = "") -> RyzeError:
    """The error that a non-2xx answer stands for (429 is made by the client, which knows how long to wait)."""
    message = error_text(text)
    if status == 401:
        return TokenRefused(message or _("the server refused the token"), status=401)
    if 300 <= status < 400:
        return BadReply(_redirected(status, location), status=status)
    if message:
        return Refused(message, status=status)
    words = own_words(text)
    said = _("the server answered {status} without saying why") if not words else _("the server answered {status}: “{words}”")
    hint = ""
    if status in GATEWAY:
        hint = "; " + _("something before it answers in its place, so it may be restarting")
    elif status >= 500:
        hint = "; " + _("something in it is broken, and its own log says what")
    return BadReply(said.format(status=status, words=words) + hint, status=status)


def _redirected(status: int, location: str) -> str:
    """Never followed: the token would go along. Only the host is shown, since a query may hold a secret."""
    try:
        parts = urlsplit(location)
    except ValueError:
        parts = urlsplit("")
    if not parts.hostname:
        return _("the server redirects elsewhere ({status}); use the address it redirects to").format(status=status)
    words = _("the server redirects to {where} ({status}), where the token was not sent; if that is its address now, use it")
    return words.format(where=clean(mask(f"{parts.scheme or 'http'}://{parts.netloc.rpartition('@')[2]}"))[:120], status=status)


def health(text: str) -> Health:
    """Read `/health`; fields of other types count as absent. Raises BadReply when it is not an object."""
    value = as_object(text)
    extensions = value.get("extensions")
    names = frozenset(name for name in extensions if isinstance(name, str)) if isinstance(extensions, list) else frozenset()
    engine = text_of(value, "engine")
    return Health(text_of(value, "status"), clean(text_of(value, "service")[:200]), names, clean(engine[:40]))


def connecting(text: str) -> Connecting:
    """Read the answer of connect. Raises BadReply when it holds no code and does not say connected."""
    value = as_object(text)
    qr, pairing = text_of(value, "qrCode"), text_of(value, "pairingCode")
    letters = "".join(pairing.split()).replace("-", "").upper()
    if letters and not (len(letters) == 8 and letters.isascii() and letters.isalnum()):
        raise BadReply(_("the server sent a pairing code that is not eight letters and digits"))
    if qr and not is_code(qr):
        raise BadReply(_("the server sent a QR text that cannot be one"))
    reply = Connecting(
        text_of(value, "status"), spoken(text_of(value, "message")), qr,
        f"{letters[:4]}-{letters[4:]}" if letters else "",
    )
    if not qr and not letters and not reply.connected:
        raise BadReply(_("the server sent no code"))
    return reply


def created(text: str, name: str, *, streaming: bool) -> tuple[Instance, str]:
    """Read the answer of create; what it does not show is as we asked (`name`, `streaming`), until a list tells."""
    value = as_object(text)
    instance = value.get("instance") if isinstance(value.get("instance"), dict) else {}
    item = parse_item({"name": name, **instance}) if isinstance(instance, dict) else Instance(name)
    item.name = item.name or name
    if not isinstance(instance, dict) or "websocket" not in instance:
        item.streaming = streaming
    item.token = item.token or token_of(text_of(value.get("data"), "token"))
    return item, spoken(text_of(value, "message"))


def written(text: str) -> Written:
    """Read the answer of reconnect, logout, delete or a simulator action."""
    value = as_object(text)
    status = text_of(value, "status") or text_of(value.get("instance"), "status")
    return Written(spoken(text_of(value, "message")), status)


def sent(text: str) -> Sent:
    """Read the answer of a sending route: the id beside the message, or in its `data`."""
    value = as_object(text)
    data = value.get("data")
    ident = text_of(value, "messageId") or text_of(data, "messageId") or text_of(data, "id")
    status = text_of(value, "status") or text_of(data, "status")
    return Sent(clean(ident[:200]), clean(status[:60]), spoken(text_of(value, "message")))


def stream_block(text: str) -> StreamBlock:
    """Read the answer of a websocket route. Raises BadReply when it holds no block."""
    block = as_object(text).get("websocket")
    if not isinstance(block, dict):
        raise BadReply(_("the server's answer holds no websocket block"))
    events = block.get("events")
    names = tuple(name for name in events if isinstance(name, str)) if isinstance(events, list) else ()
    return StreamBlock(block.get("enabled") is True, names, block.get("mediaBase64") is True)


def only_item(text: str, name: str) -> Instance | None:
    """The item of that name in a narrowed list; a TokenInstance is answered with its own instance, whatever was asked for."""
    return next((item for item in iter_items(text) if item.name == name), None)


def own_profile(text: str) -> str:
    """The number that WhatsApp says an instance is; empty when it does not say. Raises BadReply."""
    profile = as_object(text).get("profile")
    if not isinstance(profile, dict):
        raise BadReply(_("the server's answer holds no profile"))
    return number_of(text_of(profile, "jid")) or number_of(text_of(profile, "phoneNumber"))


def block(text: str, key: str) -> dict[str, Any]:
    """A configuration block, as it is on the wire. `key` empty: it is the answer itself. Raises BadReply when it is none."""
    value = as_object(text)
    found = value.get(key) if key else value
    if not isinstance(found, dict):
        raise BadReply(_("the server's answer holds no {block} block").format(block=key))
    return found


def webhooks(text: str) -> list[dict[str, Any]]:
    """Every webhook row of an instance; also from a server that answers one row where several could be. Raises BadReply."""
    value = as_object(text)
    rows = value.get("webhooks", value.get("webhook"))
    rows = [rows] if isinstance(rows, dict) else rows
    if not isinstance(rows, list):
        raise BadReply(_("the server's answer holds no webhooks"))
    return [row for row in rows if isinstance(row, dict)]


def chatwoot(text: str, names: Mapping[str, str]) -> dict[str, Any]:
    """The Chatwoot block under the names that a write has. `names`: read name -> written name; others stay as they are."""
    return {names.get(name, name): value for name, value in as_object(text).items()}


def deliveries(text: str) -> list[Delivery]:
    """The rows of a delivery log; what is not readable is left out. Raises BadReply."""
    rows = as_object(text).get("deliveries")
    if not isinstance(rows, list):
        raise BadReply(_("the server's answer holds no deliveries"))
    return [_delivery(row) for row in rows if isinstance(row, dict) and text_of(row, "id")]


def _delivery(row: dict[str, Any]) -> Delivery:
    numbers = {name: value if isinstance(value := row.get(name), int) else None for name in ("attempts", "httpStatus")}
    return Delivery(
        text_of(row, "id"), clean(text_of(row, "event")[:200]), clean(text_of(row, "status")[:200]), numbers["attempts"] or 0,
        numbers["httpStatus"], spoken(text_of(row, "answer"))[:300], clean(text_of(row, "createdAt")[:200]),
        clean(text_of(row, "nextAttemptAt")[:200]),
    )
