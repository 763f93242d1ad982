"""message.exchange in the layout of the documentation, made from that of the live service (contract §5.2, §8 #30)."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.backend.engine.port import Media
from ryze_tui.backend.engine.simulated import wire
from ryze_tui.backend.events.layouts import documented
from ryze_tui.backend.traffic.fetching import with_media

NOW = 1_785_499_200.0


def live(**more: Any) -> dict[str, Any]:
    kind, content = more.pop("media_type", ""), more.pop("media", "")
    media = Media(kind, wire.MIME[kind], "simulated", 3, "") if kind else None
    data = wire.message(random.Random(1), NOW, "5511988887777", "5511999990001", **{"text": "Hi"} | more, media=media)
    return with_media(data, base64=content) if media is not None else data


def test_everything_of_a_message_lies_under_message() -> None:
    data = live()
    before = copy.deepcopy(data)
    told = documented(data)
    assert data == before, "the account stream tells the same event"
    assert told == {"id": data["id"], "message": {
        "id": data["id"], "direction": "incoming", "timestamp": "2026-07-31T12:00:00.000Z",
        "chat": {"jid": "5511988887777@s.whatsapp.net", "lid": "", "name": "", "type": "private"},
        "sender": {"jid": "5511988887777@s.whatsapp.net", "lid": "", "name": ""}, "content": {"text": "Hi"},
    }}  # fmt: skip


def test_media_keep_what_is_documented() -> None:
    media = documented(live(text="a caption", media_type="image", media="QUJD"))["message"]["media"]
    assert (media["type"], media["mimetype"], media["base64"], media["caption"]) == ("image", "image/jpeg", "QUJD", "a caption")
    assert "isVoiceNote" not in media


@pytest.mark.parametrize(("voice", "kind"), [(True, "ptt"), (False, "audio")])
def test_a_voice_note_has_a_type_of_its_own(voice: bool, kind: str) -> None:
    data = live(media_type="audio", media="QUJD")
    data["message"]["media"]["isVoiceNote"] = voice
    assert documented(data)["message"]["media"]["type"] == kind


@pytest.mark.parametrize(("kind", "told"), [("message_revoke", True), ("message_edit", True), ("text", False), ("image", False)])
def test_only_what_happens_to_a_message_is_a_type(kind: str, told: bool) -> None:
    data = live()
    data["message"]["type"] = kind
    assert ("type" in documented(data)["message"]) == told


def test_what_is_set_is_carried_over() -> None:
    data = live()
    location = {"latitude": 0.0, "longitude": 0.0, "address": "", "name": ""}
    data["message"] |= {"source": "shop", "location": location, "edit": {"original_id": "3EB0", "text": "Hello"}}
    told = documented(data)["message"]
    assert (told["source"], told["location"], told["edit"]) == ("shop", location, {"original_id": "3EB0", "text": "Hello"})


KEYS = ["id", "message", "direction", "content", "media", "type", "isVoiceNote", "isEdit", "x"]
PLAIN = st.sampled_from([None, False, True, 0, "", "audio", "message_edit"])
INNER = st.dictionaries(st.sampled_from(KEYS), PLAIN, max_size=3)
VALUES = PLAIN | st.dictionaries(st.sampled_from(KEYS), PLAIN | INNER, max_size=4)


@given(st.dictionaries(st.sampled_from(["id", "message", "direction", "chat", "sender"]), VALUES))
def test_what_has_another_layout_already_is_left_alone_and_nothing_breaks(data: dict[str, Any]) -> None:
    told = documented(data)
    if not isinstance(data.get("message"), dict) or "direction" not in data:
        assert told == data
    assert documented(told) == told
