"""Trying a block out before it is saved: the server tries what is sent, stores nothing, and a stored secret goes nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from ryze_tui.api.openapi import document

from tests.fakes.chatwoot.data import ADMIN, AGENT, OUTSIDER
from tests.fakes.chatwoot.process import Chatwoot
from tests.fakes.proxy import counting_proxy

from ..e2e.receivers import Receiver
from .harness import Api
from .test_proxy import PASSWORD, REFUSED, block

SCHEMAS = document("1", simulated=True)["components"]["schemas"]
ELSEWHERE = "is kept for the"


@pytest.fixture(scope="module")
def chatwoot() -> Iterator[Chatwoot]:
    with Chatwoot() as made:
        yield made


async def test_a_proxy_that_is_not_saved(api: Api) -> None:
    await api.new("a")
    where = "/api/instance/proxy/a/test"
    async with counting_proxy("user", PASSWORD) as proxy:
        assert await api.refused("POST", where) == (409, "Proxy is not enabled")
        tried = await api.ok("POST", where, block(proxy))
        assert tried["proxy"]["works"] and tried["proxy"]["steps"][-1]["name"] == "target"
        jsonschema_rs.validate({"$ref": "#/components/schemas/ProxyTested", "components": {"schemas": SCHEMAS}}, tried)
        assert (await api.ok("GET", "/api/instance/getProxy/a"))["proxy"]["enabled"] is False, "tried, not stored"
        wrong = (await api.ok("POST", where, block(proxy, password="wrong")))["proxy"]
        assert not wrong["works"] and (wrong["steps"][-1]["name"], wrong["steps"][-1]["error"]) == ("auth", REFUSED)
        assert (await api.refused("POST", where, block(proxy, port="0")))[0] == 400
        assert (await api.refused("POST", where, {"enabled": False}))[0] == 409


async def test_a_stored_password_is_for_its_host_and_user_only(api: Api) -> None:
    await api.new("a")
    where = "/api/instance/proxy/a/test"
    async with counting_proxy("user", PASSWORD) as proxy, counting_proxy("user", PASSWORD) as other:
        await api.ok("POST", "/api/instance/proxy/a", block(proxy))
        kept = block(proxy)
        del kept["password"]
        assert (await api.ok("POST", where, kept))["proxy"]["works"], "host and user are what they were"
        for change in ({"host": "localhost", "port": str(other.port)}, {"username": "another", "port": str(other.port)}):
            status, words = await api.refused("POST", where, kept | change)
            assert status == 400 and "password is required" in words and ELSEWHERE in words, words
        assert other.accepted == 0, "and nothing was dialled"
        assert not (await api.ok("POST", where, kept | {"host": "localhost", "password": ""}))["proxy"]["works"]
        assert (await api.ok("POST", where))["proxy"]["works"], "without a body the stored one"


async def test_a_webhook_that_is_not_saved(api: Api) -> None:
    await api.new("a")
    where = "/api/events/webhook/a/test"
    async with Receiver() as receiver:
        sent = {"url": receiver.url + "/in", "authorization": "Bearer abc123", "byEvents": True}
        tried = await api.ok("POST", where, sent)
        assert (tried["message"], tried["httpStatus"], tried["answer"]) == ("Webhook test passed", 200, "ok")
        jsonschema_rs.validate(SCHEMAS["WebhookTried"], tried)
        (sight,) = receiver.got
        assert (sight.path, sight.event, sight.data["test"]) == ("/in/instance.state", "instance.state", True)
        assert (await api.ok("GET", "/api/events/getWebhook/a"))["webhooks"] == [], "tried, not stored"
        assert (await api.ok("GET", "/api/events/webhook/a/deliveries"))["deliveries"] == []
        receiver.mood = lambda number, key, body: "422"
        failed = await api.ok("POST", where, sent)
        assert failed["message"] == "Webhook test failed" and failed["steps"][0]["error"] == "the receiver answered 422: no"
        await receiver.__aexit__()
        gone = await api.ok("POST", where, sent)
        assert gone["httpStatus"] is None and gone["steps"][0]["error"] == "Connection refused"
    assert (await api.refused("POST", where, {"url": "nowhere"})) == (400, "Invalid webhook URL")
    assert (await api.refused("POST", where, {"url": "http://127.0.0.1:9", "enabled": False}))[0] == 409


async def test_neither_authorization_nor_token_reach_another_url(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = (await api.new("a"))["token"]
    where, seen = "/api/events/webhook/a/test", []
    post = api.backend.egress.post

    async def noted(url: str, *, content: bytes, headers: dict[str, str], seconds: float) -> Any:
        seen.append((url, content.decode(), headers.get("Authorization")))
        return await post(url, content=content, headers=headers, seconds=seconds)

    monkeypatch.setattr(api.backend.egress, "post", noted)
    async with Receiver() as receiver, Receiver() as other:
        stored = {"enabled": True, "url": receiver.url, "authorization": "Bearer stored-secret"}
        await api.ok("POST", "/api/events/webhook/a", stored)
        seen.clear()
        await api.ok("POST", where, {"url": receiver.url})
        assert token in seen[0][1] and seen[0][2] == "Bearer stored-secret", "to its own place as every delivery"
        status, words = await api.refused("POST", where, {"url": other.url})
        assert status == 400 and "authorization is required" in words and ELSEWHERE in words
        assert len(seen) == 1 and other.got == []
        await api.ok("POST", where, {"url": other.url, "authorization": ""})
        assert token not in seen[1][1] and seen[1][2] is None and "token-of-a-test" in seen[1][1]


async def test_a_store_whose_secret_is_for_another_endpoint(api: Api) -> None:
    await api.new("a")
    stored = {"enabled": True, "bucket": "b1x", "accessKey": "k", "secretKey": "s", "endpoint": "http://127.0.0.1:9"}
    await api.ok("POST", "/api/instance/s3/a", stored)
    for change in ({"endpoint": "http://127.0.0.1:8"}, {"accessKey": "another"}, {"endpoint": ""}):
        sent = {name: value for name, value in (stored | change).items() if name != "secretKey"}
        status, words = await api.refused("POST", "/api/instance/s3/a/test", sent)
        assert status == 400 and "secretKey is required" in words and ELSEWHERE in words, change


# -- Chatwoot ----------------------------------------------------------------------------------------------------------


async def tried(api: Api, chatwoot: Chatwoot, **more: Any) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """(step, error) of a test, and the inbox."""
    answer = await api.call("POST", "/api/chatwoot/test/a", chatwoot.body(**more))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    jsonschema_rs.validate(SCHEMAS["ChatwootTested"], told)
    assert ("passed" in told["message"]) is not any(step["error"] for step in told["steps"])
    return [(step["name"], step["error"]) for step in told["steps"]], told["inbox"]


async def test_chatwoot_token_account_and_inbox(api: Api, chatwoot: Chatwoot) -> None:
    await api.new("a")
    good = [("token", ""), ("account", ""), ("inbox", "")]
    before = chatwoot.state["inboxes"]
    assert await tried(api, chatwoot) == (good, {"exists": False, "id": None})
    assert chatwoot.state["inboxes"] == before, "nothing was made"
    assert (await api.call("GET", "/api/chatwoot/list/a")).status_code == 404, "and nothing stored"
    steps, _ = await tried(api, chatwoot, chatwootApiToken="wrong-token-0123456789")
    assert len(steps) == 1 and "does not know the API token" in steps[0][1] and "wrong-token" not in steps[0][1]
    steps, _ = await tried(api, chatwoot, chatwootApiToken=OUTSIDER)
    assert [name for name, _error in steps] == ["token", "account"] and "may not use account 5" in steps[1][1]
    steps, _ = await tried(api, chatwoot, chatwootAccountId=77)
    assert steps[1][0] == "account" and "404" in steps[1][1]
    steps, _ = await tried(api, chatwoot, chatwootApiToken=AGENT)
    assert steps[2][0] == "inbox" and "not an administrator's" in steps[2][1]
    steps, _ = await tried(api, chatwoot, chatwootBaseUrl="http://127.0.0.1:9")
    assert len(steps) == 1 and "refused" in steps[0][1]
    for number, path in enumerate(("profile", "inboxes")):
        chatwoot.faults({"match": path, "do": "json", "times": 1})
        steps, _ = await tried(api, chatwoot)
        assert len(steps) == number + 1 and "is it a Chatwoot?" in steps[number][1]
    api.backend.chatwoot.seconds = 0.2
    chatwoot.faults({"match": "profile", "do": "hang", "times": 1})
    steps, _ = await tried(api, chatwoot)
    assert steps == [("token", "no answer within 0.2 s")]


async def test_nothing_is_made_where_no_chatwoot_is(api: Api, chatwoot: Chatwoot) -> None:
    await api.new("a")
    before = chatwoot.state["inboxes"]
    chatwoot.faults({"match": "GET .*inboxes", "do": "json", "times": 1})
    status, words = await api.refused("POST", "/api/chatwoot/set/a", chatwoot.body())
    assert status == 400 and "account or endpoint not found" in words and "is it a Chatwoot?" in words
    assert chatwoot.state["inboxes"] == before, "no stranger is sent anything"


async def test_chatwoot_finds_its_inbox_and_keeps_its_token(api: Api, chatwoot: Chatwoot) -> None:
    await api.new("a")
    assert (await api.call("POST", "/api/chatwoot/set/a", chatwoot.body(inboxName="mine"))).status_code == 201
    inbox = next(one for one in chatwoot.state["inboxes"] if one["name"] == "mine")
    sent = chatwoot.body(inboxName="mine")
    del sent["chatwootApiToken"]
    answer = (await api.call("POST", "/api/chatwoot/test/a", sent)).json()
    assert answer["inbox"] == {"exists": True, "id": inbox["id"]}, answer
    async with Receiver() as other:
        status, words = await api.refused("POST", "/api/chatwoot/test/a", sent | {"chatwootBaseUrl": other.url})
        assert status == 400 and words.startswith("invalid body: chatwootApiToken is required") and ELSEWHERE in words
        assert other.got == [] and ADMIN not in words
    assert (await api.refused("POST", "/api/chatwoot/test/a", {}))[0] == 400


async def test_they_are_extensions(plain: Api) -> None:
    await plain.new("a")
    for path in ("/api/events/webhook/a/test", "/api/chatwoot/test/a", "/api/instance/proxy/a/test"):
        assert await plain.refused("POST", path, {"url": "http://127.0.0.1:9"}) == (404, "Not found")
    assert "trials" not in (await plain.call("GET", "/health")).text
