"""No secret leaves, and no hostile text reaches a terminal."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui import redact

SECRET = "s3cr3t-t0ken/with+odd=chars"


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    redact.forget_all()


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_registered_secret_is_gone_in_every_form(before: str, after: str) -> None:
    redact.register(SECRET)
    for form in (SECRET, quote(SECRET, safe=""), json.dumps(SECRET)):
        assert form not in redact.mask(before + form + after)


@given(st.lists(st.text(min_size=6, max_size=30), min_size=1, max_size=5), st.text(max_size=50))
def test_any_registered_secret_is_gone(secrets: list[str], text: str) -> None:
    redact.forget_all()
    for secret in secrets:
        redact.register(secret)
    for secret in secrets:
        if redact.MASK not in secret and secret not in redact.MASK:
            assert secret not in redact.mask(f"{text} {secret} {text}")


@pytest.mark.parametrize(
    "text",
    [
        '{"token": "HIDE-me-0123"}', '{"password":"HIDE-me"}', '{"instanceData":{"token":"HIDE\\"me"}}', 'token: HIDE-me',
        "Authorization: Bearer HIDE-me-0123", "authorization: Basic HIDEme==", "/ws/a?token=HIDE-me&x=1", "wss://x/ws?events=a&token=HIDE-me",
        "http://user:HIDE-me@proxy:8080", "socks5://HIDE-me@proxy", '{"qrCode":"HIDE-me"}', '{"pairingCode":"HIDE1234"}',
        '{"codes":["HIDE-me","HIDE-me2"]}', "https://wa.me/settings/linked_devices#2@HIDE-me,abc,def", "Bearer HIDE-me-01234",
        "2@HIDEmeHIDEmeHIDEmeHIDEme==,abc=,def=",
        '{\\"secretKey\\": \\"HIDE-me\\"}', '{"qrCodeBase64":"HIDE"}', "Cookie: HIDE-me",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    assert "HIDE" not in redact.mask(text)
    assert redact.MASK in redact.mask(text)


@pytest.mark.parametrize("text", ["/api/instance/connect/SHOP-2024", "the token is missing", "3 instances", "GET /api/list"])
def test_ordinary_words_stay(text: str) -> None:
    assert redact.mask(text) == text


def test_tail_tells_two_tokens_apart_and_no_more() -> None:
    assert redact.tail("abcdefgh12345678") == "••••••••5678"
    assert redact.tail("short") == "••••••••"


@given(st.text())
def test_nothing_that_moves_a_cursor_survives(text: str) -> None:
    shown = redact.clean(text)
    assert shown.isprintable() or not shown
    shown.encode()
    for char in shown:
        assert unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        assert not 0xFE00 <= ord(char) < 0xFE10
    assert redact.clean(shown) == shown


@given(st.text(alphabet="\x1b\x9b\u202e\u2066\u200b\ud800\ufeff\x00\x7f\n\rab\u0301\U000e0041", max_size=40))
def test_the_worst_characters(text: str) -> None:
    shown = redact.clean(text, lines=True)
    assert not set(shown) & set("\x1b\x9b\u202e\u2066\u200b\ud800\ufeff\x00\x7f\r\U000e0041")
    assert "\u0301\u0301\u0301" not in shown


def test_controls_are_shown_as_pictures_and_lines_as_asked() -> None:
    assert redact.clean("a\x1b[31mb\x7f") == "a␛[31mb␡"
    assert redact.clean("a\nb\tc") == "a b c"
    assert redact.clean("a\nb\tc", lines=True) == "a\nb c"


HONEST = ["Acme Sales", "Müller & Söhne", "Ação", "中文名称", "Магазин", "한국어", "カタカナ", "مرحبا", "שלום", "👍"]


@pytest.mark.parametrize("text", HONEST)
def test_honest_names_stay_as_they_are(text: str) -> None:
    assert redact.clean(text) == text


def test_a_secret_that_is_no_text_is_masked_all_the_same() -> None:
    redact.register("\ud800-half-a-character")
    assert "half" not in redact.mask("token \ud800-half-a-character is gone")


def test_tokens_that_a_server_makes_up_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "_PASSING_MOST", 100)
    redact.register("own-token-0123456789")
    redact.register("told-and-then-used-01")
    for n in range(1000):
        redact.register(f"made-up-{n:06}", passing=True)
        redact.register("told-and-then-used-01", passing=True)
    shown = redact.mask("own-token-0123456789 told-and-then-used-01 made-up-000999")
    assert "own" not in shown and "told" not in shown and "999" not in shown
    assert sum(map(len, redact._secrets.values())) <= 102 and len(redact._passing) <= 100 and len(redact._prefixes) <= 3
