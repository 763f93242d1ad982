"""The finer points of webhooks: what a creation configures, exact read-back, limits, media, headers, prune, paging."""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.api import errors as texts
from ryze_tui.api.events import EVENT_NAMES
from ryze_tui.backend.events import outbox
from ryze_tui.backend.store import outbox as stored

from ..e2e.receivers import HANG
from ..e2e.receivers import Receiver as HttpReceiver
from ..e2e.test_kill_deliveries import poisoned
from .harness import Api, running
from .test_webhooks import receiving, until

HOOK = "/api/events/webhook/a"


async def settled(api: Api) -> None:
    """Every delivery is over, and that is on the disk."""
    await until(lambda: not api.backend.outbox.pending and not api.backend.outbox._unsaved)
    await api.backend.store.flush()


# -- what a creation configures ----------------------------------------------------------------------------------------


async def test_the_blocks_of_a_creation_act_and_are_there_after_a_restart(tmp_path: Path) -> None:
    events = ["call.update", "instance.state", "call.update", "message.exchange"]
    async with receiving() as receiver:
        body: dict[str, Any] = {
            "webhookEnabled": True, "webhookURL": receiver.url, "webhookAuthorization": "Bearer x y", "webhookByEvents": True,
            "webhookEvents": events, "webhookMediaBase64": True, "websocketEnabled": True, "websocketEvents": ["call.update"],
            "proxyEnabled": True, "proxyHost": "127.0.0.1", "proxyPort": 1080, "proxyProtocol": "socks5", "proxyUsername": "u",
            "proxyPassword": "p", "ignoreStatus": True, "callRejectMessage": "later",
        }
        row = {"label": "default", "enabled": True, "url": receiver.url, "authorization": "Bearer x y", "byEvents": True,
               "events": events, "mediaBase64": True}  # fmt: skip
        for life in range(2):
            async with running(tmp_path) as api:
                made = await api.new("a", **body) if not life else await api.item("a")
                assert made["webhook"] == {name: value for name, value in row.items() if name != "authorization"}
                assert made["websocket"] == {"enabled": True, "events": ["call.update"], "mediaBase64": False}
                assert (made["proxy"]["host"], made["proxy"]["port"]) == ("127.0.0.1", "1080") and "password" not in made["proxy"]
                assert made["settings"]["ignoreStatus"] and made["settings"]["callRejectMessage"] == "later"
                assert (await api.ok("GET", "/api/events/getWebhook/a"))["webhooks"] == [row]
                assert (await api.ok("GET", "/api/events/getWebsocket/a"))["websocket"]["enabled"]
                assert api.backend.catalog.find(made_account(api), "a").webhooks["default"]["events"] == events  # type: ignore[union-attr]
                await api.ok("DELETE", "/api/instance/logout/a")
                if not life:
                    await until(lambda: receiver.got)
                    path, headers, _body = receiver.got[-1]
                    assert path == "/wh/instance.state" and headers["authorization"] == "Bearer x y"


def made_account(api: Api) -> str:
    return next(iter(api.backend.catalog.by_id.values())).account


@pytest.mark.parametrize("wrong", [
    {"webhookEnabled": True, "webhookURL": "ftp://nowhere"}, {"webhookEnabled": True},
    {"webhookEnabled": True, "webhookURL": "x"}, {"webhookEnabled": True, "webhookURL": "http://"},
    {"webhookEnabled": True, "webhookURL": "http://[half/"},
    {"webhookEnabled": True, "webhookURL": "http://127.0.0.1:9/", "webhookAuthorization": "Bearer a\r\nX: y"},
    {"chatwootEnabled": True, "chatwootBaseUrl": "http://127.0.0.1:9", "chatwootAccountId": 1, "chatwootApiToken": "t"},
    {"chatwootEnabled": True},
])  # fmt: skip
async def test_a_block_that_fails_never_stops_a_creation_and_says_so(api: Api, wrong: dict[str, Any]) -> None:
    made = await api.new("a", **wrong, websocketEnabled=True)
    kind = next(iter(wrong)).removesuffix("Enabled")
    assert made[kind]["enabled"] is False and made["websocket"]["enabled"] is True
    if kind == "chatwoot":
        assert made["chatwoot"]["status"] == "error" and made["chatwoot"]["error"]
    assert (await api.item("a"))[kind]["enabled"] is False


# -- exact read-back ---------------------------------------------------------------------------------------------------


