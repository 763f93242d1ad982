"""Two accounts on one server see nothing of each other, whichever way they ask; a revoked token is nothing at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from ryze_tui.backend.admin import wire
from ryze_tui.backend.asgi import build
from ryze_tui.backend.routes import sockets
from ryze_tui.backend.routes.simulator import Simulator
from ryze_tui.backend.settings import Settings

from .harness import TOKEN, Api, running
from .test_edge import INVALID, MISMATCH, MISSING, NOT_FOUND

SALES, SPARE = "victim-sales", "victim-spare"
NUMBER, PROFILE = "5511999990001", "Victim GmbH"
UNKNOWN = "token-that-nobody-has-0123456789"


async def ask(api: Api, do: str, name: str = "", **more: Any) -> dict[str, Any]:
    """An account command, as the command line sends it."""
    with wire.address(api.backend.settings.data_dir / wire.SOCKET_FILE) as address:
        reader, writer = await asyncio.open_unix_connection(address)
    try:
        writer.write(wire.encode({"do": do, "name": name, **more}))
        async with asyncio.timeout(20):
            while "progress" in (told := json.loads(await reader.readline())):
                pass
    finally:
        writer.close()
    result: dict[str, Any] = told
    return result


async def added(api: Api, name: str = "other", **more: Any) -> str:
    token: str = (await ask(api, "add", name, **more))["ok"]["token"]
    return token


# -- every route -------------------------------------------------------------------------------------------------------

OPEN, ACCOUNT, LIST, INSTANCE, OWNERS, MCP, NOWHERE = "open", "account", "list", "instance", "owners", "mcp", "nowhere"
"""Who may: anybody; a TokenAccount; either, for what is its own; either, on its instance; a TokenAccount, on its instance."""

ROUTES: dict[tuple[str, str], str] = {
    ("GET", "/health"): OPEN,
    ("POST", "/api/instance/new"): ACCOUNT,
    ("GET", "/api/instance/list"): LIST,
    ("GET", "/api/instance/connect/{instance}"): INSTANCE,
    ("POST", "/api/instance/reconnect/{instance}"): INSTANCE,
    ("DELETE", "/api/instance/logout/{instance}"): INSTANCE,
    ("DELETE", "/api/instance/delete/{instance}"): OWNERS,
    ("POST", "/api/events/websocket/{instance}"): INSTANCE,
    ("GET", "/api/events/getWebsocket/{instance}"): INSTANCE,
    ("GET", "/api/instance/getSettings/{instance}"): INSTANCE,
    ("POST", "/api/instance/settings/{instance}"): INSTANCE,
    ("GET", "/api/instance/getProxy/{instance}"): INSTANCE,
    ("POST", "/api/instance/proxy/{instance}"): INSTANCE,
    ("POST", "/api/instance/proxy/{instance}/test"): INSTANCE,
    ("GET", "/api/instance/getS3/{instance}"): INSTANCE,
    ("POST", "/api/instance/s3/{instance}"): INSTANCE,
    ("POST", "/api/instance/s3/{instance}/test"): INSTANCE,
    ("GET", "/api/instance/metrics/{instance}"): INSTANCE,
    ("POST", "/api/events/webhook/{instance}"): INSTANCE,
    ("GET", "/api/events/webhook/{instance}"): INSTANCE,
    ("GET", "/api/events/getWebhook/{instance}"): INSTANCE,
    ("GET", "/api/events/webhook/{instance}/deliveries"): INSTANCE,
    ("POST", "/api/events/webhook/{instance}/deliveries/test"): INSTANCE,
    ("POST", "/api/events/webhook/{instance}/deliveries/{id}/redeliver"): INSTANCE,
    ("POST", "/api/events/webhook/{instance}/test"): INSTANCE,
    ("POST", "/api/chatwoot/test/{instance}"): INSTANCE,
    ("POST", "/api/message/text/{instance}"): INSTANCE,
    ("POST", "/api/message/media/{instance}"): INSTANCE,
    ("POST", "/api/chatwoot/set/{instance}"): INSTANCE,
    ("GET", "/api/chatwoot/list/{instance}"): INSTANCE,
    ("DELETE", "/api/chatwoot/delete/{instance}"): INSTANCE,
    ("POST", "/chatwoot/{secret}"): OPEN,
    ("POST", "/mcp"): MCP,
    ("DELETE", "/mcp"): MCP,
    ("POST", "/simulator/storm"): ACCOUNT,
    ("POST", "/simulator/{instance}/{action}"): OWNERS,
    ("GET", "/simulator/{instance}"): OWNERS,
    ("GET", "/openapi.json"): OPEN,
    ("WS", "/ws/{instance}"): INSTANCE,
    ("WS", "/ws"): ACCOUNT,
    ("WS", "/{path:path}"): NOWHERE,
}
"""Every route of the server. One that is new fails a test until it is here, and is asked by every intruder below."""

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/instance/new"): {"name": SALES},
    ("POST", "/api/events/websocket/{instance}"): {"enabled": False},
    ("POST", "/api/instance/settings/{instance}"): {"ignoreStatus": True},
    ("POST", "/api/instance/proxy/{instance}"): {"enabled": False},
    ("POST", "/api/instance/s3/{instance}"): {"enabled": False},
    ("POST", "/api/instance/s3/{instance}/test"): {},
    ("POST", "/api/events/webhook/{instance}"): {"enabled": False},
    ("POST", "/api/events/webhook/{instance}/deliveries/test"): {},
    ("POST", "/api/events/webhook/{instance}/test"): {"url": "http://127.0.0.1:9/"},
    ("POST", "/api/chatwoot/test/{instance}"): {},
    ("POST", "/api/message/text/{instance}"): {"number": "5511988887777", "message": "Hi"},
    ("POST", "/api/message/media/{instance}"): {"number": "5511988887777", "mediaType": "image", "mediaBase64": "QUJD"},
}
ACTIONS = ("scan", "enter-code", "unlink", "ban", "drop", "message", "call", "group-event", "label")


def routes() -> Iterator[tuple[str, str]]:
    made: list[Any] = list(build(Settings(data_dir=Path("/nowhere"))).routes)
    engine: Any = None
    made += Simulator(engine).routes()
    for route in made:
        for method in (getattr(route, "methods", None) or {"WS"}) - {"HEAD"}:
            yield method, route.path


def test_every_route_is_listed() -> None:
    assert set(routes()) == set(ROUTES), "say in ROUTES who may use a new route: then the tests below ask it"


@dataclass
class Scene:
    """A server with a victim (two instances, one connected) and another account with one instance."""

    api: Api
    other: str
    own: dict[str, Any]
    spare: dict[str, Any]
    foreign: dict[str, Any]

    def secrets(self) -> list[str]:
        """What nobody but the victim may ever be told."""
        return [SALES, SPARE, NUMBER, PROFILE, self.own["id"], self.own["token"], self.spare["id"], self.spare["token"], TOKEN]

    async def truth(self) -> Any:
        """All of the victim's data, as the victim sees it."""
        items = (await self.api.ok("GET", "/api/instance/list"))["instances"]
        phone = (await self.api.ok("GET", f"/simulator/{SALES}"))["phone"]
        return items, phone

    async def send(self, method: str, path: str, token: str | None, instance: str) -> httpx.Response:
        """One request of any kind; of a socket what the upgrade was answered with."""
        where = path.replace("{instance}", instance).replace("{path:path}", "nope/nope")
        if method != "WS":
            return await self.api.call(method, where, BODIES.get((method, path)), token)
        try:
            async with self.api.socket(where, token) as frames:
                return httpx.Response(101, text=json.dumps([await frames.next(), await frames.next()]))
        except websockets.InvalidStatus as error:
            return httpx.Response(error.response.status_code, content=bytes(error.response.body))


