"""What every request goes through: paths, methods, queries, bodies, ids, the log, and the order of checks (contract §7)."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from .harness import TOKEN, Api, running
from .test_edge import INVALID, MISMATCH, MISSING, NOT_FOUND

LIMITED = (429, "Rate limit exceeded. Try again later.")
NO_ROUTE = (404, "Not found")
NO_METHOD = (405, "Method not allowed")


async def raw(api: Api, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """A request whose target goes out as it is: httpx would tidy it up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    sent = {"Host": "x", "token": TOKEN, "Connection": "close", "Content-Length": str(len(body))} | headers
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    writer.write("\r\n".join(lines).encode() + body)
    async with asyncio.timeout(10):
        head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    first, *more = head.decode().split("\r\n")
    return int(first.split()[1]), {name.lower(): value for name, _, value in (line.partition(": ") for line in more)}, rest


async def refused(api: Api, method: str, target: str, body: bytes = b"") -> tuple[int, str]:
    status, headers, rest = await raw(api, method, target, body)
    answer = json.loads(rest)
    assert set(answer) == {"success", "error"} and headers["content-type"] == "application/json" and headers["x-request-id"]
    return status, answer["error"]["message"]


# -- the order of checks -----------------------------------------------------------------------------------------------

async def test_the_order_of_checks(tmp_path: Path) -> None:
    """Each request is wrong in everything that comes after what it is told."""
    async with running(tmp_path, rate_limit=25) as api:
        own = (await api.new("sales"))["token"]
        bad: dict[str, Any] = {"content": b"{"}
        path = "/api/events/websocket/{}"
        assert await api.refused("POST", path.format("nope"), token=None, **bad) == MISSING
        assert await api.refused("POST", path.format("nope"), token="wrong", **bad) == INVALID
        assert await api.refused("POST", path.format("nope"), token=own, **bad) == MISMATCH
        assert await api.refused("POST", path.format("nope"), **bad) == NOT_FOUND
        assert (await api.refused("POST", path.format("sales"), **bad))[0] == 400
        # A body or query that cannot be read comes before a state that would not allow it, and changes nothing.
        assert (await api.refused("GET", "/api/instance/connect/sales?number=x"))[1].startswith("Invalid phone number")
        assert await api.refused("POST", "/simulator/sales/scan", **bad) == (400, "Invalid request body")
        assert await api.refused("POST", "/simulator/nope/scan", **bad) == NOT_FOUND
        assert await api.refused("POST", "/api/instance/new", token=own, **bad) == INVALID
        assert await api.refused("POST", "/api/instance/new", {"name": "a b", "token": own}) == (
            400, "Instance name may hold letters, digits, - and _, up to 100 of them",
        )
        assert await api.refused("POST", "/api/instance/new", {"name": "sales", "websocketEnabled": 7}) == (
            400, "Invalid request body: enabled: Input should be a valid boolean",
        )
        while (answer := await api.call("GET", "/nope")).status_code != 429:
            assert answer.status_code == 404
        for target in ("/nope", "/api/instance/connect/nope", "/api/instance/connect/sales?number=x"):
            assert await api.refused("GET", target) == LIMITED
        assert await api.refused("PUT", "/api/instance/list") == LIMITED
        assert (await api.call("GET", "/api/instance/list", token=own)).status_code == 200, "another token's is not touched"


# -- paths and methods -------------------------------------------------------------------------------------------------

async def test_names_in_paths(api: Api) -> None:
    await api.new("sales-1_A")
    read = "/api/events/getWebsocket/"
    missing = (404, "WebSocket not configured for this instance")
    for same in ("sales-1_A", "%73ales-1_A", "sales%2D1%5fA", "".join(f"%{ord(letter):02X}" for letter in "sales-1_A")):
        assert await refused(api, "GET", read + same) == missing, same
    for other in ("SALES-1_A", "sales-1_A%20", "%20sales-1_A", "sales-1_A%00", "sales-1_A%0A", "+", "%C3%A9", quote("日本"),
                  "%FF%FE", "%ED%A0%80", "..",
                  ".", "%2E%2E", "sales%252D1_A", "a,b", "%", "%zz", "*", "a" * 5000, "%F0%9F%98%80"):  # fmt: skip
        assert await refused(api, "GET", read + other) == NOT_FOUND, other
    for none in ("", "a/b", "a%2Fb", "sales-1_A/", "sales-1_A%2F", "../sales-1_A", "%2E%2E%2Fsales-1_A"):
        assert await refused(api, "GET", read + none) == NO_ROUTE, none
    for path in ("//api/instance/list", "/api//instance/list", "/API/instance/list", "/api/instance/list/",
                 "/api/instance/./list",
                 "/api/instance/list%20", "/api/instance/list;x=1", "/api/instance", "/ws/", "/mcp/", "/health/",
                 "/openapi.json/"):  # fmt: skip
        assert await refused(api, "GET", path) == NO_ROUTE, path
    assert (await raw(api, "GET", "/api/instance/%6Cist"))[0] == 200
    assert (await raw(api, "GET", "/api/instance/list#fragment"))[0] == 404


