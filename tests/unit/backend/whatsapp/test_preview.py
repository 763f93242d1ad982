"""Which link in a text is the one that is shown."""

from __future__ import annotations

import pytest
from ryze_tui.backend.engine.whatsapp.preview import link_in


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("", ""), ("nothing here", ""), ("ftp://a.example/x", ""), ("https://", ""), ("a.example", ""),
        ("see https://a.example/x?y=1#z", "https://a.example/x?y=1#z"),
        ("HTTP://A.example/ and http://b.example", "HTTP://A.example/"),
        ("(https://a.example/x).", "https://a.example/x"), ("*https://a.example*", "https://a.example"),
        ("“https://a.example/é”", "https://a.example/é"), ("<https://a.example>", "https://a.example"),
        ("https://a.example/x\nhttps://b.example", "https://a.example/x"),
        ("https://en.example/wiki/Bread_(food)", "https://en.example/wiki/Bread_(food)"),
        ("(https://en.example/wiki/Bread_(food))", "https://en.example/wiki/Bread_(food)"),
    ],
)  # fmt: skip
def test_the_first_link(text: str, link: str) -> None:
    assert link_in(text) == link
