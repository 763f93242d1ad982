"""The one form of an origin, and what CORS adds."""

from __future__ import annotations

import pytest
from ryze_tui.backend.origins import answer_headers, origin_of
from ryze_tui.backend.settings import Settings


@pytest.mark.parametrize(("text", "origin"), [
    ("https://console.example", "https://console.example"),
    (" HTTPS://Console.Example/ ", "https://console.example"),
    ("https://console.example:443", "https://console.example"),
    ("http://console.example:80", "http://console.example"),
    ("http://console.example:443", "http://console.example:443"),
    ("http://localhost:5173", "http://localhost:5173"),
    ("http://[::1]:8080", "http://[::1]:8080"),
    ("https://münchen.example", "https://xn--mnchen-3ya.example"),
])  # fmt: skip
def test_as_browsers_send_it(text: str, origin: str) -> None:
    assert origin_of(text) == origin == origin_of(origin)


@pytest.mark.parametrize("text", [
    "", "*", "null", "console.example", "ftp://console.example", "https://", "https://*.example", "https://a.example/path",
    "https://a.example?x=1", "https://a.example#x", "https://user:pass@a.example", "https://a.example:99999", "https://[::1",
    "file:///etc/passwd", "https://a.example:x",
])  # fmt: skip
def test_what_is_no_origin(text: str) -> None:
    with pytest.raises(ValueError, match=r"^an origin "):
        origin_of(text)


def test_no_page_may_call_unless_it_is_named() -> None:
    good, bad = "https://good.example", "https://good.example.evil.example"
    assert answer_headers(good, ()) == {}
    assert answer_headers(bad, (good,)) == answer_headers("", (good,)) == {"Vary": "Origin"}
    allowed = answer_headers(good, (good,))
    assert allowed["Access-Control-Allow-Origin"] == good and "X-RateLimit-Remaining" in allowed["Access-Control-Expose-Headers"]
    assert not any("credentials" in name.lower() for name in allowed)


def test_who_may_call_may_listen(tmp_path: object) -> None:
    a, b = "https://a.example", "https://b.example"
    assert Settings(data_dir=tmp_path, cors_origins=(a,)).socket_origins == (), "none named: any page, as without CORS"  # type: ignore[arg-type]
    both = Settings(data_dir=tmp_path, cors_origins=(a,), allowed_origins=(b,))  # type: ignore[arg-type]
    assert set(both.socket_origins) == {a, b}