@pytest.mark.parametrize(("path", "methods"), [
    ("/health", "GET, HEAD"), ("/openapi.json", "GET, HEAD"), ("/api/instance/new", "POST"), ("/api/instance/list", "GET, HEAD"),
    ("/api/instance/connect/sales", "GET"), ("/api/instance/reconnect/sales", "POST"), ("/api/instance/logout/sales", "DELETE"),
    ("/api/instance/delete/sales", "DELETE"), ("/api/events/websocket/sales", "POST"),
    ("/api/events/getWebsocket/sales", "GET, HEAD"), ("/mcp", "DELETE, POST"), ("/simulator/sales", "GET, HEAD"),
    ("/simulator/sales/scan", "POST"), ("/simulator/storm", "GET, HEAD, POST"),
])  # fmt: skip
async def test_wrong_methods_say_which_are_right(api: Api, path: str, methods: str) -> None:
    await api.paired("sales")
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
        if method in methods.split(", "):
            continue
        status, headers, rest = await raw(api, method, path)
        assert (status, headers["allow"]) == (405, methods), method
        assert json.loads(rest or b"{}") == ({} if method == "HEAD" else {"success": False, "error": {"message": NO_METHOD[1]}})
    assert await api.state("sales") == "connected"


async def test_head_is_get_without_a_body_and_never_pairs(api: Api) -> None:
    await api.new("sales", websocketEnabled=True)
    for path in ("/api/instance/list", "/api/events/getWebsocket/sales", "/simulator/sales", "/openapi.json", "/health"):
        get, head = await api.call("GET", path), await api.call("HEAD", path)
        assert (head.status_code, head.content, head.headers["Content-Type"]) == (200, b"", "application/json")
        assert path == "/health" or head.headers["Content-Length"] == get.headers["Content-Length"]
    code = (await api.ok("GET", "/api/instance/connect/sales"))["qrCode"]
    assert (await api.call("HEAD", "/api/instance/connect/sales")).status_code == 405
    await api.sim("sales", "scan", code=code)
    assert (await api.call("HEAD", "/api/instance/list", token=None)).status_code == 401


# -- queries -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("query", "names"), [
    ("instanceName=a&instanceName=b", ["a"]), ("instanceName=&instanceName=b", ["a", "b"]), ("instancename=a", ["a", "b"]),
    ("instanceName", ["a", "b"]), ("instanceName=%61", ["a"]), ("instanceName=a%2Cb", ["a", "b"]), ("instanceName=%2Ca,", ["a"]),
    ("instanceName=+a+", ["a"]), ("x=1&instanceName=b&y", ["b"]), ("instanceName=b%00,a", ["a"]), ("instanceName=%FF,b", ["b"]),
    ("&&&instanceName=a&=", ["a"]), ("instanceName=" + "b," * 2000, ["b"]),
])  # fmt: skip
async def test_queries_of_a_list(api: Api, query: str, names: list[str]) -> None:
    await api.new("b")
    await api.new("a")
    status, _, rest = await raw(api, "GET", f"/api/instance/list?{query}")
    assert (status, [item["name"] for item in json.loads(rest)["instances"]]) == (200, names)


async def test_queries_of_a_connect(api: Api) -> None:
    await api.new("sales")
    path = "/api/instance/connect/sales"
    assert (await api.ok("GET", f"{path}?number=5511999990001&number=x"))["status"] == "pairing"
    assert (await api.ok("GET", f"{path}?number=&number=x"))["status"] == "qr"
    assert (await api.ok("GET", f"{path}?history=7&history=x&unknown=1"))["status"] == "qr"
    assert (await api.refused("GET", f"{path}?history=x&history=7"))[0] == 400
    assert (await api.refused("GET", f"{path}?history=%EF%BC%97"))[0] == 400, "a digit of another script"