@asynccontextmanager
async def scene(home: Path) -> AsyncIterator[Scene]:
    async with running(home) as api:
        await api.new(SALES, websocketEnabled=True)
        await api.ok("GET", f"/api/instance/connect/{SALES}")
        await api.sim(SALES, "scan", number=NUMBER, name=PROFILE)
        await api.until(SALES, "connected")
        own, spare = await api.item(SALES), await api.new(SPARE, websocketEnabled=True)
        other, body = await added(api), {"name": "theirs", "websocketEnabled": True}
        foreign = (await api.ok("POST", "/api/instance/new", body, token=other))["instance"]
        yield Scene(api, other, own, spare, foreign)


def targets() -> Iterator[tuple[str, str, str]]:
    """Every route with its rule; the simulator's actions one by one."""
    for (method, path), rule in ROUTES.items():
        for action in ACTIONS if "{action}" in path else ("",):
            yield method, path.replace("{action}", action), rule


def refusal(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"success", "error"} and body["success"] is False, answer.text
    return answer.status_code, body["error"]["message"]


async def no_token(scene: Scene, method: str, path: str, rule: str) -> None:
    if rule not in (OPEN, NOWHERE):
        assert refusal(await scene.send(method, path, None, SALES)) == MISSING


async def unknown_token(scene: Scene, method: str, path: str, rule: str) -> None:
    if rule not in (OPEN, NOWHERE):
        for instance in (SALES, "nobodys"):
            assert refusal(await scene.send(method, path, UNKNOWN, instance)) == INVALID


