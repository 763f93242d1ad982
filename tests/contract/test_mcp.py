"""/mcp: logout and delete as JSON-RPC tools, with the checks of the REST routes (contract §6b)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from .harness import TOKEN, Api, running
from .test_edge import INVALID, MISMATCH, MISSING, NOT_FOUND

ACCEPT = {"Accept": "application/json, text/event-stream"}


async def rpc(
    api: Api, method: str, params: Any = None, *, ident: Any = 7, token: str | None = TOKEN, **headers: str
) -> httpx.Response:
    message = {"jsonrpc": "2.0", "method": method, "id": ident, "params": params}
    body = {key: value for key, value in message.items() if value is not None}
    return await api.call("POST", "/mcp", body, token=token, headers=ACCEPT | headers)


def event(answer: httpx.Response) -> dict[str, Any]:
    """The one message of an event stream."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream"), answer.text
    (line,) = [line for line in answer.text.split("\n") if line.startswith("data: ")]
    assert answer.text.endswith("\n\n")
    message: dict[str, Any] = json.loads(line.removeprefix("data: "))
    assert (message["jsonrpc"], message["id"]) == ("2.0", 7)
    return message


async def tool(api: Api, name: str, arguments: Any, **more: Any) -> tuple[bool, dict[str, Any]]:
    """Whether it is an error, and the JSON that its text holds."""
    result = event(await rpc(api, "tools/call", {"name": name, "arguments": arguments}, **more))["result"]
    (content,) = result["content"]
    assert set(result) == {"content", "isError"} and content["type"] == "text"
    return result["isError"], json.loads(content["text"])


def refusal(told: tuple[int, str]) -> tuple[bool, dict[str, Any]]:
    return True, {"success": False, "error": {"message": told[1]}}


async def error(answer: httpx.Response, status: int = 200, ident: Any = 7) -> int:
    body = answer.json()
    assert (answer.status_code, body["jsonrpc"], body["id"], bool(body["error"]["message"])) == (status, "2.0", ident, True), body
    code: int = body["error"]["code"]
    return code


@pytest.mark.parametrize("extensions", [True, False])
async def test_a_logout_as_clients_make_it(tmp_path: Path, extensions: bool) -> None:
    async with running(tmp_path, extensions=extensions) as api:
        await api.paired("sales")
        hello = await rpc(api, "initialize", {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {}}, ident=1)
        assert (hello.json()["id"], hello.json()["result"]["protocolVersion"]) == (1, "2024-11-05")
        session = {"Mcp-Session-Id": hello.headers["Mcp-Session-Id"]}
        ready = await rpc(api, "notifications/initialized", ident=None, **session)
        assert (ready.status_code, ready.content) == (202, b"")
        rest = {"success": True, "message": "Instance logged out", "instance": {"status": "loggedout"}}
        assert await tool(api, "instance_logout", {"instance": "sales"}, **session) == (False, rest)
        assert await api.state("sales") == "loggedout"
        assert await tool(api, "instance_logout", {"instance": "sales"}) == (False, rest), "again, and without a session"
        assert (await api.call("DELETE", "/mcp", headers=session)).status_code == 204
        assert await api.refused("GET", "/mcp") == (405, "Method not allowed")


async def test_the_rest_of_the_hello(api: Api) -> None:
    for wanted, given in (("2025-06-18", "2025-06-18"), ("1999-01-01", "2025-03-26"), (None, "2025-03-26"), ([], "2025-03-26")):
        result = (await rpc(api, "initialize", {"protocolVersion": wanted})).json()["result"]
        assert (result["protocolVersion"], result["capabilities"]) == (given, {"tools": {}})
        assert set(result["serverInfo"]) == {"name", "version"}
    first, second = [(await rpc(api, "initialize")).headers["Mcp-Session-Id"] for _ in range(2)]
    assert first != second
    tools = (await rpc(api, "tools/list")).json()["result"]["tools"]
    assert {tool["name"]: tool["inputSchema"]["required"] for tool in tools if tool["description"]} == {
        "instance_logout": ["instance"], "instance_delete": ["instance"], "send_text": ["instance", "number", "message"],
        "send_media": ["instance", "number", "mediaType"], "webhook_set": ["instance", "enabled"], "webhook_get": ["instance"],
    }
    assert (await rpc(api, "ping", ident="a")).json() == {"jsonrpc": "2.0", "id": "a", "result": {}}


@pytest.mark.parametrize("argument", ["instance", "instanceName", "name"])
async def test_delete(api: Api, argument: str) -> None:
    await api.paired("sales")
    gone = {"success": True, "message": "Instance deleted", "instance": {"status": "deleted"}}
    assert await tool(api, "instance_delete", {argument: "sales"}) == (False, gone)
    assert await api.refused("GET", "/api/instance/list?instanceName=sales") == NOT_FOUND
    assert await tool(api, "instance_delete", {argument: "sales"}) == refusal(NOT_FOUND)


