"""/api/message/*: sending texts and media (contract §6b)."""

from __future__ import annotations

import asyncio
import base64
from typing import Final

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse

from ...api import errors as texts
from ...api.messages import MediaMessage, TextMessage
from .. import auth
from ..app import Backend, backend_of
from ..blocks import absolute_url, read_block
from ..body import MESSAGE_BYTES, read_object
from ..clock import Clock
from ..egress import Forbidden, TooLarge
from ..engine.port import Outgoing
from ..errors import ApiError
from ..events.outbox import in_words
from ..record import Record
from ..table import Stage

FETCH_SECONDS: Final = 60.0
_MIME: Final = {
    "image": "image/jpeg", "video": "video/mp4", "audio": "audio/ogg; codecs=opus", "document": "application/octet-stream",
    "sticker": "image/webp",
}  # fmt: skip


async def text(request: Request) -> JSONResponse:
    """POST /api/message/text/:instance"""
    backend, record = _target(request)
    sent = read_block(TextMessage, await read_object(request, limit=MESSAGE_BYTES))
    assert isinstance(sent, TextMessage)
    _check_connected(record)
    outgoing = Outgoing(
        sent.number, sent.message, reply_to=sent.replyTo, reply_private=sent.replyPrivate, mentions=tuple(sent.mention),
        mention_all=sent.mentionAll, link_preview=sent.linkPreview,
    )  # fmt: skip
    return await _send(backend, record, outgoing, sent.delay, sent.source)


async def media(request: Request) -> JSONResponse:
    """POST /api/message/media/:instance"""
    backend, record = _target(request)
    sent = read_block(MediaMessage, await read_object(request, limit=MESSAGE_BYTES))
    assert isinstance(sent, MediaMessage)
    if bool(sent.mediaBase64) == bool(sent.mediaUrl):
        raise ApiError(400, f"{texts.INVALID_BODY}: mediaBase64 or mediaUrl is wanted, and not both")
    content, mimetype = _decoded(sent.mediaBase64) if sent.mediaBase64 else (b"", "")
    if sent.mediaUrl and not absolute_url(sent.mediaUrl):
        raise ApiError(400, f"{texts.INVALID_BODY}: mediaUrl: an http or https URL is wanted")
    _check_connected(record)
    if sent.mediaUrl:
        content, mimetype = await _fetched(backend, sent.mediaUrl)
        auth.check_again(request.scope, backend.catalog)
    outgoing = Outgoing(
        sent.number, sent.message, content, sent.mediaType, sent.mimeType or mimetype or _MIME[sent.mediaType], sent.fileName,
        sent.isVoice and sent.mediaType == "audio", sent.replyTo, sent.replyPrivate, tuple(sent.mention), sent.mentionAll,
    )  # fmt: skip
    return await _send(backend, record, outgoing, sent.delay, sent.source)


def _target(request: Request) -> tuple[Backend, Record]:
    backend = backend_of(request)
    return backend, auth.instance_of(request.scope, backend.catalog)


def _check_connected(record: Record) -> None:
    """Before anything is fetched or waited for."""
    if record.stage is not Stage.CONNECTED:
        raise ApiError(400, texts.NOT_CONNECTED)


async def _send(backend: Backend, record: Record, outgoing: Outgoing, delay: float, source: str) -> JSONResponse:
    if delay:
        await _wait(backend.clock, delay / backend.settings.simulator_speed)  # which is 1 with any other engine
    data = await backend.traffic.send(record, outgoing, source=source or "api")
    return JSONResponse({
        "success": True, "message": "Message sent successfully", "status": "sent", "messageId": data["messageId"], "data": data,
    })  # fmt: skip


async def _wait(clock: Clock, seconds: float) -> None:
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    timer = clock.call_later(seconds, over.set_result, None)
    try:
        await over
    finally:
        timer.cancel()


def _decoded(sent: str) -> tuple[bytes, str]:
    """Base64, or a data: URL -> content and MIME type, which is empty when it was not told. Raises ApiError 400."""
    mimetype = ""
    if sent[:5].lower() == "data:":
        about, _, sent = sent.partition(",")
        mimetype = about[5:].removesuffix(";base64").strip()[:255]
    try:
        content = base64.b64decode("".join(sent.split()), validate=True)
    except ValueError:
        content = b""
    if not content:
        raise ApiError(400, f"{texts.INVALID_BODY}: mediaBase64: base64 is wanted, or a data: URL with it")
    return content, mimetype


async def _fetched(backend: Backend, url: str) -> tuple[bytes, str]:
    """Content and MIME type. Raises ApiError 400."""
    try:
        found = await backend.egress.fetch(url, most=MESSAGE_BYTES, seconds=FETCH_SECONDS)
    except Forbidden as error:
        why = str(error)
    except TooLarge:
        why = f"it is larger than {MESSAGE_BYTES // (1024 * 1024)} MB"
    except TimeoutError:
        why = f"it was not there within {FETCH_SECONDS:g} s"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        why = in_words(error)
    else:
        if found.status == 200 and found.content:
            return found.content, found.content_type
        why = f"the answer was {found.status}" if found.status != 200 else "there is nothing in it"
    raise ApiError(400, f"{texts.INVALID_BODY}: mediaUrl could not be fetched: {why}")
