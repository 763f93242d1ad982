"""Settings, proxy, S3, webhooks and counters: what is written is what is read, to the letter (contract §2.8-2.12)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .harness import Api, running

DEFAULTS = {
    "autoRejectCalls": False, "callRejectMessage": "", "ignoreGroupMessages": False, "keepOnlineStatus": False,
    "autoReadMessages": False, "disableHistorySync": True, "ignoreStatus": False,
}
PROXY = {"enabled": True, "host": "proxy.example", "port": "1080", "protocol": "socks5", "username": "u", "password": "canary-pw"}
S3 = {"enabled": True, "region": "eu-1", "bucket": "media", "accessKey": "AK", "secretKey": "canary-secret",
      "endpoint": "https://s3.example", "pathPrefix": "wa/"}  # fmt: skip
HOOK = {"label": "crm", "enabled": True, "url": "https://hooks.example/wa", "authorization": "Bearer canary", "byEvents": True,
        "events": ["instance.state", "message.exchange"], "mediaBase64": True}  # fmt: skip
FIELDS = [*PROXY, *S3, *HOOK, *DEFAULTS]


async def test_settings_merge(api: Api) -> None:
    await api.new("a")
    assert await api.ok("GET", "/api/instance/getSettings/a") == {
        "success": True, "message": "Settings retrieved successfully", "settings": DEFAULTS,
    }
    answer = await api.ok("POST", "/api/instance/settings/a", {"autoRejectCalls": True, "callRejectMessage": "später", "x": 1})
    assert answer["message"] == "Settings updated successfully"
    assert answer["settings"] == DEFAULTS | {"autoRejectCalls": True, "callRejectMessage": "später"}
    await api.ok("POST", "/api/instance/settings/a", {"ignoreStatus": True})
    expected = DEFAULTS | {"autoRejectCalls": True, "callRejectMessage": "später", "ignoreStatus": True}
    assert (await api.ok("GET", "/api/instance/getSettings/a"))["settings"] == expected
    assert (await api.item("a"))["settings"] == expected
    for body in ({}, {"unknown": True}, {"ignoreStatus": None}):
        assert await api.refused("POST", "/api/instance/settings/a", body) == (400, "At least one setting must be provided")
    status, words = await api.refused("POST", "/api/instance/settings/a", {"ignoreStatus": "yes", "autoReadMessages": True})
    assert status == 400 and "ignoreStatus" in words
    assert (await api.ok("GET", "/api/instance/getSettings/a"))["settings"] == expected


async def test_settings_written_at_once_by_many_lose_nothing(api: Api) -> None:
    await api.new("a")
    fields = [name for name in DEFAULTS if name != "callRejectMessage"]
    bodies = [{name: not DEFAULTS[name]} for name in fields]
    await asyncio.gather(*(api.ok("POST", "/api/instance/settings/a", body) for body in bodies))
    held = (await api.ok("GET", "/api/instance/getSettings/a"))["settings"]
    assert all(held[name] is not DEFAULTS[name] for name in fields)


async def test_proxy_never_tells_its_password_and_keeps_it_for_the_same_user(api: Api) -> None:
    await api.new("a")
    none = {"enabled": False, "host": None, "port": None, "protocol": None, "username": None}
    assert (await api.ok("GET", "/api/instance/getProxy/a"))["proxy"] == none
    shown = {name: value for name, value in PROXY.items() if name != "password"}
    assert (await api.ok("POST", "/api/instance/proxy/a", PROXY | {"port": 1080}))["proxy"] == shown
    assert (await api.ok("GET", "/api/instance/getProxy/a"))["proxy"] == shown
    assert await _password(api) == "canary-pw"
    without = {name: value for name, value in PROXY.items() if name != "password"}
    await api.ok("POST", "/api/instance/proxy/a", without | {"port": "1081"})
    assert await _password(api) == "canary-pw"  # contract §8 #51
    await api.ok("POST", "/api/instance/proxy/a", without | {"username": "somebody-else"})
    assert await _password(api) is None
    await api.ok("POST", "/api/instance/proxy/a", PROXY)
    await api.ok("POST", "/api/instance/proxy/a", PROXY | {"password": ""})
    assert await _password(api) is None
    assert (await api.ok("POST", "/api/instance/proxy/a", {"enabled": False}))["proxy"] == none
    await api.ok("POST", "/api/instance/proxy/a", PROXY | {"enabled": False})
    await api.ok("POST", "/api/instance/proxy/a", without)
    assert await _password(api) is None  # switching off erased it


async def _password(api: Api) -> str | None:
    record = next(iter(api.backend.catalog.by_id.values()))
    return (await api.backend.store.block_secrets(record, "proxy")).get("password")


@pytest.mark.parametrize(
    "change", [{"host": ""}, {"port": "0"}, {"port": "65536"}, {"port": True}, {"protocol": "ftp"}, {"protocol": ""}]
)
async def test_a_proxy_that_cannot_be_one(api: Api, change: dict[str, Any]) -> None:
    await api.new("a")
    status, words = await api.refused("POST", "/api/instance/proxy/a", PROXY | change)
    assert status == 400 and "canary" not in words
    assert (await api.ok("GET", "/api/instance/getProxy/a"))["proxy"]["enabled"] is False


async def test_s3(api: Api) -> None:
    await api.new("a")
    answer = await api.ok("POST", "/api/instance/s3/a", S3)
    assert answer["message"] == "S3 configuration updated"
    assert answer["s3"] == {name: value for name, value in S3.items() if name != "secretKey"}
    read = await api.ok("GET", "/api/instance/getS3/a")
    assert read == {"success": True, "s3": S3 | {"secretKey": None}}
    assert (await api.item("a"))["s3"]["secretKey"] is None
    for change in ({"bucket": ""}, {"endpoint": "ftp://x"}):
        assert (await api.refused("POST", "/api/instance/s3/a", S3 | change))[0] == 400
    assert (await api.ok("POST", "/api/instance/s3/a", {"enabled": False}))["s3"] == {
        "enabled": False, "region": "", "bucket": "", "accessKey": "", "endpoint": "", "pathPrefix": "",
    }


async def test_webhooks_are_echoed_exactly_and_sorted(api: Api) -> None:
    await api.new("a")
    assert (await api.ok("GET", "/api/events/getWebhook/a"))["webhooks"] == []
    assert (await api.ok("POST", "/api/events/webhook/a", HOOK))["webhook"] == HOOK
    default = HOOK | {"label": "default", "url": "http://x.example/?a=b"}
    unnamed = {name: value for name, value in default.items() if name != "label"}
    assert (await api.ok("POST", "/api/events/webhook/a", unnamed))["webhook"] == default
    for path in ("/api/events/getWebhook/a", "/api/events/webhook/a"):
        assert (await api.ok("GET", path))["webhooks"] == [HOOK, default]
        assert (await api.ok("GET", path + "?label=crm"))["webhook"] == HOOK
        assert (await api.ok("GET", path + "?label="))["webhook"] == default
        assert await api.refused("GET", path + "?label=none") == (404, "Webhook not found")
    fewer = {"label": "crm", "enabled": True, "url": "https://y.example"}
    replaced = (await api.ok("POST", "/api/events/webhook/a", fewer))["webhook"]
    assert replaced == fewer | {"authorization": "", "byEvents": False, "events": [], "mediaBase64": False}
    off = (await api.ok("POST", "/api/events/webhook/a", HOOK | {"enabled": False}))["webhook"]
    assert off == {"label": "crm", "enabled": False, "url": "", "authorization": "", "byEvents": False, "events": [],
                   "mediaBase64": False}  # fmt: skip
    item = await api.item("a")
    assert (item["webhook"]["url"], "authorization" in item["webhook"]) == ("http://x.example/?a=b", False)


async def test_three_enabled_webhooks_and_not_one_more(api: Api) -> None:
    await api.new("a")
    for label in ("one", "two", "three"):
        await api.ok("POST", "/api/events/webhook/a", HOOK | {"label": label})
    full = (409, "Maximum of 3 enabled webhooks reached")
    assert await api.refused("POST", "/api/events/webhook/a", HOOK | {"label": "four"}) == full
    await api.ok("POST", "/api/events/webhook/a", HOOK | {"label": "two"})  # an enabled label does not count twice
    await api.ok("POST", "/api/events/webhook/a", {"label": "four", "enabled": False})
    await api.ok("POST", "/api/events/webhook/a", {"label": "one", "enabled": False})
    both = [api.call("POST", "/api/events/webhook/a", HOOK | {"label": label}) for label in ("four", "five")]
    assert sorted(answer.status_code for answer in await asyncio.gather(*both)) == [200, 409]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "not-a-url"}, "Invalid webhook URL"), ({"url": ""}, "Invalid webhook URL"), ({"url": "ftp://x"}, "Invalid"),
        ({"events": ["nonsense"]}, "events"), ({"label": ""}, "label"), ({"label": "x" * 256}, "label"),
        ({"authorization": "a\r\nX-Evil: 1"}, "authorization"), ({"enabled": "yes"}, "enabled"),
    ],
)  # fmt: skip
async def test_webhooks_that_cannot_be(api: Api, change: dict[str, Any], words: str) -> None:
    await api.new("a")
    status, message = await api.refused("POST", "/api/events/webhook/a", HOOK | change)
    assert status == 400 and words in message and "canary" not in message
    assert (await api.ok("GET", "/api/events/getWebhook/a"))["webhooks"] == []


async def test_everything_survives_a_restart_and_nothing_secret_is_in_clear(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        await api.new("a")
        await api.ok("POST", "/api/instance/settings/a", {"ignoreStatus": True})
        await api.ok("POST", "/api/instance/proxy/a", PROXY)
        await api.ok("POST", "/api/instance/s3/a", S3)
        await api.ok("POST", "/api/events/webhook/a", HOOK)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"canary" not in path.read_bytes(), path
    async with running(tmp_path) as api:
        assert (await api.ok("GET", "/api/instance/getSettings/a"))["settings"]["ignoreStatus"] is True
        assert (await api.ok("GET", "/api/instance/getProxy/a"))["proxy"]["host"] == "proxy.example"
        assert await _password(api) == "canary-pw"
        assert (await api.ok("GET", "/api/events/getWebhook/a?label=crm"))["webhook"] == HOOK


async def test_metrics(api: Api) -> None:
    await api.new("a")
    await api.new("b")
    metrics = (await api.ok("GET", "/api/instance/metrics/a, b,a"))["metrics"]
    assert (metrics["instance"], metrics["totalMessages"], metrics["firstMessageAt"]) == ("a,b", 0, None)
    assert metrics["messagesByStatus"] == {"pending": 0, "sent": 0, "delivered": 0, "read": 0, "played": 0, "failed": 0}
    assert await api.refused("GET", "/api/instance/metrics/a,none") == (404, "Instance not found")
    assert (await api.refused("GET", "/api/instance/metrics/,%20,"))[0] == 400


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.sampled_from(FIELDS), st.none() | st.booleans() | st.integers() | st.text()))
async def test_no_body_is_a_server_error(api: Api, body: dict[str, Any]) -> None:
    if api.backend.catalog.by_id == {}:
        await api.new("a")
    for path in ("instance/settings", "instance/proxy", "instance/s3", "events/webhook", "events/websocket"):
        answer = await api.call("POST", f"/api/{path}/a", body)
        assert answer.status_code in (200, 400, 409, 429), answer.text


@pytest.mark.parametrize("wrong", [{"s3Bucket": ""}, {"s3Endpoint": "store.example"}, {"s3Endpoint": "ftp://store.example"}])
async def test_a_creation_stores_an_s3_that_cannot_act_switched_off(api: Api, wrong: dict[str, Any]) -> None:
    fields = {"s3Enabled": True, "s3Bucket": "media", "s3AccessKey": "AK", "s3SecretKey": "sec", "s3Endpoint": "https://s3.example"}
    made = await api.new("a", **fields | wrong)
    assert (made["s3"]["enabled"], made["s3"]["accessKey"]) == (False, "")
    assert (await api.new("b", **fields))["s3"]["enabled"] is True