async def other_account(scene: Scene, method: str, path: str, rule: str) -> None:
    """What is not its own is not there; what is its own holds nothing of the victim."""
    told = await scene.send(method, path, scene.other, SALES)
    if rule in (INSTANCE, OWNERS):
        words = NOT_FOUND[1].lower() if "/chatwoot/" in path else NOT_FOUND[1]  # as the documentation has it
        assert refusal(told) == (404, words)
        assert told.content == (await scene.send(method, path, scene.other, "nobodys")).content, "existence is not told"
    elif (method, path) == ("POST", "/api/instance/new"):
        made = told.json()["instance"]
        assert told.status_code == 201 and made["id"] != scene.own["id"], "names are unique within an account only"
        await scene.api.ok("DELETE", f"/api/instance/delete/{SALES}", token=scene.other)
        return
    elif (method, path) == ("POST", "/simulator/storm"):
        assert refusal(told) == (409, "Simulator: no instance is connected")
    elif method == "WS" and rule == ACCOUNT:
        assert [row["name"] for row in told.json()[0]["data"]["rows"]] == ["theirs"]
    assert not [secret for secret in scene.secrets() if secret in told.text]


async def other_instances_token(scene: Scene, method: str, path: str, rule: str) -> None:
    """Of another account, and of the victim's other instance."""
    for token, name in ((scene.foreign["token"], "theirs"), (scene.spare["token"], SPARE)):
        told = await scene.send(method, path, token, SALES)
        if rule == INSTANCE:
            assert refusal(told) == MISMATCH
            assert refusal(await scene.send(method, path, token, "nobodys")) == MISMATCH, "existence is not told"
        elif rule in (ACCOUNT, OWNERS):
            assert refusal(told) == INVALID
        elif rule == LIST:
            assert [item["name"] for item in told.json()["instances"]] == [name]
            narrowed = await scene.api.ok("GET", f"/api/instance/list?instanceName={SALES}", token=token)
            assert [item["name"] for item in narrowed["instances"]] == [name], "the filter is ignored"


async def own_token_where_it_does_not_count(scene: Scene, method: str, path: str, rule: str) -> None:
    if rule in (ACCOUNT, OWNERS):
        assert refusal(await scene.send(method, path, scene.own["token"], SALES)) == INVALID


