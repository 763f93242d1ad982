"""Frames survive the way, and nothing else does."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.backend.engine.whatsapp import frames
from ryze_tui.backend.engine.whatsapp.frames import (
    Answer,
    Ask,
    BadFrame,
    Dial,
    Drop,
    Event,
    Frame,
    Pair,
    Ping,
    Pong,
    Ready,
    Refused,
)

EVERY = frames.FROM_SERVER + frames.FROM_WORKER
ONE_OF_EACH: list[Frame] = [
    Pair("link", 1, "/path", "5511999990001", 90, "http://a:b@127.0.0.1:1"), Dial("link", 2, "/path", -1, ""), Drop("link"),
    Ask(7, "link", "send", {"to": "x"}, b"\0\xff"), Ping(1), Ready("0.5.2", 1234), Refused("why"), Pong(1),
    Event("link", 1, "qr", {"code": "ü"}), Answer(7, "", {}, b"bytes"),
]  # fmt: skip


def back(data: bytes, allowed: tuple[type[Any], ...] = EVERY) -> Frame:
    text, blob = frames.lengths(data[: frames.HEAD_BYTES])
    rest = data[frames.HEAD_BYTES :]
    assert len(rest) == text + blob
    return frames.decode(rest[:text], rest[text:], allowed)


@pytest.mark.parametrize("frame", ONE_OF_EACH, ids=lambda frame: frame.kind)
def test_there_and_back(frame: Frame) -> None:
    assert back(frames.encode(frame)) == frame


@pytest.mark.parametrize("frame", ONE_OF_EACH, ids=lambda frame: frame.kind)
def test_secrets_are_not_in_their_words(frame: Frame) -> None:
    assert "a:b@" not in repr(frame) and "ü" not in repr(frame) and "5511" not in repr(frame)


def test_each_side_takes_its_own_only() -> None:
    with pytest.raises(BadFrame, match="unknown kind"):
        back(frames.encode(Ping(1)), frames.FROM_WORKER)


@pytest.mark.parametrize(
    "about",
    [
        [], None, 1, {}, {"kind": "nothing"}, {"kind": []}, {"kind": "pong"}, {"kind": "pong", "number": "1"},
        {"kind": "pong", "number": True}, {"kind": "pong", "number": 1, "more": 1}, {"kind": "pong", "number": 1.5},
        {"kind": "event", "link": "a", "attempt": 1, "what": "up", "data": []},
    ],
)  # fmt: skip
def test_anything_else_is_refused(about: Any) -> None:
    with pytest.raises(BadFrame):
        frames.decode(json.dumps(about).encode(), b"", EVERY)


def test_bytes_behind_what_has_none() -> None:
    with pytest.raises(BadFrame, match="bytes behind"):
        frames.decode(b'{"kind":"pong","number":1}', b"x", EVERY)


def test_limits() -> None:
    for head in ((frames.JSON_MOST + 1, 0), (10, frames.BLOB_MOST + 1), (0, 0)):
        with pytest.raises(BadFrame):
            frames.lengths(struct.pack(">II", *head))
    with pytest.raises(BadFrame, match="too large"):
        frames.encode(Refused("x" * frames.JSON_MOST))


@given(st.binary(max_size=200), st.binary(max_size=10))
def test_noise_is_a_bad_frame_and_nothing_worse(text: bytes, blob: bytes) -> None:
    with pytest.raises(BadFrame):
        frames.decode(text, blob, EVERY)
