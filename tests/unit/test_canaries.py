"""The search for planted secrets finds them in every shape, and nothing where there is nothing."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest

from ..fakes.canaries import found_in, leaks

SECRET = "canary:Qz7/ü+w3Lp"
CANARIES = {"one": SECRET}


@pytest.mark.parametrize("before", range(6))
def test_found_in_every_shape(before: int, tmp_path: Path) -> None:
    data = b"a" * before + SECRET.encode() + b"zz"
    for shape in (
        data, base64.b64encode(data), base64.urlsafe_b64encode(data), data.hex().encode(), data.hex().upper().encode(),
        quote(SECRET, safe="").encode(), json.dumps({"a": SECRET}).encode(), data.decode().encode("utf-16-le"),
    ):  # fmt: skip
        assert found_in(CANARIES, b"before " + shape + b" after") == ["one"], shape
    (tmp_path / "z").write_bytes(zlib.compress(data))
    assert leaks(CANARIES, [tmp_path / "z"])


def test_nothing_where_nothing_is() -> None:
    assert found_in(CANARIES, base64.b64encode(b"something else altogether " * 100)) == []
