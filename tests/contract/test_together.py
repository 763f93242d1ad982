"""Blocks that were made one by one, all at once on one instance: real S3, a proxy, Chatwoot's stand-in, receivers, restarts."""

from __future__ import annotations

import asyncio
import base64
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from ryze_tui.backend.engine.simulated import wire
from ryze_tui.backend.instances import Instances
from ryze_tui.backend.table import Happening

from ..fakes import weed
from ..fakes.chatwoot.process import Chatwoot
from ..fakes.proxy import CountingProxy, counting_proxy
from ..fakes.weed import Weed
from .harness import Api, running
from .test_proxy import PASSWORD, flat, only_through
from .test_s3 import empty, in_store, spooled
from .test_traffic import ANA, ANAS, engine, link, metrics, writes
from .test_webhooks import Receiver, receiving

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400
IMAGE = {
    "mediaType": "image", "mediaBase64": base64.b64encode(PICTURE).decode(), "mimetype": "image/png", "fileName": "cat.png",
}  # fmt: skip


@pytest.fixture(scope="module")
def store() -> Iterator[Weed]:
    with weed.running() as made:
        yield made


@pytest.fixture
def chatwoot() -> Iterator[Chatwoot]:
    with Chatwoot() as made:
        yield made


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[CountingProxy]:
    async with counting_proxy("user", PASSWORD) as made:
        yield made