async def test_the_first_of_several_token_headers_counts(api: Api) -> None:
    several = [("token", TOKEN), ("token", "wrong")]
    answer = await api.http.get("/api/instance/list", headers=httpx.Headers(several))
    other = await api.http.get("/api/instance/list", headers=httpx.Headers(several[::-1]))
    assert (answer.status_code, other.status_code) == (200, 401)
    empty = httpx.Headers([("token", ""), ("authorization", f"Bearer {TOKEN}")])
    assert (await api.http.get("/api/instance/list", headers=empty)).status_code == 200


# -- bodies ------------------------------------------------------------------------------------------------------------

BAD: list[bytes] = [
    b'{"name": "x", "a": NaN}', b'{"name": "x", "a": Infinity}', b'{"name": "x", "a": [-Infinity]}', b'{"name": "x", "a": 1e999}',
    '{"name": "x"}'.encode("utf-16"), '{"name": "x"}'.encode("utf-32-le"), b'{"name": "x"}x', b'{"name": "x",}', b"{'name': 'x'}",
    b'{"name": "x"} // no', b'{"name": "\x01"}', b"\xef\xbb\xbf", b"name=x", b'{"name": "x"}\x00',
    b'{"name": "x", "a": ' + b"[" * 2000 + b"]" * 2000 + b"}",
    b'{"name": "x", "a": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
    b'{"name": "x", "a": [' + b"1," * 250_001 + b"1]}",
]  # fmt: skip


async def test_what_is_no_json(api: Api) -> None:
    for body in BAD:
        answer = await refused(api, "POST", "/api/instance/new", body)
        assert answer == (400, "Invalid request body"), body[:60]
        assert await refused(api, "POST", "/simulator/storm", body) == answer
    assert (await api.ok("GET", "/api/instance/list"))["instances"] == []


async def test_what_is(api: Api) -> None:
    for name, body in (
        ("bom", b'\xef\xbb\xbf{"name": "bom"}'), ("twice", b'{"name": "x y", "name": "twice"}'),
        ("space", b' \r\n\t{ "name" :\n"space" } \n'), ("escaped", rb'{"\u006eame": "\u0065scaped"}'),
        ("deep", b'{"name": "deep", "a": ' + b"[" * 100 + b"]" * 100 + b"}"),
        ("null", b'{"name": "null", "token": null, "proxyEnabled": null, "websocketEvents": null}'),
        ("unknown", b'{"name": "unknown", "\xf0\x9f\x98\x80": 1, "": 2}'),
        ("full", b'{"name": "full", "x": "' + b"a" * (1024 * 1024 - 25) + b'"}'),
    ):
        assert len(body) <= 1024 * 1024
        status, _, rest = await raw(api, "POST", "/api/instance/new", body)
        assert (status, json.loads(rest)["instance"]["name"]) == (201, name), rest[:200]


async def test_a_body_of_any_type_on_any_route_is_bounded(api: Api) -> None:
    await api.new("sales")
    large = b'{"a": "' + b"a" * (1024 * 1024) + b'"}'
    too_large = (413, "Request body too large")
    for path in ("/api/instance/new", "/api/events/websocket/sales", "/simulator/storm"):
        assert await api.refused("POST", path, content=large) == too_large
    media = {"from": "5511999990001", "mediaType": "image", "mediaBase64": "A" * (2 * 1024 * 1024)}
    assert (await api.refused("POST", "/simulator/sales/message", media))[0] == 409, "media may be larger"
    media["mediaBase64"] = "A" * (12 * 1024 * 1024)
    assert await api.refused("POST", "/simulator/sales/message", media) == too_large
    for method, path in (("GET", "/api/instance/list"), ("DELETE", "/api/instance/logout/sales")):
        await api.ok(method, path, content=large)
    assert await api.refused("POST", "/api/instance/new", token="wrong", content=large) == INVALID, "strangers first"


# -- ids and the log ---------------------------------------------------------------------------------------------------

async def test_request_ids(api: Api) -> None:
    await api.new("sales", websocketEnabled=True)
    for path, token in (("/health", None), ("/api/instance/list", TOKEN), ("/nope", TOKEN), ("/api/instance/list", None)):
        answer = await api.call("GET", path, token=token, headers={"X-Request-Id": "mine-1_A"})
        assert answer.headers.get_list("X-Request-Id") == ["mine-1_A"]
        others = [await api.call("GET", path, token=token, headers={"X-Request-Id": "no good"}) for _ in range(2)]
        made = {other.headers["X-Request-Id"] for other in others}
        assert len(made) == 2 and all(len(one) == 16 for one in made)
    async with api.socket("/ws/sales", **{"X-Request-Id": "socket-1"}) as frames:
        assert frames.headers["X-Request-Id"] == "socket-1"


