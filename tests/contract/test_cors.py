"""Calls from web pages: only origins that were named, preflights before tokens and limits, never credentials (contract §7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio

from .harness import Api, running

GOOD, BAD = "https://console.example", "https://evil.example"


@pytest_asyncio.fixture
async def page(tmp_path: Path) -> AsyncIterator[Api]:
    async with running(tmp_path, cors_origins=(GOOD, "http://localhost:5173"), rate_limit=5) as made:
        yield made


def of_cors(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-") or name == "vary"}


async def preflight(api: Api, path: str, origin: str = GOOD, method: str = "POST") -> httpx.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "token,content-type"}
    return await api.call("OPTIONS", path, token=None, headers=headers)


async def test_a_preflight_costs_nothing_and_needs_no_token(page: Api) -> None:
    for _ in range(7):
        answer = await preflight(page, "/api/instance/new")
        assert (answer.status_code, answer.content) == (204, b"") and "X-RateLimit-Limit" not in answer.headers
    told = of_cors(answer)
    assert told.pop("access-control-expose-headers")
    assert told == {
        "vary": "Origin", "access-control-allow-origin": GOOD, "access-control-allow-methods": "GET, POST, DELETE",
        "access-control-allow-headers": "Content-Type, Authorization, token", "access-control-max-age": "600",
    }
    assert answer.headers["X-Request-Id"]
    assert (await page.call("GET", "/api/instance/list")).headers["X-RateLimit-Remaining"] == "4"


async def test_a_page_that_may_call(page: Api) -> None:
    own = (await page.call("POST", "/api/instance/new", {"name": "sales"}, headers={"Origin": GOOD})).json()["instance"]["token"]
    for path, token, status in (("/api/instance/list", own, 200), ("/api/instance/list", None, 401), ("/nope", own, 404),
                                ("/api/instance/connect/other", own, 403), ("/openapi.json", None, 200)):  # fmt: skip
        answer = await page.call("GET", path, token=token, headers={"Origin": GOOD})
        assert answer.status_code == status
        assert of_cors(answer)["access-control-allow-origin"] == GOOD and of_cors(answer)["vary"] == "Origin", path
        assert "access-control-allow-credentials" not in answer.headers
    refused = [await page.call("GET", "/api/instance/list", token=own, headers={"Origin": GOOD}) for _ in range(5)][-1]
    assert (refused.status_code, of_cors(refused)["access-control-allow-origin"]) == (429, GOOD), "the page can read why"


async def test_any_other_page(page: Api) -> None:
    for origin in (BAD, "null", GOOD + ".evil.example", GOOD.upper(), GOOD + "/", "http://console.example", GOOD + ":444"):
        answer = await preflight(page, "/api/instance/list", origin)
        assert (answer.status_code, of_cors(answer)) == (403, {"vary": "Origin"}), origin
        assert answer.json() == {"success": False, "error": {"message": "Origin not allowed"}}
    answer = await page.call("GET", "/api/instance/list", headers={"Origin": BAD})
    assert (answer.status_code, of_cors(answer)) == (200, {"vary": "Origin"}), "who is no browser is not bound by it"
    assert of_cors(await page.call("GET", "/api/instance/list")) == {"vary": "Origin"}


async def test_what_is_no_preflight(page: Api) -> None:
    for headers in ({}, {"Origin": GOOD}, {"Access-Control-Request-Method": "POST"}):
        answer = await page.call("OPTIONS", "/api/instance/list", headers=headers)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_health_is_outside(page: Api) -> None:
    answer = await page.call("GET", "/health", headers={"Origin": GOOD})
    assert (answer.status_code, of_cors(answer)) == (200, {})
    assert (await preflight(page, "/health")).status_code == 405


async def test_without_the_option_no_page_may_call(api: Api) -> None:
    assert (await preflight(api, "/api/instance/list")).status_code == 405
    answer = await api.call("GET", "/api/instance/list", headers={"Origin": GOOD})
    assert (answer.status_code, of_cors(answer)) == (200, {})


async def test_sockets_keep_their_own_list_and_let_in_who_may_call(tmp_path: Path) -> None:
    async with running(tmp_path, cors_origins=(GOOD,), allowed_origins=("https://other.example",)) as api:
        await api.new("sales", websocketEnabled=True)
        for origin in (GOOD, "https://other.example"):
            async with api.socket("/ws/sales", Origin=origin):
                pass
        assert await api.no_socket("/ws/sales", Origin=BAD) == (403, "Origin not allowed")