Intruder = Callable[[Scene, str, str, str], Awaitable[None]]
INTRUDERS: list[Intruder] = [no_token, unknown_token, other_account, other_instances_token, own_token_where_it_does_not_count]


@pytest.mark.parametrize("intruder", INTRUDERS, ids=lambda one: one.__name__)
async def test_every_route_is_closed_to(intruder: Intruder, tmp_path: Path) -> None:
    async with scene(tmp_path) as made:
        before = await made.truth()
        for method, path, rule in targets():
            try:
                await intruder(made, method, path, rule)
            except Exception as error:
                raise AssertionError(f"{method} {path}") from error
        assert await made.truth() == before, "and nothing of it happened"


async def test_the_tools_of_mcp_are_closed(tmp_path: Path) -> None:
    async with scene(tmp_path) as made:
        before = await made.truth()
        for tool in ("instance_logout", "instance_delete", "send_text", "send_media", "webhook_set", "webhook_get"):
            for token, said in (
                (made.other, NOT_FOUND[1]), (made.foreign["token"], INVALID[1] if "delete" in tool else MISMATCH[1]),
                (made.spare["token"], INVALID[1] if "delete" in tool else MISMATCH[1]),
            ):  # fmt: skip
                more = {"number": NUMBER, "message": "Hi", "mediaType": "image", "mediaBase64": "QUJD", "enabled": False}
                params = {"name": tool, "arguments": {"instance": SALES} | more}
                call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
                told = await made.api.call("POST", "/mcp", call, token)
                result = json.loads(told.text.partition("data: ")[2])["result"]
                assert result["isError"] and json.loads(result["content"][0]["text"])["error"]["message"] == said, (tool, said)
        assert await made.truth() == before


# -- what is shared by all accounts ------------------------------------------------------------------------------------


async def test_streams_carry_their_own_account_only(tmp_path: Path) -> None:
    async with scene(tmp_path) as made, made.api.socket("/ws", made.other) as theirs, made.api.socket("/ws") as ours:
        for frames in (theirs, ours):
            await frames.until(lambda frame: frame["event"] == "heartbeat")
        await made.api.sim(SALES, "drop", seconds=0.5)
        await ours.state("disconnected")
        await made.api.ok("POST", "/api/instance/new", {"name": SALES}, token=made.other)
        row = await theirs.next()
        assert (row["event"], row["instance"], row["data"]["number"]) == ("instance.row", SALES, "")
        assert row["data"]["id"] not in (made.own["id"], made.spare["id"])
        position = (await ours.state("connected"), row["seq"])[1]
        async with made.api.socket(f"/ws?after={position}", TOKEN) as resumed:
            told = await resumed.until(lambda frame: frame["event"] == "heartbeat")
            assert "theirs" not in json.dumps(told), "another account's position opens nothing of it"


async def test_a_custom_token_that_somebody_has_is_refused_without_a_word_about_whose(tmp_path: Path) -> None:
    async with scene(tmp_path) as made:
        old = made.other
        made.other = (await ask(made.api, "rotate", "other"))["ok"]["token"]
        taken = {"foreign instance": made.own["token"], "own instance": made.foreign["token"], "foreign account": TOKEN,
                 "own account": made.other, "dead account": old}  # fmt: skip
        for whose, token in taken.items():
            told = await made.api.call("POST", "/api/instance/new", {"name": "more", "token": token}, made.other)
            assert refusal(told) == (409, "Token already in use"), whose


async def test_a_full_account_learns_nothing_about_tokens(tmp_path: Path) -> None:
    async with scene(tmp_path) as made:
        await ask(made.api, "set", "other", quota=1)
        for token in (made.own["token"], UNKNOWN):
            told = await made.api.refused("POST", "/api/instance/new", {"name": "more", "token": token}, token=made.other)
            assert told == (403, "Account instance quota exceeded")