async def test_a_500_is_in_the_log_with_its_id_and_without_secrets(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    number, own = "5511999990001", (await api.new("sales"))["token"]

    async def broken(_record: Any, number: str, *_: Any) -> str:
        raise RuntimeError(f"cannot dial {number} with {TOKEN} or {own}")

    monkeypatch.setattr(api.backend.instances, "connect", broken)
    for token, headers in ((TOKEN, {}), (own, {}), (None, {"Authorization": f"Bearer {own}"})):
        caplog.clear()
        path = f"/api/instance/connect/sales?number={number}&token={TOKEN}&x={own}"
        answer = await api.call("GET", path, token=token, headers={"X-Request-Id": "find-me", **headers})
        assert (answer.status_code, answer.headers["X-Request-Id"]) == (500, "find-me")
        assert answer.json() == {"success": False, "error": {"message": "Internal server error"}}
        said = [record.getMessage() for record in caplog.records if record.name.startswith(("ryze_tui", "uvicorn"))]
        assert len(said) == 2 and "Traceback" in said[0] and "cannot dial ***" in said[0], said
        assert all("id=find-me" in text and text.startswith("GET /api/instance/connect/sales ") for text in said)
        for secret in (TOKEN, own, number):
            assert secret not in " ".join(said)


async def test_an_answer_that_breaks_off_is_in_the_log_once(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from starlette.responses import Response

    async def half(_self: Any, _scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        raise RuntimeError(f"no more, said {TOKEN}")

    monkeypatch.setattr(Response, "__call__", half)
    with pytest.raises(httpx.RemoteProtocolError):
        await api.call("GET", "/api/instance/list")
    monkeypatch.undo()
    said = caplog.text
    assert "RuntimeError: no more" in said and TOKEN not in said and said.count("RuntimeError: no more") == 1
    await api.ok("GET", "/api/instance/list")


async def test_no_secret_is_in_the_log_whatever_is_asked(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ryze_tui")
    number, own = "5511999990001", (await api.new("sales", websocketEnabled=True))["token"]
    stranger = "a-token-of-nobody-at-all"
    for token in (TOKEN, own, stranger):
        for method, path in (("GET", "/api/instance/connect/sales"), ("GET", "/nope"), ("PUT", "/api/instance/list"),
                             ("POST", "/mcp"),
                             ("GET", "/api/instance/list"), ("OPTIONS", "/health"), ("POST", "/api/instance/new")):  # fmt: skip
            query = f"?token={token}&number={number}"
            await api.call(method, path + query, token=token)
            await api.call(method, path + query, token=None, headers={"Authorization": f"Bearer {token}", "apikey": token})
            await api.call(method, path + quote(query), token=token)
        await raw(api, "GET", f"/ws/{token}?number={number}", token=token, Authorization=f"Bearer {token}")
        await raw(api, "GET", f"/broken path?token={token}&number={number}", token=token)
        if token != stranger:
            async with api.socket(f"/ws/sales?token={token}", None):
                pass
        else:
            await api.no_socket(f"/ws/sales?token={token}", None)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) >= 60 and [text for text in said if text.startswith("WS /ws/sales 101 ")]
    for secret in (TOKEN, own, stranger, number):
        assert not [text for text in said if secret in text]


# -- errors of the database, in the contract's words -------------------------------------------------------------------

async def test_writes_that_fail_say_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from ryze_tui.backend.errors import StoreError

    await api.paired("sales")

    async def full(*_: Any) -> Any:
        raise StoreError("disk full")

    for name in ("create", "save_block", "delete", "log_out"):
        monkeypatch.setattr(api.backend.store, name, full)
    assert await api.refused("POST", "/api/instance/new", {"name": "a"}) == (500, "Failed to create instance: disk full")
    assert await api.refused("POST", "/api/events/websocket/sales", {"enabled": True}) == (
        500, "Failed to update websocket configuration: disk full",
    )
    assert await api.refused("DELETE", "/api/instance/logout/sales") == (500, "Failed to logout instance")
    assert await api.refused("DELETE", "/api/instance/delete/sales") == (500, "Failed to delete instance: disk full")
    assert [item["name"] for item in (await api.ok("GET", "/api/instance/list"))["instances"]] == ["sales"]
    monkeypatch.undo()
    await api.new("a")
    await api.ok("DELETE", "/api/instance/delete/sales")
