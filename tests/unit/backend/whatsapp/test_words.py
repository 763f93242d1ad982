"""What a worker tells, put in the port's words: each reason apart, and nothing that a stranger writes does any harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.backend.engine.whatsapp import reasons, requirements, translate
from ryze_tui.backend.engine.whatsapp.reasons import Then
from ryze_tui.backend.errors import EngineError
from ryze_tui.backend.table import Happening

OWN = "5511999990001@s.whatsapp.net"


@pytest.mark.parametrize(
    ("what", "data", "told", "then", "words"),
    [
        ("down", {}, Happening.DISCONNECTED, Then.STAY, "dialling again"),
        ("logged_out", {"reason": 2, "on_connect": False}, Happening.LOGGED_OUT, Then.FORGET, "logged out from the phone"),
        ("logged_out", {"reason": 4, "on_connect": True}, Happening.LOGGED_OUT, Then.FORGET, "phone was switched"),
        ("logged_out", {"reason": 5, "on_connect": True}, Happening.TEMP_BANNED, Then.FORGET, "banned by WhatsApp"),
        ("banned", {"code": 5, "expire": 60}, Happening.TEMP_BANNED, Then.OVER, "broadcast list"),
        ("replaced", {}, Happening.STREAM_REPLACED, Then.OVER, "opened somewhere else"),
        ("outdated", {}, Happening.CLIENT_OUTDATED, Then.OVER, "upgrade ryze-tui"),
        ("refused", {"reason": 7, "message": ""}, Happening.CONNECT_FAILURE, Then.RARELY, "refused this client"),
        ("stream_error", {"code": "500"}, Happening.STREAM_ERROR, Then.STAY, "stream error 500"),
        ("failed", {"text": "lookup web.whatsapp.com: no such host"}, Happening.CONNECT_FAILURE, Then.AGAIN, "not found"),
        ("failed", {"text": "connect: network is unreachable"}, Happening.CONNECT_FAILURE, Then.AGAIN, "has no network"),
        ("failed", {"text": "x509: signed by unknown authority"}, Happening.CONNECT_FAILURE, Then.AGAIN, "certificate"),
        ("failed", {"text": "required field TemporaryBan.Code not set"}, Happening.TEMP_BANNED, Then.OVER, "temporarily banned"),
        ("gone", {}, Happening.LOGGED_OUT, Then.FORGET, "pair it again"),
        ("silent", {"errors": 2}, Happening.KEEPALIVE_TIMEOUT, Then.STAY, ""),
    ],
)
def test_every_reason_has_an_event_and_words_of_its_own(
    what: str, data: dict[str, Any], told: Happening, then: Then, words: str
) -> None:
    outcome = translate.LINK[what](data)
    assert (outcome.what, outcome.then) == (told, then)
    assert words in outcome.data.get("reason", "")


def test_what_the_library_says_is_masked() -> None:
    outcome = reasons.failed("proxyconnect tcp http://user:hunter2hunter2@proxy: odd\x1b[31m \u202e answer")
    assert "hunter2" not in outcome.data["reason"] and "\x1b" not in outcome.data["reason"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([
    "id", "chat", "chat_lid", "sender", "sender_lid", "text", "at", "from_me", "name", "media", "type", "reply_to", "mentions",
    "location", "poll", "status", "ids", "from", "group", "people", "reason", "code", "expire", "on_connect", "message", "errors",
])  # fmt: skip


@given(st.dictionaries(NAMES, ANYTHING, max_size=12))
def test_whatever_a_worker_says_is_readable(data: dict[str, Any]) -> None:
    made, media = translate.message(data, OWN, 1_800_000_000.0)
    json.dumps(made)
    assert media is None or isinstance(media.size, int)
    for other in (translate.receipt(data, "1@s.whatsapp.net", 1.8e9), translate.call(data, 1.8e9), translate.group(data, 1.8e9)):
        json.dumps(other)
    for make in translate.LINK.values():
        json.dumps(make(data).data)


def test_a_message_of_somebody_who_hides_the_number() -> None:
    hidden = {"chat": "", "chat_lid": "7@lid", "sender": "", "sender_lid": "7@lid"}
    data = hidden | {"id": "1", "at": 1.8e9, "name": "Ana", "text": "hi"}
    made, _ = translate.message(data, OWN, 0.0)
    assert made["sender"] == {"jid": "7@lid", "lid": "7@lid", "name": "Ana"} and made["chat"]["type"] == "private"
    assert (made["direction"], made["recipient"]["jid"], made["timestamp"]) == ("incoming", OWN, "2027-01-15T08:00:00.000Z")


# -- what must be installed --------------------------------------------------------------------------------------------


def found(monkeypatch: pytest.MonkeyPatch, version: str | None, place: Path) -> None:
    import importlib.metadata
    import importlib.util
    from importlib.machinery import ModuleSpec

    def installed(name: str) -> str:
        if version is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return version

    spec = ModuleSpec("neonize", None, is_package=True)
    spec.submodule_search_locations = [str(place)]
    monkeypatch.setattr(importlib.metadata, "version", installed)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)


def test_what_is_installed_is_looked_at_and_not_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    library = tmp_path / requirements.library_name()
    library.write_bytes(b"\0" * 2_000_000)
    found(monkeypatch, "0.5.2", tmp_path)
    assert requirements.check() == library


@pytest.mark.parametrize(
    ("version", "size", "words"),
    [
        (None, 0, "pip install 'ryze-tui[whatsapp]'"),
        ("0.4.3", 2_000_000, "made for neonize 0.5.2, and 0.4.3 is installed"),
        ("0.5.2", 0, "would download another one; put it back with: pip install --force-reinstall --no-deps neonize==0.5.2"),
        ("0.5.2", 10, "would download another one"),
    ],
)
def test_what_is_missing_is_refused_with_advice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str | None, size: int, words: str
) -> None:
    if size:
        (tmp_path / requirements.library_name()).write_bytes(b"\0" * size)
    found(monkeypatch, version, tmp_path)
    with pytest.raises(EngineError) as refused:
        requirements.check()
    assert words in str(refused.value)
