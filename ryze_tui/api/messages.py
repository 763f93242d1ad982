"""What is sent by hand: the bodies of the message routes, each field declared once (contract §6b)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from .blocks import Block

DELAY_MOST: Final = 60.0
"""Seconds; the request waits for them."""

TEXT_MOST: Final = 65_536
MEDIA_TYPES: Final = ("image", "video", "audio", "document", "sticker")

_DIGITS: Final = re.compile(r"[1-9][0-9]{6,14}")
_JID: Final = re.compile(
    r"([0-9]{5,20})(:[0-9]{1,5})?@(s\.whatsapp\.net|lid)|[0-9]{5,30}(-[0-9]{5,20})?@g\.us|[0-9]{5,30}@newsletter"
)
_WORDS: Final = "digits with the country code are wanted, e.g. 5511999999999, or a JID"
_NUMBER_PATTERN: Final = r"^[1-9][0-9]{6,14}$|^[0-9]{5,20}@(s\.whatsapp\.net|lid|g\.us|newsletter)$"


def jid_of(value: object) -> str:
    """A phone number as people write it, or a JID -> the JID without a device. Raises ValueError in words."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if 0 < value < 10**15 else ""
    if not isinstance(value, str):
        raise ValueError(_WORDS)
    if "@" in value:
        if (match := _JID.fullmatch(value.strip())) is None:
            raise ValueError(_WORDS)
        return f"{match[1]}@{match[3]}" if match[1] else match[0]
    digits = re.sub(r"[+()\s.-]", "", value)
    if not _DIGITS.fullmatch(digits):
        raise ValueError(_WORDS)
    return f"{digits}@s.whatsapp.net"


_INPUT: Final[Any] = Annotated[str, Field(pattern=_NUMBER_PATTERN)] | Annotated[int, Field(ge=10**6, lt=10**15)]
Recipient = Annotated[str, BeforeValidator(jid_of, json_schema_input_type=_INPUT)]


class _Message(Block):
    """What texts and media have in common."""

    number: Recipient = Field(title="To", description="Phone number with the country code, or JID of a person, group, channel.")
    delay: float = Field(0.0, ge=0, le=DELAY_MOST, title="Delay", description="Seconds to wait before it is sent.")
    replyTo: str = Field("", max_length=255, title="Reply to", description="Id of the message that this answers.")  # noqa: N815
    replyPrivate: bool = Field(False, title="Reply privately", description="Answer a group's message to its author alone.")  # noqa: N815
    mention: list[Recipient] = Field(
        default_factory=list, max_length=1024, title="Mentions", description="Phone numbers or JIDs that are mentioned."
    )
    mentionAll: bool = Field(False, title="Mention all", description="Everybody in the group is mentioned.")  # noqa: N815
    source: str = Field("", max_length=100, title="Source", description="Comes back in the message's event; empty means api.")


class TextMessage(_Message):
    """`POST /api/message/text/:instance`"""

    message: str = Field(min_length=1, max_length=TEXT_MOST, title="Message", description="The text.")
    linkPreview: bool = Field(False, title="Link preview", description="Show what a link in the text leads to.")  # noqa: N815


class MediaMessage(_Message):
    """`POST /api/message/media/:instance`; either `mediaBase64` or `mediaUrl`."""

    mediaType: Literal["image", "video", "audio", "document", "sticker"] = Field(title="Type", description="What it is shown as.")  # noqa: N815
    mediaBase64: str = Field("", title="Base64", description="The media in base64; a data: URL will do.", repr=False)  # noqa: N815
    mediaUrl: str = Field("", title="URL", description="Where the media are fetched, http or https.", repr=False)  # noqa: N815
    mimeType: str = Field("", max_length=255, title="MIME type", description="Empty: as it was fetched, or usual.")  # noqa: N815
    fileName: str = Field("", max_length=255, title="File name", description="Of a document.")  # noqa: N815
    message: str = Field("", max_length=TEXT_MOST, title="Caption", description="Shown with the media.")
    isVoice: bool = Field(False, title="Voice note", description="Audio as if it was spoken.")  # noqa: N815


assert MediaMessage.model_fields["mediaType"].annotation.__args__ == MEDIA_TYPES  # type: ignore[union-attr]
