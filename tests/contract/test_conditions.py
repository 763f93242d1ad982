"""Writes on condition: who read something older writes nothing, whichever block it is; the plain contract knows nothing of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from ryze_tui.api.errors import Refused
from ryze_tui.client.http import RyzeClient, revision
from ryze_tui.operations.streaming import switch_on

from .harness import TOKEN, Api

HOOK = {"label": "default", "enabled": True, "url": "https://hooks.acme.com/wa"}
BLOCKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "settings": ("/api/instance/getSettings/sales", "/api/instance/settings/sales", {"autoReadMessages": True}),
    "proxy": (
        "/api/instance/getProxy/sales", "/api/instance/proxy/sales",
        {"enabled": True, "host": "p.acme.com", "port": "1080", "protocol": "http"},
    ),
    "s3": ("/api/instance/getS3/sales", "/api/instance/s3/sales", {"enabled": True, "bucket": "media"}),
    "webhook": ("/api/events/getWebhook/sales", "/api/events/webhook/sales", HOOK),
    "websocket": ("/api/events/getWebsocket/sales", "/api/events/websocket/sales", {"enabled": True}),
}  # fmt: skip
GONE = (412, "The configuration was changed meanwhile: read it again")


@pytest_asyncio.fixture
async def sales(api: Api) -> Api:
    await api.new("sales", websocketEnabled=True)
    return api


async def read(api: Api, path: str) -> str:
    answer = await api.call("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.headers["etag"]


@pytest.mark.parametrize("kind", BLOCKS)
async def test_the_later_of_two_writes_nothing(sales: Api, kind: str) -> None:
    path, write, body = BLOCKS[kind]
    tag = await read(sales, path)
    assert await read(sales, path) == tag, "a read changes nothing"
    await sales.ok("POST", write, body, headers={"If-Match": tag})
    before = (await sales.call("GET", path)).json()
    other = body | ({"enabled": False} if "enabled" in body else {"autoReadMessages": False})
    assert await sales.refused("POST", write, other, headers={"If-Match": tag}) == GONE
    assert (await sales.call("GET", path)).json() == before
    newer = await read(sales, path)
    assert newer != tag
    await sales.ok("POST", write, other, headers={"If-Match": f'"something", {newer}'})
    await sales.ok("POST", write, body, headers={"If-Match": "*"})
    await sales.ok("POST", write, other)


@pytest.mark.parametrize("kind", BLOCKS)
async def test_of_many_at_once_one_writes(sales: Api, kind: str) -> None:
    path, write, body = BLOCKS[kind]
    tag = await read(sales, path)
    answers = await asyncio.gather(*(sales.call("POST", write, body, headers={"If-Match": tag}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 7]


async def test_a_refused_body_takes_no_condition_away(sales: Api) -> None:
    path, write, body = BLOCKS["webhook"]
    tag = await read(sales, path)
    assert (await sales.call("POST", write, body | {"url": "nonsense"}, headers={"If-Match": tag})).status_code == 400
    await sales.ok("POST", write, body, headers={"If-Match": tag})


async def test_a_new_instance_of_the_same_name_is_another(sales: Api) -> None:
    path, write, body = BLOCKS["proxy"]
    tag = await read(sales, path)
    await sales.ok("DELETE", "/api/instance/delete/sales")
    await sales.new("sales")
    assert await sales.refused("POST", write, body, headers={"If-Match": tag}) == GONE


async def test_errors_come_in_their_order(sales: Api) -> None:
    for path, write, body in BLOCKS.values():
        assert (await sales.refused("POST", write.replace("sales", "nobody"), body, headers={"If-Match": '"x"'}))[0] == 404
        assert "etag" not in (await sales.call("GET", path.replace("sales", "nobody"))).headers
        assert (await sales.refused("POST", write, body, token="wrong", headers={"If-Match": '"x"'}))[0] == 401


async def test_the_plain_contract_tells_no_tags_and_heeds_none(plain: Api) -> None:
    await plain.new("sales", websocketEnabled=True)
    for path, write, body in BLOCKS.values():
        assert "etag" not in (await plain.call("GET", path)).headers
        await plain.ok("POST", write, body, headers={"If-Match": '"ryze.0"'})


async def test_the_client_hears_of_our_tags_only(sales: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    client = RyzeClient(sales.url, TOKEN)
    await client.stream_block("sales")
    assert revision.get().startswith('"ryze.')
    await client.health()
    assert revision.get() == ""
    await client.close()


async def test_a_stream_that_somebody_else_switches_is_read_again(sales: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Her filter was written between our read and our write: it stays, and ours is added to it."""
    await sales.ok("POST", "/api/events/websocket/sales", {"enabled": False})
    client, crossed = RyzeClient(sales.url, TOKEN), []
    write = client.set_stream

    async def late(*arguments: Any) -> Any:
        if not crossed:
            crossed.append(await sales.ok("POST", "/api/events/websocket/sales", {"enabled": True, "events": ["call.update"]}))
        return await write(*arguments)

    monkeypatch.setattr(client, "set_stream", late)
    assert (await switch_on(client, "sales"))[0]
    held = (await sales.ok("GET", "/api/events/getWebsocket/sales"))["websocket"]
    assert held["enabled"] and set(held["events"]) == {"call.update", "instance.state"}

    async def never(*arguments: Any) -> Any:
        raise Refused("changed", status=412)

    await sales.ok("POST", "/api/events/websocket/sales", {"enabled": False})
    monkeypatch.setattr(client, "set_stream", never)
    with pytest.raises(Refused, match="changed"):
        await switch_on(client, "sales")
    await client.close()