async def test_limits_are_counted_by_account(tmp_path: Path) -> None:
    async with running(tmp_path, rate_limit=10) as api:
        other = await added(api)
        while (await api.call("GET", "/api/instance/list", token=other)).status_code == 200:
            pass
        for path in ("/api/instance/list", "/mcp"):
            assert (await api.call("GET", path, token=other)).status_code == 429
        left = (await api.call("GET", "/api/instance/list")).headers["X-RateLimit-Remaining"]
        assert left == "9"
        rotated = (await ask(api, "rotate", "other"))["ok"]["token"]
        assert (await api.call("GET", "/api/instance/list", token=rotated)).status_code == 429, "a new token is no new allowance"


async def test_a_storm_is_its_accounts_own(tmp_path: Path) -> None:
    async with running(tmp_path, simulator_instances=8) as api:
        other = await added(api)
        await api.ok("POST", "/simulator/storm", {"rate": 20, "seconds": 3600})
        async with api.socket("/ws") as ours:
            assert await api.refused("POST", "/simulator/storm", {}, token=other) == (409, "Simulator: no instance is connected")
            made = await api.ok("POST", "/api/instance/new", {"name": "theirs"}, token=other)
            await api.ok("GET", "/api/instance/connect/theirs", token=other)
            await api.ok("POST", "/simulator/theirs/scan", {}, token=other)
            async with asyncio.timeout(10):
                while (await api.item("theirs", token=other))["connection"]["state"] != "connected":
                    await asyncio.sleep(0.005)
            await api.ok("POST", "/simulator/storm", {"rate": 0.001, "seconds": 0.001}, token=other)
            assert made["instance"]["name"] == "theirs"
            for _ in range(5):
                assert (await ours.state("disconnected"))["reason"] == "storm: stream error", "it still blows"


# -- tokens that are revoked -------------------------------------------------------------------------------------------


async def test_a_rotation_ends_what_the_old_token_had_opened_and_nothing_else(tmp_path: Path) -> None:
    async with scene(tmp_path) as made:
        api, old = made.api, made.other
        async with (
            api.socket("/ws", old) as stream, api.socket("/ws/theirs", old) as by_account, api.socket("/ws") as ours,
            api.socket("/ws/theirs", made.foreign["token"]) as by_instance, api.socket(f"/ws/{SALES}") as sales,
            api.socket(f"/ws/theirs?token={old}", None) as by_query,
        ):  # fmt: skip
            new = (await ask(api, "rotate", "other"))["ok"]["token"]
            assert await api.refused("GET", "/api/instance/list", token=old) == INVALID
            assert await api.no_socket("/ws", old) == INVALID
            for frames in (stream, by_account, by_query):
                assert await frames.closed() == (1008, "token revoked")
            await api.ok("GET", "/api/instance/connect/theirs", token=new)
            assert (await by_instance.state("qr_ready"))["codes"]
            await api.sim(SALES, "drop", seconds=0.2)
            assert await ours.state("disconnected") and await sales.state("disconnected")
        async with api.socket("/ws", new) as stream:
            assert [row["name"] for row in (await stream.next())["data"]["rows"]] == ["theirs"]


async def test_a_removal_ends_everything_of_the_account(tmp_path: Path) -> None:
    async with scene(tmp_path) as made:
        api = made.api
        await api.ok("GET", "/api/instance/connect/theirs", token=made.other)
        await api.ok("POST", "/simulator/theirs/scan", {}, token=made.other)
        async with (
            api.socket("/ws", made.other) as stream, api.socket("/ws/theirs", made.other) as by_account,
            api.socket("/ws/theirs", made.foreign["token"]) as by_instance, api.socket("/ws") as ours,
        ):  # fmt: skip
            assert await ask(api, "remove", "other") == {"ok": {"instances": 1}}
            for frames, reason in ((stream, "token revoked"), (by_account, "token revoked"), (by_instance, "instance deleted")):
                assert await frames.closed() == (1008, reason)
            for token in (made.other, made.foreign["token"]):
                assert await api.refused("GET", "/api/instance/list", token=token) == INVALID
            await api.sim(SALES, "drop", seconds=0.2)
            assert await ours.state("disconnected")
        assert len((await ask(api, "list"))["ok"]["accounts"]) == 1


