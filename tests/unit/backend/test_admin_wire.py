"""The lines that account commands are made of: what is a request, and that nothing else is."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.backend.admin import wire

REQUESTS = [
    ({"do": "list"}, wire.Request("list")),
    ({"do": "add", "name": "acme"}, wire.Request("add", "acme")),
    ({"do": "add", "name": "a" * 64, "quota": 0}, wire.Request("add", "a" * 64, 0)),
    ({"do": "set", "name": "A_b-9", "quota": wire.MAX_QUOTA}, wire.Request("set", "A_b-9", wire.MAX_QUOTA)),
    ({"do": "remove", "name": "x", "more": [1]}, wire.Request("remove", "x")),
]

MALFORMED: list[Any] = [
    None, 1, "add", [], {}, {"do": "drop"}, {"do": ["add"]}, {"do": {}, "name": "a"}, {"do": "add"}, {"do": "add", "name": ""},
    {"do": "add", "name": "a" * 65}, {"do": "add", "name": "a b"}, {"do": "add", "name": "a\n"}, {"do": "add", "name": "é"},
    {"do": "add", "name": "../x"}, {"do": "add", "name": 5}, {"do": "add", "name": "a", "quota": -1}, {"do": "list", "name": 1},
    {"do": "add", "name": "a", "quota": True}, {"do": "add", "name": "a", "quota": 1.5}, {"do": "add", "name": "a", "quota": "5"},
    {"do": "add", "name": "a", "quota": wire.MAX_QUOTA + 1}, {"do": "add", "name": "a", "quota": float("inf")},
]  # fmt: skip


@pytest.mark.parametrize(("message", "request_"), REQUESTS)
def test_a_request_is_read_as_it_was_written(message: dict[str, Any], request_: wire.Request) -> None:
    line = wire.encode(message)
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and len(line) <= wire.MAX_REQUEST
    assert wire.read_request(line) == request_


@pytest.mark.parametrize("message", MALFORMED, ids=str)
def test_anything_else_is_malformed(message: Any) -> None:
    with pytest.raises(wire.Malformed):
        wire.read_request(json.dumps(message).encode())


HOSTILE = [b"[" * 100_000, b'{"a":' * 50_000, b'{"do":"add","name":"\\ud800"}', b"9" * 5000, b"\xff\xfe", b""]


@given(st.binary(max_size=200) | st.sampled_from(HOSTILE))
def test_no_bytes_are_anything_but_malformed(line: bytes) -> None:
    with pytest.raises(wire.Malformed):
        wire.read_request(line)


def test_a_path_of_any_length_can_be_bound_and_found(tmp_path: Path) -> None:
    directory = tmp_path.joinpath(*["a-long-name-" * 8] * 3)
    directory.mkdir(parents=True)
    for path in (tmp_path / "s", directory / "s"):
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
            with wire.address(path) as name:
                listener.bind(name)
            listener.listen()
            with wire.address(path) as name:
                client.connect(name)
            assert path.is_socket()
            assert wire.peer_uid(client) == os.geteuid()
    with pytest.raises(FileNotFoundError), wire.address(directory / "nowhere" / "s"):
        pass
