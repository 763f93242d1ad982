"""GET /openapi.json: for everybody, outside limits, an extension. What is in it is tests/unit/api/test_openapi.py's business."""

from __future__ import annotations

from pathlib import Path

from ryze_tui import __version__
from ryze_tui.api.openapi import document

from .harness import Api, running


async def test_for_everybody_and_outside_limits(tmp_path: Path) -> None:
    async with running(tmp_path, rate_limit=2) as api:
        for token in (None, "wrong", None, None):
            answer = await api.call("GET", "/openapi.json", token=token)
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
            assert "X-RateLimit-Limit" not in answer.headers and answer.headers["X-Request-Id"]
        assert answer.json() == document(__version__, simulated=True)


async def test_it_is_an_extension(plain: Api) -> None:
    assert await plain.refused("GET", "/openapi.json") == (404, "Not found")