async def test_every_order_of_events_comes_back_as_it_was_sent(api: Api) -> None:
    await api.new("a")
    orders = [list(order) for order in itertools.permutations(EVENT_NAMES, 3)]
    for events in [[], [EVENT_NAMES[5], EVENT_NAMES[5]], list(reversed(EVENT_NAMES)), *random.Random(1).sample(orders, 20)]:
        row = {"label": "default", "enabled": True, "url": "http://h.example/p?q=1#f", "authorization": "", "byEvents": False,
               "events": events, "mediaBase64": False}  # fmt: skip
        assert (await api.ok("POST", HOOK, row))["webhook"] == row
        assert (await api.ok("GET", HOOK))["webhooks"] == [row]
        assert (await api.ok("GET", HOOK + "?label="))["webhook"] == row


@pytest.mark.parametrize("label", ["ação", "通知", "a b/c?d=e&f#g%41", "🎉", " ", "x" * 255, "'; DROP TABLE blocks; --"])
async def test_labels_are_free_text(tmp_path: Path, label: str) -> None:
    async with receiving() as receiver:
        row = {"label": label, "enabled": True, "url": receiver.url, "authorization": "Bearer 1", "byEvents": False, "events": [],
               "mediaBase64": False}  # fmt: skip
        async with running(tmp_path) as api:
            await api.new("a")
            assert (await api.ok("POST", HOOK, row))["webhook"] == row
        async with running(tmp_path) as api:
            assert (await api.ok("GET", HOOK, params={"label": label}))["webhook"] == row
            assert (await api.ok("POST", HOOK + "/deliveries/test", {"label": label}))["delivery"]["label"] == label
            await api.ok("DELETE", "/api/instance/logout/a")
            await until(lambda: len(receiver.got) == 2)
            await settled(api)
            listed = await api.ok("GET", HOOK + "/deliveries", params={"label": label, "status": "delivered"})
            assert [one["label"] for one in listed["deliveries"]] == [label]
            assert (await api.refused("GET", HOOK + "?label=other"))[0] == 404


# -- the limit of three ------------------------------------------------------------------------------------------------


async def test_three_are_enabled_however_many_ask_at_once(api: Api) -> None:
    await api.new("a")
    rows = [{"label": f"l{n}", "enabled": True, "url": f"http://h{n}.example/"} for n in range(12)]
    answers = await asyncio.gather(*(api.call("POST", HOOK, row) for row in rows))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 9
    enabled = [row["label"] for row in (await api.ok("GET", HOOK))["webhooks"] if row["enabled"]]
    assert len(enabled) == 3
    moved = [{"label": label, "enabled": True, "url": "http://new.example/"} for label in enabled]
    again = await asyncio.gather(*(api.call("POST", HOOK, row) for row in moved))
    assert [answer.status_code for answer in again] == [200] * 3, "one that is enabled already does not count twice"
    await api.ok("POST", HOOK, {"label": enabled[0], "enabled": False})
    off = (await api.ok("GET", HOOK, params={"label": enabled[0]}))["webhook"]
    assert off == {"label": enabled[0], "enabled": False, "url": "", "authorization": "", "byEvents": False, "events": [],
                   "mediaBase64": False}  # fmt: skip
    await api.ok("POST", HOOK, rows[11])
    await api.ok("POST", HOOK, {"label": "also off", "enabled": False})
    assert (await api.refused("POST", HOOK, {"label": enabled[0], "enabled": True, "url": "http://x.example/"}))[0] == 409


# -- what is sent ------------------------------------------------------------------------------------------------------


async def test_each_row_gets_what_it_asked_for(api: Api) -> None:
    async with receiving() as receiver:
        instance = await api.paired("a")
        rows = {
            "all": {"authorization": "Bearer all", "byEvents": True, "url": receiver.url + "/all?key=1&x=a%2Fb"},
            "media": {"authorization": "Basic bWVkaWE=", "mediaBase64": True, "events": ["message.exchange"],
                      "url": receiver.url + "/media/"},
            "states": {"authorization": "ApiKey s", "events": ["instance.state"], "byEvents": True,
                       "url": receiver.url + "/states/"},
        }
        for label, row in rows.items():
            await api.ok("POST", HOOK, {"label": label, "enabled": True} | row)
        await api.ok("POST", HOOK, {"label": "off", "enabled": False, "url": receiver.url + "/off"})
        await api.sim("a", "message", **{"from": "5511999990009", "mediaType": "image", "mediaBase64": "AAAA"})
        await api.sim("a", "call", **{"from": "5511999990009"})
        await api.sim("a", "ban")
        await until(lambda: len([path for path, _h, _b in receiver.got if "instance.state" in path]) >= 2)
        await settled(api)
        seen = {(path, headers["authorization"]) for path, headers, _body in receiver.got}
        assert seen == {
            *((f"/wh/all/{event}?key=1&x=a%2Fb", "Bearer all") for event in (EVENT_NAMES[0], "call.update", "instance.state")),
            ("/wh/media/", "Basic bWVkaWE="), ("/wh/states/instance.state", "ApiKey s"),
        }
        for path, headers, body in receiver.got:
            assert body["instanceData"] == {"baseUrl": api.url, "instance": "a", "token": instance["token"]}
            assert headers["content-type"] == "application/json" and headers["user-agent"].startswith("ryze-tui/")
            if body["event"] == "message.exchange":
                assert (body["data"]["message"]["media"].get("base64") == "AAAA") is path.startswith("/wh/media"), path


