"""Addresses and tokens are checked before anything is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.api.errors import RyzeError
from ryze_tui.client.address import BadAddress, base_url, checked_token, segment


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("https://ryzeapi.cloud/", "https://ryzeapi.cloud"), ("ryzeapi.cloud", "https://ryzeapi.cloud"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"), ("localhost:1", "http://localhost:1"), (" http://h:80/x/ ", "http://h:80/x"),
        ("http://[::1]:8080", "http://[::1]:8080"), ("HTTPS://Host", "https://host"),
        ("[::1]:8080", "http://[::1]:8080"), ("LOCALHOST:1/x", "http://localhost:1/x"), ("127.1", "http://127.1"),
        ("localhost.example.com", "https://localhost.example.com"), ("127.0.0.1.example.com", "https://127.0.0.1.example.com"),
        ("127.example.com:80", "https://127.example.com:80"),
    ],
)
def test_bases(text: str, base: str) -> None:
    assert base_url(text) == base


@pytest.mark.parametrize(
    "text",
    ["", "ftp://h", "http://", "http://u:p@h", "http://h?token=x", "http://h#x", "http://h:99999", "http://h:x",
     "http://[", "http://a b"],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(BadAddress):
        base_url(text)


@given(st.text())
def test_only_our_error_comes_out(text: str) -> None:
    for check in (base_url, checked_token):
        try:
            check(text)
        except RyzeError as error:
            assert error.message


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_name_is_one_segment(name: str) -> None:
    assert not set(segment(name)) & set("/?# ")
    assert segment(name) not in (".", "..")


def test_a_name_that_cannot_be_encoded_is_no_segment() -> None:
    with pytest.raises(BadAddress):
        segment("sales\ud800")


@pytest.mark.parametrize("token", ["", "  ", "a b", "a\nb", "tökén"])
def test_tokens_that_cannot_be_sent(token: str) -> None:
    with pytest.raises(BadAddress):
        checked_token(token)
    assert checked_token(" abc ") == "abc"
