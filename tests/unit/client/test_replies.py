"""Answers that hold something else than what was asked for: an error in words, never a crash, never a made-up value."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ryze_tui.api.errors import BadReply
from ryze_tui.client import replies

OTHERS = ("{}", '{"websocket": 1, "profile": [], "webhooks": 1, "deliveries": {}, "proxy": "x"}')


@pytest.mark.parametrize("text", OTHERS)
@pytest.mark.parametrize(
    ("read", "words"),
    [
        (replies.stream_block, "no websocket block"), (replies.own_profile, "no profile"), (replies.webhooks, "no webhooks"),
        (replies.deliveries, "no deliveries"), (lambda text: replies.block(text, "proxy"), "no proxy block"),
    ],
    ids=["stream", "profile", "webhooks", "deliveries", "block"],
)  # fmt: skip
def test_what_is_missing_or_of_another_type_is_named(read: Callable[[str], object], words: str, text: str) -> None:
    with pytest.raises(BadReply, match=words):
        read(text)


def test_what_is_there_is_read() -> None:
    assert replies.stream_block('{"websocket": {"enabled": true, "events": ["a", 1]}}') == replies.StreamBlock(True, ("a",))
    assert not replies.stream_block('{"websocket": {"enabled": 1, "events": "a"}}').enabled
    assert replies.own_profile('{"profile": {"jid": "5511999990000:3@s.whatsapp.net"}}') == "5511999990000"
    assert replies.own_profile('{"profile": {"phoneNumber": "5511999990000"}}') == "5511999990000"
    assert replies.webhooks('{"webhook": {"url": "u"}}') == replies.webhooks('{"webhooks": [{"url": "u"}, 1]}') == [{"url": "u"}]
    assert [one.id for one in replies.deliveries('{"deliveries": [{"id": "d"}, {"id": 1}, 7]}')] == ["d"]
    assert replies.block('{"a": 1}', "") == {"a": 1}