async def test_after_a_restart_authorizations_are_read_once_and_a_damaged_one_harms_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as receiver:
        async with running(tmp_path) as api:
            for name in ("a", "b", "c"):
                await api.new(name, webhookEnabled=True, webhookURL=receiver.url, webhookAuthorization=f"Bearer {name}")
        database = sqlite3.connect(tmp_path / "data" / "ryze.db")
        ((owner, text),) = database.execute("SELECT id, json FROM instances JOIN blocks ON instance_id = id WHERE name = 'b'")
        damaged = text.replace('"authorization": "', '"authorization": "AAAA')
        assert damaged != text
        database.execute("UPDATE blocks SET json = ? WHERE instance_id = ?", [damaged, owner])
        database.commit()
        database.close()
        async with running(tmp_path) as api:
            reads = []
            read = api.backend.store.database.read

            async def counted(query: Any) -> Any:
                reads.append(query)
                return await read(query)

            monkeypatch.setattr(api.backend.store.database, "read", counted)
            for name in ("a", "c", "b"):
                await api.ok("DELETE", f"/api/instance/logout/{name}")
            await until(lambda: len(receiver.got) == 2 and api.backend.outbox.outcomes["retried"])
            assert sorted(headers["authorization"] for _p, headers, _b in receiver.got) == ["Bearer a", "Bearer c"]
            assert len(reads) == 2, "all of them at once, and the damaged one by itself"
            async with asyncio.timeout(10):  # the result is on its way to the disk
                while not (kept := (await api.ok("GET", "/api/events/webhook/b/deliveries"))["deliveries"])[0]["answer"]:
                    await asyncio.sleep(0.005)
            assert "cannot be read" in kept[0]["answer"] and kept[0]["status"] == "pending"


