"""Webhooks for real: an HTTP receiver on loopback gets what happens; deliveries can be looked at and sent again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ..fakes.listening import listening
from .harness import Api, running


class Receiver:
    """Keeps what it got; answers with `status`."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.status = 200
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
                body = json.loads(await reader.readexactly(int(headers["content-length"])))
                self.got.append((first.split()[1], headers, body))
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 4\r\n\r\nsaid" % self.status)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def of(self, event: str) -> list[dict[str, Any]]:
        return [body for _path, _headers, body in self.got if body["event"] == event]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with listening(receiver.handle) as port:
        receiver.url = f"http://127.0.0.1:{port}/wh"
        yield receiver


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_the_life_of_a_number_reaches_its_webhook_in_order(api: Api) -> None:
    async with receiving() as receiver:
        instance = await api.new("a")
        row = {"enabled": True, "url": receiver.url + "?k=1", "authorization": "Bearer mine", "byEvents": True, "events": []}
        await api.ok("POST", "/api/events/webhook/a", row)
        await api.ok("GET", "/api/instance/connect/a")
        await api.ok("POST", "/simulator/a/scan")
        await until(lambda: any(body["data"]["state"] == "connected" for body in receiver.of("instance.state")))
        states = [body["data"]["state"] for body in receiver.of("instance.state")]
        assert states[0] == "qr_ready" and states[-1] == "connected"
        path, headers, body = receiver.got[0]
        assert path == "/wh/instance.state?k=1"
        assert (headers["authorization"], headers["content-type"]) == ("Bearer mine", "application/json")
        assert body["instanceData"] == {"baseUrl": api.url, "instance": "a", "token": instance["token"]}
        await api.ok("POST", "/simulator/a/message", {"from": "5511999990001", "text": "hello"})
        await until(lambda: receiver.of("message.exchange"))


async def test_deliveries_are_listed_and_sent_again_under_the_same_id(api: Api) -> None:
    async with receiving() as receiver:
        receiver.status = 422
        await api.new("a")
        await api.ok("POST", "/api/events/webhook/a", {"enabled": True, "url": receiver.url, "events": ["instance.state"]})
        await api.ok("DELETE", "/api/instance/logout/a")
        path = "/api/events/webhook/a/deliveries"
        await until(lambda: len(receiver.got) == 2)  # a 422 is tried twice, the second time after a second
        async with asyncio.timeout(10):
            while not (dead := (await api.ok("GET", path + "?status=dead"))["deliveries"]):
                await asyncio.sleep(0.01)
        assert (dead[0]["httpStatus"], dead[0]["attempts"], dead[0]["answer"]) == (422, 2, "said")
        receiver.status = 200
        assert (await api.ok("POST", f"{path}/{dead[0]['id']}/redeliver"))["delivery"]["status"] == "pending"
        await until(lambda: len(receiver.got) == 3)
        assert len({headers["webhook-id"] for _path, headers, _body in receiver.got}) == 1
        async with asyncio.timeout(10):
            while not (await api.ok("GET", path + "?status=delivered&label=default"))["deliveries"]:
                await asyncio.sleep(0.01)
        assert (await api.refused("POST", f"{path}/msg_none/redeliver"))[0] == 404
        assert (await api.refused("GET", path + "?status=nonsense"))[0] == 400
        assert (await api.ok("GET", path + "?label=default"))["signingSecret"].startswith("whsec_")


async def test_a_webhook_can_be_tried_out(api: Api) -> None:
    async with receiving() as receiver:
        await api.new("a")
        path = "/api/events/webhook/a/deliveries/test"
        assert (await api.refused("POST", path))[0] == 404
        await api.ok("POST", "/api/events/webhook/a", {"enabled": True, "url": receiver.url})
        assert (await api.ok("POST", path))["delivery"]["status"] == "delivered"
        assert receiver.got[-1][2]["data"]["test"] is True
        receiver.status = 500
        failed = await api.ok("POST", path, {"label": "default"})
        assert (failed["message"], failed["delivery"]["httpStatus"], failed["delivery"]["answer"]) == ("Test failed", 500, "said")


async def test_what_is_pending_survives_the_end_of_the_server(tmp_path: Path) -> None:
    async with receiving() as receiver:
        receiver.status = 503
        async with running(tmp_path) as api:
            await api.new("a")
            await api.ok("POST", "/api/events/webhook/a", {"enabled": True, "url": receiver.url})
            await api.ok("DELETE", "/api/instance/logout/a")
            await until(lambda: receiver.got)
        receiver.status = 200
        before = len(receiver.got)
        async with running(tmp_path):
            await until(lambda: len(receiver.got) > before)
        assert len({headers["webhook-id"] for _path, headers, _body in receiver.got}) == 1


async def test_gone_pauses_and_writing_the_row_again_ends_the_pause(tmp_path: Path) -> None:
    async with receiving() as receiver:
        receiver.status = 410
        row = {"enabled": True, "url": receiver.url, "authorization": "Bearer kept"}
        async with running(tmp_path) as api:
            await api.new("a")
            await api.ok("POST", "/api/events/webhook/a", row)
            await api.ok("DELETE", "/api/instance/logout/a")
            async with asyncio.timeout(10):
                while (await api.ok("GET", "/api/events/webhook/a/deliveries"))["paused"] != ["default"]:
                    await asyncio.sleep(0.01)
        async with running(tmp_path) as api:
            assert (await api.ok("GET", "/api/events/webhook/a/deliveries"))["paused"] == ["default"]
            assert (await api.ok("GET", "/api/events/getWebhook/a?label="))["webhook"]["authorization"] == "Bearer kept"
            await api.ok("POST", "/api/events/webhook/a", row)
            assert (await api.ok("GET", "/api/events/webhook/a/deliveries"))["paused"] == []


@pytest.mark.parametrize("extensions", [True, False])
async def test_without_extensions_there_are_no_deliveries_to_look_at_and_no_headers_of_ours(
    tmp_path: Path, extensions: bool
) -> None:
    async with receiving() as receiver, running(tmp_path, extensions=extensions) as api:
        await api.new("a")
        await api.ok("POST", "/api/events/webhook/a", {"enabled": True, "url": receiver.url})
        await api.ok("DELETE", "/api/instance/logout/a")
        await until(lambda: receiver.got)
        assert ("webhook-signature" in receiver.got[0][1]) is extensions
        assert (await api.call("GET", "/api/events/webhook/a/deliveries")).status_code == (200 if extensions else 404)


async def test_a_private_address_is_not_dialled_where_it_may_not_be(tmp_path: Path) -> None:
    async with receiving() as receiver, running(tmp_path, private_targets=False) as api:
        await api.new("a")
        await api.ok("POST", "/api/events/webhook/a", {"enabled": True, "url": receiver.url})
        failed = await api.ok("POST", "/api/events/webhook/a/deliveries/test")
        assert "this server itself" in failed["delivery"]["answer"]
        assert receiver.got == []