async def test_an_instances_own_sockets_end_with_it(tmp_path: Path) -> None:
    async with (
        scene(tmp_path) as made,
        made.api.socket("/ws/theirs", made.foreign["token"]) as frames,
        made.api.socket(f"/ws/{SPARE}", made.spare["token"]) as others,
    ):
        await made.api.ok("DELETE", "/api/instance/delete/theirs", token=made.other)
        assert await frames.closed() == (1008, "instance deleted")
        await made.api.ok("GET", f"/api/instance/connect/{SPARE}")
        assert (await others.state("qr_ready"))["codes"]


@asynccontextmanager
async def half_sent(api: Api, token: str, method: str, path: str, body: bytes) -> AsyncIterator[Callable[[], Awaitable[bytes]]]:
    """A request that was let in and whose body comes when the caller says so; returns the whole answer then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\nConnection: close\r\nExpect: 100-continue\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
    try:
        async with asyncio.timeout(10):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100"), "it asks for the body, after the token"

        async def finish() -> bytes:
            writer.write(body)
            async with asyncio.timeout(10):
                return await reader.read()

        yield finish
    finally:
        writer.close()


DELETE_IT = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"instance_delete","arguments":{"name":"theirs"}}}'


@pytest.mark.parametrize(("method", "path", "body"), [
    ("POST", "/api/instance/new", b'{"name": "late"}'),
    ("POST", "/api/events/websocket/theirs", b'{"enabled": false}'),
    ("POST", "/mcp", DELETE_IT),
    ("POST", "/simulator/storm", b"{ }"),
])  # fmt: skip
@pytest.mark.parametrize("how", ["rotate", "remove"])
async def test_a_request_that_was_begun_with_the_old_token_does_nothing(
    tmp_path: Path, method: str, path: str, body: bytes, how: str
) -> None:
    async with scene(tmp_path) as made, half_sent(made.api, made.other, method, path, body) as finish:
        told = await ask(made.api, how, "other")
        assert "ok" in told
        answer = await finish()
        assert answer.startswith(b"HTTP/1.1 401") and b"Invalid token" in answer, answer
        if how == "rotate":
            items = (await made.api.ok("GET", "/api/instance/list", token=told["ok"]["token"]))["instances"]
            assert [(item["name"], item["websocket"]["enabled"]) for item in items] == [("theirs", True)]


async def test_a_connect_that_waits_hands_its_code_to_nobody_who_was_revoked(tmp_path: Path) -> None:
    async with running(tmp_path, simulator_speed=0.1) as api:
        other = await added(api)
        await api.ok("POST", "/api/instance/new", {"name": "theirs"}, token=other)
        asked = asyncio.create_task(api.refused("GET", "/api/instance/connect/theirs", token=other))
        record = next(iter(api.backend.catalog.by_id.values()))
        async with asyncio.timeout(10):
            while record.asked is None:
                await asyncio.sleep(0)
        await ask(api, "rotate", "other")
        assert await asked == INVALID


@pytest.mark.parametrize("path", ["/ws", "/ws/theirs"])
@pytest.mark.parametrize("how", ["rotate", "remove"])
async def test_a_token_that_dies_during_the_upgrade_opens_nothing(
    tmp_path: Path, path: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(tmp_path) as made:
        accept = sockets._accept

        async def slow(websocket: Any) -> bool:
            if made.other in websocket.headers.values():
                assert "ok" in await ask(made.api, how, "other")
            return await accept(websocket)

        monkeypatch.setattr(sockets, "_accept", slow)
        async with made.api.socket(path, made.other) as frames:
            with pytest.raises(websockets.ConnectionClosed) as caught:
                await frames.next()
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 1008, "and not one frame came first"