@pytest.mark.long
async def test_receivers_that_hang_and_events_that_are_poison_hold_up_nothing_else(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured by what has come, not by when: everything for those who answer is there while not one of the others did."""
    monkeypatch.setattr(outbox, "SECONDS", 1000.0)
    async with AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(HttpReceiver(lambda number, key, body: HANG)) for _ in range(12)]
        picky = await stack.enter_async_context(HttpReceiver(poisoned))
        fields: dict[str, Any] = {"webhookEnabled": True, "webhookEvents": ["message.exchange"]}
        await asyncio.gather(*(api.paired(f"s{n}", webhookURL=one.url, **fields) for n, one in enumerate(silent)))
        await api.paired("a", webhookURL=picky.url, **fields)
        for n in range(6):
            for number in range(len(silent)):
                await api.sim(f"s{number}", "message", **{"from": f"551199999{n:04d}", "text": "x"})
        await until(lambda: all(len(receiver.got) == 4 for receiver in silent))  # four of a host at once, and no more
        for n in range(40):
            text = f"{n} {'poison' if n in (0, 3) else 'fine'}"
            await api.sim("a", "message", **{"from": f"551199999{n % 2:04d}", "text": text})
        await until(lambda: len(picky.firsts()) == 40)
        for chat in range(2):
            numbers = [int(one.data["message"]["content"].split()[0]) for one in picky.firsts()]
            assert [n for n in numbers if n % 2 == chat] == list(range(chat, 40, 2)), "in order, past the poison"
        assert [len(receiver.got) for receiver in silent] == [4] * 12 and not api.backend.outbox.outcomes["dead"]


# -- what is kept ------------------------------------------------------------------------------------------------------


@pytest.mark.long
async def test_old_deliveries_go_and_pending_ones_stay(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "KEPT", 20)
    async with receiving() as receiver:
        await api.paired("a", webhookEnabled=True, webhookURL=receiver.url, webhookEvents=["message.exchange"])
        broken = {"label": "broken", "enabled": True, "url": "http://127.0.0.1:9/", "events": ["message.exchange"]}
        await api.ok("POST", HOOK, broken)
        for n in range(110):
            await api.sim("a", "message", **{"from": f"55119999{n % 7:05d}", "text": str(n)})
        await until(lambda: len(receiver.got) == 110)
        async with asyncio.timeout(10):
            while len((await api.ok("GET", HOOK + "/deliveries?label=default&limit=500"))["deliveries"]) > 40:
                await asyncio.sleep(0.01)
        assert len((await api.ok("GET", HOOK + "/deliveries?label=broken&status=pending&limit=500"))["deliveries"]) == 110


async def test_the_log_is_read_page_by_page(api: Api) -> None:
    async with receiving() as receiver:
        await api.paired("a", webhookEnabled=True, webhookURL=receiver.url, webhookEvents=["message.exchange"])
        for n in range(25):
            await api.sim("a", "message", **{"from": "5511999990009", "text": str(n)})
        await until(lambda: len(receiver.got) == 25)
        await settled(api)
        whole = [one["id"] for one in (await api.ok("GET", HOOK + "/deliveries?limit=500"))["deliveries"]]
        pages: list[str] = []
        for _page in range(5):
            after = {"before": pages[-1]} if pages else {}
            listed = (await api.ok("GET", HOOK + "/deliveries", params={"limit": 7} | after))["deliveries"]
            assert len(listed) == min(7, 25 - len(pages))
            pages += [one["id"] for one in listed]
        assert pages == whole and len(set(whole)) == 25
        assert [headers["webhook-id"] for _p, headers, _b in receiver.got] == whole[::-1]
        wrong = await api.refused("GET", HOOK + "/deliveries?before=msg_none")
        assert wrong == (400, "Invalid before: the id of a delivery is wanted")
        for limit in ("0", "501", "x", "-1", "1e1", "٣"):
            assert (await api.refused("GET", HOOK + "/deliveries", params={"limit": limit}))[0] == 400


async def test_a_dead_one_can_be_sent_again_after_a_restart(tmp_path: Path) -> None:
    async with receiving() as receiver:
        receiver.status = 410
        row = {"enabled": True, "url": receiver.url, "authorization": "Bearer kept"}
        async with running(tmp_path) as api:
            await api.new("a")
            await api.ok("POST", HOOK, row)
            await api.ok("DELETE", "/api/instance/logout/a")
            await settled(api)
        receiver.status = 200
        async with running(tmp_path) as api:
            (dead,) = (await api.ok("GET", HOOK + "/deliveries?status=dead"))["deliveries"]
            path = f"{HOOK}/deliveries/{dead['id']}/redeliver"
            assert await api.refused("POST", path) == (409, texts.WEBHOOK_PAUSED)
            await api.ok("POST", HOOK, row)
            await api.ok("POST", path)
            await until(lambda: len(receiver.got) == 2)
            await settled(api)
            assert len({headers["webhook-id"] for _p, headers, _b in receiver.got}) == 1
            assert receiver.got[0][2] == receiver.got[1][2] | {"instanceData": receiver.got[0][2]["instanceData"]}
            assert (await api.ok("GET", HOOK + "/deliveries?status=delivered"))["deliveries"][0]["id"] == dead["id"]


async def test_a_redelivery_that_the_disk_refuses_is_not_promised(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as receiver:
        receiver.status = 410
        await api.new("a", webhookEnabled=True, webhookURL=receiver.url)
        await api.ok("DELETE", "/api/instance/logout/a")
        await settled(api)
        await api.ok("POST", HOOK, {"enabled": True, "url": receiver.url})
        (dead,) = (await api.ok("GET", HOOK + "/deliveries?status=dead"))["deliveries"]
        other = sqlite3.connect(api.backend.settings.data_dir / "ryze.db")
        other.execute("CREATE TRIGGER full BEFORE UPDATE ON outbox BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
        other.commit()
        other.close()
        status, message = await api.refused("POST", f"{HOOK}/deliveries/{dead['id']}/redeliver")
        assert status == 500 and "disk is full" in message
        assert len(receiver.got) == 1 and not api.backend.outbox.pending


async def test_a_deleted_instance_leaves_no_authorization_in_memory(api: Api) -> None:
    await api.new("a", webhookEnabled=True, webhookURL="http://127.0.0.1:9/x", webhookAuthorization="Bearer a")
    await api.ok("GET", "/api/events/getWebhook/a")
    assert "Bearer a" in str(vars(api.backend.configure))
    await api.ok("DELETE", "/api/instance/delete/a")
    assert "Bearer a" not in str(vars(api.backend.configure))