async def until(condition: Callable[[], object], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def desk(chatwoot: Chatwoot, **more: Any) -> dict[str, Any]:
    """The inline block that leads there."""
    body = chatwoot.body(**more)
    return {"chatwootEnabled": True, "chatwootInboxName": body.pop("inboxName"), **body}


def bucket(store: Weed, **more: Any) -> dict[str, Any]:
    return {"s3" + name[0].upper() + name[1:]: value for name, value in store.block(**more).items()}


def hook(receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {"webhookEnabled": True, "webhookURL": receiver.url, "webhookEvents": ["message.exchange"], **more}


async def phone_writes(api: Api, text: str) -> None:
    """The owner writes to Ana on the phone: the server hears of it as another device does."""
    data = wire.message(engine(api).rng, engine(api).clock.now(), "5511999990001", ANA, text=text, chat=ANAS)
    await engine(api).chats.deliver(link(api), Happening.MESSAGE, data | {"direction": "outgoing"})


async def test_a_creation_with_every_block_acts_and_so_it_does_after_a_restart(
    store: Weed, chatwoot: Chatwoot, proxy: CountingProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as receiver:
        body = (
            desk(chatwoot) | bucket(store) | flat(proxy)
            | hook(receiver, webhookMediaBase64=True, webhookAuthorization="Bearer mine")
            | {"websocketEnabled": True, "autoReadMessages": True}
        )  # fmt: skip
        for life in (1, 2):
            async with running(tmp_path) as api:
                if life == 1:
                    made = await api.paired("a", **body)
                    assert made["chatwoot"]["status"] == "active", made["chatwoot"]
                    assert all(made[kind]["enabled"] for kind in ("webhook", "websocket", "chatwoot", "proxy", "s3")), made
                await api.until("a", "connected")
                fetched, download = list[str](), engine(api).download

                async def counted(instance: str, media: Any, fetched: Any = fetched, download: Any = download) -> bytes:
                    fetched.append(media.reference)
                    content: bytes = await download(instance, media)
                    return content

                monkeypatch.setattr(engine(api), "download", counted)
                async with api.socket("/ws/a") as frames:
                    ident = await writes(api, **IMAGE, text=f"cat {life}")
                    heard = (await frames.until(lambda frame: frame["event"] == "message.exchange"))[-1]["data"]
                await until(lambda life=life: len(receiver.got) == life)
                _path, headers, got = receiver.got[-1]
                media = got["data"]["message"]["media"]
                assert headers["authorization"] == "Bearer mine" and got["data"]["id"] == ident == heard["id"]
                assert got["instanceData"]["baseUrl"] == api.url
                assert base64.b64decode(media["base64"]) == PICTURE and media["s3Url"] == media["url"]
                assert heard["message"]["media"] == {name: value for name, value in media.items() if name != "base64"}
                await until(lambda life=life: len(chatwoot.messages) == life)
                shown = chatwoot.messages[-1]
                assert (shown["content"], shown["source_id"]) == (f"cat {life}", f"WAID:{ident}")
                assert len(shown["attachments"]) == 1
                assert base64.b64decode(list(chatwoot.state["files"].values())[-1]) == PICTURE
                await empty(api)
                assert await in_store(api, store, media["s3Url"]) == PICTURE
                assert len(fetched) == 1 and link(api).marked == [ident]
                only_through(api, proxy)
                proxy.upstream.clear()


async def test_whoever_sends_a_message_it_is_shown_told_and_counted_once(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with receiving() as receiver, running(tmp_path) as api:
        await api.paired("a", **desk(chatwoot), **hook(receiver))
        await writes(api, text="from Ana")
        await until(lambda: len(chatwoot.messages) == 1)
        for source in ({}, {"source": "chatwoot"}):  # a caller may call it what it wants
            await api.ok("POST", "/api/message/text/a", {"number": ANA, "message": "from the API", **source})
        await until(lambda: len(chatwoot.messages) == 3)
        await phone_writes(api, "from the phone")
        await until(lambda: len(chatwoot.messages) == 4)
        conversation = chatwoot.state["conversations"][0]["id"]
        assert (await asyncio.to_thread(chatwoot.agent, conversation, "from the agent", times=2))["answered"] == [200, 200]
        await until(lambda: len(receiver.got) == 5)
        told = [(body["data"]["direction"], body["data"]["message"]["content"]) for _path, _headers, body in receiver.got]
        assert told == [("incoming", "from Ana")] + [
            ("outgoing", f"from the {who}") for who in ("API", "API", "phone", "agent")
        ]
        await writes(api, text="the last")
        await until(lambda: len(chatwoot.messages) == 5)
        assert chatwoot.texts() == ["from Ana", "from the API", "from the API", "from the phone", "the last"]
        assert [one["content"] for one in chatwoot.state["messages"]].count("from the agent") == 1
        counted = await metrics(api)
        assert (counted["totalMessages"], counted["messagesSent"], counted["messagesReceived"]) == (6, 4, 2)
        assert len(chatwoot.state["conversations"]) == 1


async def test_store_and_desk_that_are_down_hold_up_nobody_and_get_all_of_it_later(
    store: Weed, chatwoot: Chatwoot, tmp_path: Path
) -> None:
    async with receiving() as receiver:
        async with running(tmp_path) as api:
            await api.paired("a", **desk(chatwoot), **hook(receiver), **bucket(store, endpoint="http://127.0.0.1:9"))
            chatwoot.faults({"match": "accounts", "do": "fail", "status": 503})
            ident = await writes(api, **IMAGE, text="cat")
            await until(lambda: receiver.got)
            url = receiver.got[0][2]["data"]["message"]["media"]["s3Url"]
            assert url.startswith("http://127.0.0.1:9/media/wa/a/")
            await until(lambda: "fail" in (api.backend.media_store.health() or ""))
            assert chatwoot.messages == []
        chatwoot.faults()
        async with running(tmp_path) as api:
            await until(lambda: len(chatwoot.messages) == 1)
            assert chatwoot.messages[0]["source_id"] == f"WAID:{ident}" and len(chatwoot.messages[0]["attachments"]) == 1
            assert await spooled(api) == 1
            await api.ok("POST", "/api/instance/s3/a", store.block())
            await empty(api)
            assert await in_store(api, store, url.replace("http://127.0.0.1:9", store.url)) == PICTURE
            assert len(receiver.got) == 1


async def test_what_no_store_takes_keeps_its_event_as_it_was(store: Weed, tmp_path: Path) -> None:
    async with receiving() as receiver, running(tmp_path, media_spool_bytes=10) as api:
        await api.paired("a", **hook(receiver), **bucket(store))
        await writes(api, **IMAGE)
        await until(lambda: receiver.got)
        media = receiver.got[0][2]["data"]["message"]["media"]
        assert "s3Url" not in media and media["error"] == "it could not be stored", media


async def test_what_waited_when_the_server_ended_is_told_with_the_address_of_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as receiver:
        receiver.status = 503
        async with running(tmp_path) as api:
            await api.paired("a", **hook(receiver))
            await writes(api)
            await until(lambda: receiver.got)
        with sqlite3.connect(tmp_path / "data" / "ryze.db") as disk:
            disk.execute("UPDATE outbox SET next_at = 0")  # the server was away for long: it is sent at once
        receiver.status = 200
        before, opening = len(receiver.got), Instances.open

        async def slowly(instances: Instances) -> None:
            await until(lambda: len(receiver.got) > before)
            await opening(instances)

        monkeypatch.setattr(Instances, "open", slowly)
        async with running(tmp_path) as api:
            assert receiver.got[-1][2]["instanceData"]["baseUrl"] == api.url


async def test_a_reply_that_waits_when_the_server_starts_goes_out_once_the_link_is_up(
    chatwoot: Chatwoot, tmp_path: Path
) -> None:
    async with receiving() as receiver:
        async with running(tmp_path) as api:
            await api.paired("a", **desk(chatwoot), **hook(receiver))
            await writes(api, text="hello")
            await until(lambda: len(chatwoot.messages) == 1)
            chatwoot.faults({"match": "active_storage", "do": "fail", "status": 503})
            conversation, file = chatwoot.state["conversations"][0]["id"], base64.b64encode(PICTURE).decode()
            files = [{"name": "cat.png", "type": "image/png", "content": file}]
            await asyncio.to_thread(chatwoot.agent, conversation, "hi", files=files)
            await until(lambda: any("active_storage" in call for call in chatwoot.state["calls"]))
        chatwoot.faults()
        async with running(tmp_path, simulator_speed=1.0):  # its link needs a moment
            await until(lambda: len(receiver.got) == 2)
        assert receiver.got[1][2]["data"]["message"]["content"] == "hi"
        assert chatwoot.texts() == ["hello"], "nobody was told that it was not sent"


async def test_deleting_an_instance_leaves_nothing_that_goes_on(
    store: Weed, chatwoot: Chatwoot, proxy: CountingProxy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="ryze_tui")
    async with receiving() as receiver, running(tmp_path) as api:
        receiver.status = 503
        s3 = bucket(store, endpoint="http://127.0.0.1:9")
        token = (await api.paired("a", **desk(chatwoot), **hook(receiver), **s3, **flat(proxy)))["token"]
        chatwoot.faults({"match": "accounts", "do": "fail", "status": 503})
        for number in range(3):
            await writes(api, **IMAGE, text=f"cat {number}")
        await until(lambda: receiver.got and _asked(chatwoot))
        bridge, outbox = api.backend.chatwoot, api.backend.outbox
        await api.ok("DELETE", "/api/instance/delete/a")
        await empty(api)
        chatwoot.faults()
        for table in ("outbox", "uploads", "messages", "chatwoot_queue", "chatwoot_chats", "blocks", "sessions"):
            assert await rows(api, table) == 0, table
        await until(lambda: not outbox.pending)
        waiting = [lane for gate in bridge._queue._lanes.gates.values() for lane in gate.lanes]
        assert waiting == [] and bridge._links._callbacks == {}
        assert engine(api).links == {}
        assert (await api.refused("GET", "/api/instance/list", token=token))[0] == 401
        assert (await api.call("GET", "/health")).json()["checks"] == {"db": "ok"} | {
            name: "ok" for name in (await api.call("GET", "/health")).json()["checks"] if name != "db"
        }
        await api.new("a")
        assert (await metrics(api))["totalMessages"] == 0


def _asked(chatwoot: Chatwoot) -> bool:
    return any("contacts" in call for call in chatwoot.state["calls"])


async def rows(api: Api, table: str) -> int:
    from sqlalchemy import text

    found = await api.backend.store.database.read(text(f"SELECT count(*) FROM {table}"))
    return int(found[0][0])


@pytest.mark.long
async def test_media_that_was_being_fetched_when_the_server_ended_is_not_acknowledged_without_it(
    store: Weed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as receiver:
        async with running(tmp_path) as api:
            await api.paired("a", **hook(receiver), **bucket(store))
            closed, begun = asyncio.Event(), asyncio.Event()

            async def cut(*_: Any) -> bytes:
                begun.set()
                await closed.wait()
                raise ConnectionResetError

            close = engine(api).close

            async def closing() -> None:
                closed.set()
                await close()

            monkeypatch.setattr(engine(api), "download", cut)
            monkeypatch.setattr(engine(api), "close", closing)
            writing = asyncio.create_task(api.call("POST", "/simulator/a/message", {"from": ANA, **IMAGE}))
            await begun.wait()
        (answer,) = await asyncio.gather(writing, return_exceptions=True)
        assert isinstance(answer, Exception) or answer.status_code != 200
        async with running(tmp_path) as api:
            await api.until("a", "connected")
            assert (await metrics(api))["totalMessages"] == 0 and receiver.got == []
