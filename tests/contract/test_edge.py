"""Tokens, limits, errors, hostile bodies, /health and `--no-extensions` (contract §1, §2.1, §7)."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .harness import STAMP, TOKEN, Api, running

MISSING = (401, "Missing token in header, Authorization header, or query parameter")
INVALID = (401, "Invalid token")
MISMATCH = (403, "Instance token does not match requested instance")
NOT_FOUND = (404, "Instance not found")

# Route, and who may call it: A the account, I the instance's own token as well.
ROUTES = [
    ("POST", "/api/instance/new", "A"),
    ("GET", "/api/instance/list", "AI"),
    ("GET", "/api/instance/connect/{}", "AI"),
    ("POST", "/api/instance/reconnect/{}", "AI"),
    ("DELETE", "/api/instance/logout/{}", "AI"),
    ("DELETE", "/api/instance/delete/{}", "A"),
    ("POST", "/api/events/websocket/{}", "AI"),
    ("GET", "/api/events/getWebsocket/{}", "AI"),
    ("POST", "/simulator/{}/scan", "A"),
    ("POST", "/simulator/{}/enter-code", "A"),
    ("POST", "/simulator/{}/unlink", "A"),
    ("POST", "/simulator/{}/ban", "A"),
    ("POST", "/simulator/{}/drop", "A"),
    ("POST", "/simulator/{}/message", "A"),
    ("POST", "/simulator/{}/call", "A"),
    ("GET", "/simulator/{}", "A"),
    ("POST", "/simulator/storm", "A"),
]


async def test_tokens_route_by_route(api: Api) -> None:
    own = (await api.new("sales"))["token"]
    await api.new("other")
    for method, path, who in ROUTES:
        here, there, nowhere = path.format("sales"), path.format("other"), path.format("nope")
        assert await api.refused(method, here, token=None) == MISSING, path
        assert await api.refused(method, here, token="wrong") == INVALID, path
        assert await api.refused(method, nowhere, token="wrong") == INVALID, path
        assert await api.refused(method, f"{here}?token={TOKEN}", token=None) == MISSING, "the query counts on sockets only"
        assert await api.refused(method, here, token=None, headers={"apikey": TOKEN}) == MISSING
        if who == "A":
            assert await api.refused(method, here, token=own) == INVALID, path
        elif "{}" in path:
            assert await api.refused(method, there, token=own) == MISMATCH, path
            assert await api.refused(method, nowhere, token=own) == MISMATCH, "existence is not told"
        if "{}" in path:
            assert await api.refused(method, nowhere) == NOT_FOUND, path


async def test_precedence_of_tokens(api: Api) -> None:
    path, bearer = "/api/instance/list", {"Authorization": f"Bearer {TOKEN}"}
    await api.ok("GET", path, token=None, headers=bearer)
    await api.ok("GET", path, token=None, headers={"authorization": f"bearer  {TOKEN}"})
    await api.ok("GET", path, token=TOKEN, headers={"Authorization": "Bearer wrong"})
    assert await api.refused("GET", path, token="wrong", headers=bearer) == INVALID
    assert await api.refused("GET", path, token=None, headers={"Authorization": f"Basic {TOKEN}"}) == MISSING
    assert await api.refused("GET", path, token=None, headers={"Authorization": TOKEN}) == MISSING


async def test_every_transport_of_an_instances_token(api: Api) -> None:
    token = (await api.new("sales"))["token"]
    for headers in ({"token": token}, {"TOKEN": token}, {"Authorization": f"Bearer {token}"}):
        await api.ok("DELETE", "/api/instance/logout/sales", token=None, headers=headers)


async def test_unknown_routes_and_wrong_methods(api: Api) -> None:
    await api.new("sales")
    for path in ("/", "/nope", "/api", "/api/instance/list/", "/api/instance/getsettings/sales", "/api/instance/connect/a/b",
                 "/api/instance/metrics", "/ws", "/ws/sales", "/simulator/sales/levitate",
                 "/api/instance/connect/a%2Fb"):  # fmt: skip
        method = "POST" if "levitate" in path else "GET"
        assert await api.refused(method, path) == (404, "Not found"), path
    for method, path in (("PUT", "/api/instance/new"), ("DELETE", "/api/instance/list"), ("POST", "/health"),
                         ("GET", "/api/instance/delete/sales"), ("PATCH", "/api/events/websocket/sales")):  # fmt: skip
        assert await api.refused(method, path) == (405, "Method not allowed"), path


# -- bodies ------------------------------------------------------------------------------------------------------------

HOSTILE: list[tuple[bytes, int, str]] = [
    (b"", 400, "Invalid request body"),
    (b"{", 400, "Invalid request body"),
    (b"[]", 400, "Invalid request body"),
    (b"null", 400, "Invalid request body"),
    (b'"name"', 400, "Invalid request body"),
    (b"\xff\xfe\xfd", 400, "Invalid request body"),
    (b'{"name": "\xff"}', 400, "Invalid request body"),
    (b'{"name": "\\ud800"}', 400, "Invalid request body"),
    (b'{"name": ' + b"9" * 5000 + b"}", 400, "Invalid request body"),
    (b"[" * 200_000, 400, "Invalid request body"),
    (b'{"a":' * 100_000, 400, "Invalid request body"),
    (b'{"name": "' + b"a" * (1024 * 1024) + b'"}', 413, "Request body too large"),
]


@pytest.mark.parametrize("path", ["/api/instance/new", "/api/events/websocket/sales"])
async def test_hostile_bodies(api: Api, path: str) -> None:
    await api.new("sales")
    for body, status, message in HOSTILE:
        assert await api.refused("POST", path, content=body) == (status, message), body[:40]

    async def chunks() -> Any:
        for _ in range(40):
            yield b" " * 65536

    assert (await api.call("POST", path, content=chunks())).status_code == 413
    await api.ok("GET", "/api/instance/list")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=6,
)  # fmt: skip
FIELDS = st.sampled_from([
    "name", "token", "enabled", "events", "mediaBase64", "websocketEnabled", "websocketEvents", "webhookURL", "webhookEnabled",
    "proxyPort", "proxyEnabled", "proxyHost", "chatwootAccountId", "chatwootApiToken", "s3SecretKey", "callRejectMessage", "from",
    "text", "number", "code", "seconds", "rate", "mediaType", "business",
])  # fmt: skip


async def test_no_body_at_all_is_a_500(tmp_path: Path) -> None:
    """Anything in any field: an answer in the contract's shape, and never the server's own fault."""
    async with running(tmp_path) as api:
        await api.paired("sales")
        paths = [path.format("sales") for method, path, _ in ROUTES if method == "POST" and "reconnect" not in path]
        loop = asyncio.get_running_loop()

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
        @given(st.sampled_from(paths), st.dictionaries(FIELDS, VALUES, max_size=5))
        def throw(path: str, body: dict[str, Any]) -> None:
            import json

            content = json.dumps({"name": "x", **body}).encode()
            call = asyncio.run_coroutine_threadsafe(api.call("POST", path, content=content), loop)
            answer = call.result(20)
            assert answer.status_code < 500, (path, body, answer.text)
            assert answer.json()["success"] is (answer.status_code < 300)

        await asyncio.to_thread(throw)


# -- limits ------------------------------------------------------------------------------------------------------------

async def test_limits_per_token(tmp_path: Path) -> None:
    async with running(tmp_path, rate_limit=10) as api:
        first = await api.call("POST", "/api/instance/new", {"name": "sales", "websocketEnabled": True})
        assert [first.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining")] == ["2", "1"]
        token = first.json()["instance"]["token"]
        answers = [await api.call("GET", "/api/instance/list") for _ in range(11)]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == [*map(str, range(9, -1, -1)), "0"]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        refused = answers[-1]
        assert refused.json() == {"success": False, "error": {"message": "Rate limit exceeded. Try again later."}}
        assert 1 <= int(refused.headers["Retry-After"]) <= 60 and int(refused.headers["X-RateLimit-Reset"]) > 1_700_000_000
        assert (await api.call("GET", "/nope")).status_code == 429, "limits come before everything else"
        assert await api.no_socket("/ws") == (429, "Rate limit exceeded. Try again later.")
        own = await api.call("GET", "/api/instance/list", token=token)
        assert (own.status_code, own.headers["X-RateLimit-Remaining"]) == (200, "9"), "each token has its own"
        async with api.socket("/ws/sales", token) as frames:
            assert frames.headers["X-RateLimit-Remaining"] == "8", "an upgrade counts once"
        for _ in range(3):
            health = await api.call("GET", "/health")
            assert health.status_code == 200 and "X-RateLimit-Limit" not in health.headers
        assert (await api.call("GET", "/simulator/sales")).status_code == 200, "a virtual phone is not an API client"


async def test_strangers_share_a_limit(tmp_path: Path) -> None:
    async with running(tmp_path, rate_limit=10) as api:
        answers = [await api.call("GET", "/api/instance/list", token=f"guess-{index}") for index in range(11)]
        assert [answer.status_code for answer in answers] == [401] * 10 + [429]
        assert (await api.call("GET", "/simulator/sales", token=None)).status_code == 429
        assert (await api.call("GET", "/api/instance/list")).status_code == 200


async def test_headers_are_on_every_answer(tmp_path: Path) -> None:
    async with running(tmp_path, rate_limit=1000) as api:
        for method, path, token in (("GET", "/nope", TOKEN), ("PUT", "/api/instance/list", TOKEN),
                                    ("GET", "/api/instance/list", None),
                                    ("GET", "/api/instance/connect/nope", TOKEN),
                                ("POST", "/api/instance/new", TOKEN)):  # fmt: skip
            answer = await api.call(method, path, token=token)
            assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(answer.headers), path


# -- health and the plain contract -------------------------------------------------------------------------------------

async def test_health(api: Api) -> None:
    body = (await api.call("GET", "/health", token="wrong")).json()
    assert re.fullmatch(r"(\d+h)?(\d+m)?[\d.]+s", body.pop("uptime")) and STAMP.fullmatch(body.pop("timestamp"))
    assert body == {
        "status": "ok", "service": "RyzeAPI", "extensions": ["account-stream", "conditions", "deliveries", "since", "trials"],
        "engine": "simulated", "checks": dict.fromkeys(("db", "disk", "engine", "outbox", "loop"), "ok"),
    }


async def test_health_when_the_database_fails(api: Api) -> None:
    api.backend.store.database.failure = "disk full"
    answer = await api.call("GET", "/health", token=None)
    assert answer.status_code == 503 and answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["db"] == "fail: disk full"


async def test_the_plain_contract_has_nothing_of_ours(plain: Api) -> None:
    health = (await plain.call("GET", "/health")).json()
    assert set(health) == {"status", "service", "uptime", "timestamp", "checks"} and health["checks"] == {"db": "ok"}
    await plain.paired("sales", websocketEnabled=True)
    item = await plain.item("sales")
    assert item["connection"] == {
        "state": "connected", "numberJid": "5511999990001@s.whatsapp.net", "presenceStatus": "unavailable",
        "displayStatus": "SIMULATED · Connected",
    }
    assert await plain.no_socket("/ws") == (404, "Not found")
    async with plain.socket("/ws/sales") as frames:
        await plain.sim("sales", "unlink")
        frame = await frames.next()
    assert (set(frame), frame["data"]["state"]) == ({"event", "data", "instanceData"}, "logged_out")


# -- the simulator's routes --------------------------------------------------------------------------------------------

async def test_the_virtual_phone(api: Api) -> None:
    await api.new("sales")
    idle = {"link": "off", "number": "", "name": "", "code": 0, "codes": 0, "pairingCode": "", "actions": []}
    assert await api.ok("GET", "/simulator/sales") == {"success": True, "phone": idle}
    code = (await api.ok("GET", "/api/instance/connect/sales?number=5511999990001"))["pairingCode"]
    phone = (await api.ok("GET", "/simulator/sales"))["phone"]
    assert (phone["link"], phone["code"], phone["codes"], phone["pairingCode"], phone["actions"]) == (
        "scanning", 1, 6, code, ["scan", "enter-code"],
    )
    answer = await api.sim("sales", "enter-code", code=code)
    assert answer["number"] == "5511999990001"
    await api.until("sales", "connected")
    assert (await api.ok("GET", "/simulator/sales"))["phone"]["actions"] == [
        "unlink", "ban", "drop", "message", "call", "group-event", "label",
    ]


async def test_what_the_simulator_refuses(api: Api) -> None:
    await api.new("sales")
    for action, body, message in (
        ("scan", None, "no QR code is waiting to be scanned"),
        ("enter-code", {"code": "x"}, "no pairing code is waiting to be entered"),
        ("unlink", None, "no device is linked"), ("ban", {}, "the instance is not connected"),
        ("drop", {}, "the instance is not connected"),
        ("message", {"from": "5511999990002", "text": "x"}, "the instance is not connected"),
        ("call", {"from": "5511999990002"}, "the instance is not connected"),
    ):  # fmt: skip
        assert await api.refused("POST", f"/simulator/sales/{action}", body) == (409, f"Simulator: {message}")
    assert await api.refused("POST", "/simulator/storm", {}) == (409, "Simulator: no instance is connected")
    assert await api.refused("POST", "/simulator/sales/drop", {"seconds": -1}) == (
        400, "Simulator: seconds is a number above 0 and up to 2.592e+06",
    )
    assert await api.state("sales") == "disconnected"


async def test_trouble(api: Api) -> None:
    await api.paired("sales", websocketEnabled=True)
    async with api.socket("/ws/sales") as frames:
        await api.sim("sales", "drop", seconds=1)
        assert (await frames.state("disconnected"))["reason"] == "connection to WhatsApp lost, dialling again"
        await frames.state("connected")
        await api.sim("sales", "ban", seconds=3000)
        banned = await frames.state("temp_banned")
        assert (banned["code"], banned["expire"]) == (104, 60) and banned["reason"]
        item = await api.item("sales")
        assert (item["status"], item["connection"]["reason"]) == ("banned", banned["reason"])
        await api.ok("POST", "/api/instance/reconnect/sales")
        await frames.state("temp_banned")


async def test_a_filled_account(tmp_path: Path) -> None:
    async with running(tmp_path, simulator_instances=20) as api:
        items = (await api.ok("GET", "/api/instance/list"))["instances"]
        states = [item["connection"]["state"] for item in items]
        assert {state: states.count(state) for state in set(states)} == {
            "connected": 12, "disconnected": 2, "connecting": 2, "loggedout": 2, "banned": 2,
        }
        assert [items[0]["name"], items[19]["name"]] == ["sim-00001", "sim-00020"]
        assert all(item["websocket"]["enabled"] for item in items)