async def test_what_an_instances_token_may_do(api: Api) -> None:
    own = (await api.paired("sales"))["token"]
    await api.paired("other", "5511999990002")
    assert await tool(api, "instance_delete", {"instance": "sales"}, token=own) == refusal(INVALID)
    for name in ("other", "nope"):
        assert await tool(api, "instance_logout", {"instance": name}, token=own) == refusal(MISMATCH)
    assert [await api.state(name) for name in ("sales", "other")] == ["connected", "connected"]
    bearer = {"Authorization": f"Bearer {own}"}
    assert not (await tool(api, "instance_logout", {"instance": "sales"}, token=None, **bearer))[0]
    assert [await api.state(name) for name in ("sales", "other")] == ["loggedout", "connected"]


async def test_who_is_not_known_gets_no_further_than_http(api: Api) -> None:
    for method in ("POST", "DELETE"):
        for content in (b"", b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'):
            assert await api.refused(method, "/mcp", token=None, content=content) == MISSING
            assert await api.refused(method, "/mcp", token="wrong", content=content) == INVALID
            assert await api.refused(method, f"/mcp?token={TOKEN}", token=None, content=content) == MISSING


async def test_it_counts_as_everything_else_does(tmp_path: Path) -> None:
    async with running(tmp_path, rate_limit=3) as api:
        answers = [await rpc(api, "ping") for _ in range(4)]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert (answers[3].status_code, answers[3].json()["error"]["message"]) == (429, "Rate limit exceeded. Try again later.")


@pytest.mark.parametrize("content", [
    b"", b"{", b"\xff", b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}', b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}',
    b"[" * 200_000,
])  # fmt: skip
async def test_no_json(api: Api, content: bytes) -> None:
    assert await error(await api.call("POST", "/mcp", content=content), 400, None) == -32700


async def test_no_request(api: Api) -> None:
    good = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    bad: list[Any] = [[], [good], "ping", 7, {}, good | {"jsonrpc": "1.0"}, good | {"method": 7}]
    bad += [good | {"id": ident} for ident in (None, True, 1.5, [], {})]
    bad += [{"jsonrpc": "2.0", "id": 1, "result": {}}, {"jsonrpc": "2.0", "method": "tools/call"}]
    for body in bad:
        assert await error(await api.call("POST", "/mcp", content=json.dumps(body)), 400, None) == -32600, body
    huge = b'{"jsonrpc":"2.0","id":1,"method":"' + b"a" * (64 * 1024 * 1024) + b'"}'
    assert await api.refused("POST", "/mcp", content=huge) == (413, "Request body too large")


async def test_what_is_asked_is_not_there(api: Api) -> None:
    await api.paired("sales")
    for method in ("", "resources/list", "tools/list/", "notifications/initialized"):
        assert await error(await rpc(api, method)) == -32601, method
    assert await error(await rpc(api, "initialize", [1])) == -32602
    named: list[Any] = [{}, None, [], {"instance": ""}, {"instance": 7}, {"instance": ["sales"]}, {"id": "sales"}]
    calls: list[Any] = [{"name": "instance_delete", "arguments": arguments} for arguments in named]
    calls += [None, [], {}, {"name": "send_buttons", "arguments": {"instance": "sales"}}, {"name": ["instance_delete"]}]
    for params in calls:
        assert event(await rpc(api, "tools/call", params))["error"]["code"] == -32602, params
    assert await api.state("sales") == "connected"


async def test_messages_and_webhooks_as_tools(api: Api) -> None:
    own = (await api.paired("sales"))["token"]
    failed, told = await tool(api, "send_text", {"instance": "sales", "number": "5511988887777", "message": "Hi"}, token=own)
    assert (failed, told["status"], told["data"]["chat"]["jid"]) == (False, "sent", "5511988887777@s.whatsapp.net")
    media = {"instanceName": "sales", "number": "5511988887777", "mediaType": "image", "mediaBase64": "A" * 2 * 1024 * 1024}
    assert (await tool(api, "send_media", media))[1]["data"]["messageType"] == "image"
    failed, told = await tool(api, "send_text", {"instance": "sales", "number": "5511988887777"})
    assert failed and told["error"]["message"].startswith("Invalid request body: message")
    row = {"label": "crm", "enabled": True, "url": "https://hooks.example/x", "authorization": "Bearer x", "byEvents": True,
           "events": ["message.exchange"], "mediaBase64": True}  # fmt: skip
    assert (await tool(api, "webhook_set", {"instance": "sales", **row}))[1]["webhook"] == row
    assert (await tool(api, "webhook_get", {"instance": "sales", "label": "crm"}))[1]["webhook"] == row
    assert (await tool(api, "webhook_get", {"instance": "sales"}))[1]["webhooks"] == [row]
    assert await tool(api, "webhook_get", {"instance": "sales", "label": "none"}) == refusal((404, "Webhook not found"))
    await api.ok("DELETE", "/api/instance/logout/sales")
    failed, told = await tool(api, "send_text", {"instance": "sales", "number": "5511988887777", "message": "Hi"})
    assert (failed, told["error"]["message"]) == (True, "Instance is not connected to WhatsApp")
