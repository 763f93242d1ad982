"""Chatwoot's routes, messages into its inbox and agents' replies out of it, against a stand-in in a process of its own."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from ..fakes.chatwoot.data import ADMIN, AGENT, OUTSIDER
from ..fakes.chatwoot.process import Chatwoot
from .chatwoot import ANA, GROUP, benched, connected, message
from .harness import Api

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
IMAGE = {"type": "image", "mimetype": "image/png", "fileName": "cat.png", "caption": ""}


@pytest.fixture
def chatwoot() -> Iterator[Chatwoot]:
    with Chatwoot() as made:
        yield made


# -- the routes --------------------------------------------------------------------------------------------------------


async def test_set_list_and_delete(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with benched(tmp_path, chatwoot) as bench:
        instance = await bench.api.new("sales")
        answer = await bench.set(signMessages=True)
        assert answer == {
            "instance": "sales", "status": "active", "bridge_integration_id": answer["bridge_integration_id"],
            "message": "chatwoot integration activated",
        }
        listed = await bench.list()
        (inbox,) = chatwoot.state["inboxes"]
        assert listed == {
            "instance_name": "sales", "status": "active", "bridge_integration_id": answer["bridge_integration_id"],
            "chatwoot_base_url": chatwoot.url, "chatwoot_account_id": 5, "chatwoot_api_token": ADMIN,
            "chatwoot_inbox_id": inbox["id"], "chatwoot_inbox_name": "WhatsApp", "last_error": "",
            "created_at": listed["created_at"], "sign_messages": True, "ignore_groups": False, "start_as_pending": False,
            "reopen_resolved": False,
        }  # fmt: skip
        assert re.fullmatch(re.escape(bench.api.url) + r"/chatwoot/[\w-]{43}", inbox["webhook_url"])
        item = await bench.api.item("sales")
        assert item["chatwoot"] == {
            "enabled": True, "status": "active", "baseUrl": chatwoot.url, "accountId": 5, "inboxName": "WhatsApp",
        }
        assert ADMIN not in str(item)
        gone = await bench.api.call("DELETE", "/api/chatwoot/delete/sales", token=instance["token"])
        assert (gone.status_code, gone.json()) == (200, {"message": "chatwoot integration deactivated"})
        assert len(chatwoot.state["inboxes"]) == 1, "the inbox is kept"
        assert (await bench.api.item("sales"))["chatwoot"]["enabled"] is False
        for method, path, words in (("GET", "list", "for this instance"), ("DELETE", "delete", "to delete")):
            assert await bench.api.refused(method, f"/api/chatwoot/{path}/sales") == (404, f"no chatwoot integration {words}")
            assert await bench.api.refused(method, f"/api/chatwoot/{path}/nobody") == (404, "instance not found")


async def test_set_again_uses_the_same_inbox_and_never_another_instances(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot) as bench:
        first = await bench.set()
        assert (await bench.set())["bridge_integration_id"] == first["bridge_integration_id"]
        assert len(chatwoot.state["inboxes"]) == 1
        await bench.api.call("DELETE", "/api/chatwoot/delete/sales")
        await bench.set()
        (inbox,) = chatwoot.state["inboxes"]
        await bench.api.new("support")
        assert (await bench.api.call("POST", "/api/chatwoot/set/support", chatwoot.body())).status_code == 201
        assert [one["webhook_url"] == inbox["webhook_url"] for one in chatwoot.state["inboxes"]] == [True, False]
        await bench.set(inboxName="Sales")
        assert [one["name"] for one in chatwoot.state["inboxes"]] == ["WhatsApp", "WhatsApp", "Sales"]


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"chatwootApiToken": "wrong"}, 401,
     r"Chatwoot rejected the API token - verify chatwootApiToken\. Detail: HTTP 401: Invalid Access Token"),
    ({"chatwootApiToken": AGENT}, 403,
     r"Chatwoot denied the request - verify the API token has admin scope on account 5\. Detail: .*"),
    ({"chatwootApiToken": OUTSIDER}, 403,
     r"Chatwoot denied the request - .* on account 5\. Detail: HTTP 401: You are not authorized .*"),
    ({"chatwootAccountId": 77}, 400,
     r"Chatwoot account or endpoint not found - verify chatwootBaseUrl \(http.*\) and chatwootAccountId \(77\)\. .*404.*"),
    ({"chatwootBaseUrl": "http://127.0.0.1:9"}, 503,
     r"Chatwoot could not be reached at http://127\.0\.0\.1:9 .*Connection refused"),
    ({"chatwootBaseUrl": "http://169.254.169.254"}, 503, r"Chatwoot could not be reached .* it is a cloud's metadata address"),
    ({"chatwootBaseUrl": "ftp://127.0.0.1"}, 400, "invalid body: chatwootBaseUrl must be .*"),
    ({"chatwootBaseUrl": "http://u:p@127.0.0.1"}, 400, "invalid body: chatwootBaseUrl must be .*"),
    ({"chatwootAccountId": 0}, 400, "invalid body: chatwootAccountId must be greater than 0"),
    ({"chatwootAccountId": "5"}, 400, "invalid body: chatwootAccountId: Input should be a valid integer"),
    ({"chatwootApiToken": "a\nb"}, 400, "invalid body: chatwootApiToken is required, .*"),
    ({"inboxName": None}, 400, "invalid body: inboxName is required"),
]  # fmt: skip


async def test_what_is_refused_says_why_and_changes_nothing(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot) as bench:
        before = await bench.list()
        for more, status, words in REFUSED:
            told = await bench.api.refused("POST", "/api/chatwoot/set/sales", chatwoot.body(inboxName="New") | more)
            assert told[0] == status and re.fullmatch(words, told[1]), told
        for body, words in ((b"{", "invalid body: it is not JSON"), (b"[]", "invalid body: an object is wanted")):
            assert await bench.api.refused("POST", "/api/chatwoot/set/sales", content=body) == (400, words)
        assert await bench.api.refused("POST", "/api/chatwoot/set/nobody", chatwoot.body()) == (404, "instance not found")
        for fault, status, words in (
            ({"do": "html"}, 400, "it answered an HTML page"), ({"do": "html", "status": 502}, 502, "HTTP 502: an HTML page"),
            ({"do": "fail", "status": 500}, 502, "HTTP 500: told to fail"), ({"do": "fail", "status": 422}, 400, "as invalid"),
            ({"do": "hang"}, 503, "no answer within 0.3 s"),
        ):  # fmt: skip
            bench.api.backend.chatwoot.seconds = 0.3 if fault["do"] == "hang" else 15
            chatwoot.faults({"match": "inboxes", **fault})
            told = await bench.api.refused("POST", "/api/chatwoot/set/sales", chatwoot.body())
            assert told[0] == status and words in told[1], told
        assert await bench.list() == before and len(chatwoot.state["inboxes"]) == 1


async def test_the_inline_block_of_a_creation_acts_or_says_why_not(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with benched(tmp_path, chatwoot) as bench:
        block = {"chatwootEnabled": True, "chatwootBaseUrl": chatwoot.url, "chatwootAccountId": 5, "chatwootApiToken": ADMIN}
        good = await bench.api.new("sales", **block)
        view = {"enabled": True, "status": "active", "baseUrl": chatwoot.url, "accountId": 5, "inboxName": "sales"}
        assert good["chatwoot"] == view
        assert [inbox["name"] for inbox in chatwoot.state["inboxes"]] == ["sales"]
        await bench.accept(message("M1", "hello"))
        await bench.shown("hello")
        bad = await bench.api.new("other", **block | {"chatwootApiToken": "wrong"})
        assert (bad["chatwoot"]["enabled"], bad["chatwoot"]["status"]) == (False, "error")
        assert bad["chatwoot"]["error"].startswith("Chatwoot rejected the API token") and bad["token"]
        off = await bench.api.new("off", **block | {"chatwootEnabled": False})
        assert (off["chatwoot"]["enabled"], off["chatwoot"]["status"]) == (False, "")


# -- into the inbox ----------------------------------------------------------------------------------------------------


async def test_messages_of_a_chat_are_shown_in_one_conversation_in_order(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot) as bench:
        await bench.accept(*(message(f"M{number}", f"text {number}") for number in range(5)))
        await bench.accept(message("M3", "text 3"))
        await bench.accept(message("P1", "from the phone", direction="outgoing"))
        await bench.shown(*(f"text {number}" for number in range(5)), "from the phone")
        state = chatwoot.state
        (contact,), (conversation,) = state["contacts"], state["conversations"]
        assert (contact["name"], contact["phone_number"], contact["identifier"]) == ("Ana", "+5511999990001", ANA)
        assert conversation["status"] == "open"
        assert [one["source_id"] for one in state["messages"]] == [*(f"WAID:M{number}" for number in range(5)), "WAID:P1"]
        assert [one["message_type"] for one in state["messages"]] == [0] * 5 + [1]
        assert bench.phone.sent == [], "what Chatwoot tells of our own messages goes nowhere"
        await bench.until(lambda: len(chatwoot.state["called_back"]) == 6)
        assert bench.phone.sent == [] and set(chatwoot.state["called_back"]) == {200}


async def test_a_file_is_attached_and_one_that_cannot_be_is_said(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot) as bench:
        await bench.accept(message("M1", "look", type="image", media=IMAGE, context={"message_id": "M0"}), content=PICTURE)
        await bench.until(lambda: chatwoot.messages)
        (shown,) = chatwoot.messages
        (file,) = shown["attachments"]
        assert (shown["content"], file["name"], file["type"]) == ("look", "cat.png", "image/png")
        assert shown["content_attributes"] == {"in_reply_to_external_id": "WAID:M0"}
        assert base64.b64decode(chatwoot.state["files"][file["key"]]) == PICTURE
        chatwoot.faults({"match": "POST .*/messages", "do": "fail", "status": 422, "times": 2})
        await bench.accept(message("M2", "again", type="image", media=IMAGE), content=PICTURE)
        await bench.shown("look", "again\n[image cat.png: HTTP 422: told to fail]")
        inside = IMAGE | {"base64": base64.b64encode(PICTURE).decode()}
        await bench.accept(message("M3", type="image", media=inside))
        await bench.until(lambda: len(chatwoot.messages) == 3)
        assert len(chatwoot.messages[2]["attachments"]) == 1


async def test_a_group_is_one_contact_and_authors_come_first(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot) as bench:
        await bench.accept(message("G1", "hi", chat=GROUP), message("G2", "ho", chat=GROUP, name="Bruno"))
        await bench.shown("Ana: hi", "Bruno: ho")
        (contact,) = chatwoot.state["contacts"]
        assert (contact["name"], contact["identifier"], contact["phone_number"]) == ("Family", GROUP, None)
        await bench.set(ignoreGroups=True)
        assert not bench.api.backend.chatwoot.wants(bench.record, message("G3", "no", chat=GROUP))
        assert bench.api.backend.chatwoot.wants(bench.record, message("M3", "yes"))


@pytest.mark.parametrize("reopen", [True, False])
async def test_a_resolved_conversation_is_reopened_or_left(chatwoot: Chatwoot, tmp_path: Path, reopen: bool) -> None:
    async with connected(tmp_path, chatwoot, startAsPending=True, reopenResolved=reopen) as bench:
        await bench.accept(message("M1", "one"))
        await bench.shown("one")
        (first,) = chatwoot.state["conversations"]
        assert first["status"] == "pending"
        chatwoot.tell("status", conversation=first["id"], status="resolved")
        await bench.accept(message("P1", "by phone", direction="outgoing"))
        await bench.shown("one", "by phone")
        assert [one["status"] for one in chatwoot.state["conversations"]] == ["resolved"], "what we say reopens nothing"
        await bench.accept(message("M2", "two"))
        await bench.shown("one", "by phone", "two")
        assert [one["status"] for one in chatwoot.state["conversations"]] == (["open"] if reopen else ["resolved", "pending"])


async def test_what_was_removed_in_chatwoot_is_made_again(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot) as bench:
        await bench.accept(message("M1", "one"))
        await bench.shown("one")
        chatwoot.tell("forget", conversation=chatwoot.state["conversations"][0]["id"])
        await bench.accept(message("M2", "two"))
        await bench.shown("one", "two")
        assert len(chatwoot.state["conversations"]) == len(chatwoot.state["contacts"]) == 1


@pytest.mark.long
async def test_an_outage_loses_nothing_doubles_nothing_and_keeps_the_order(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot) as bench:
        await bench.api.new("support")
        assert (await bench.api.call("POST", "/api/chatwoot/set/support", chatwoot.body(inboxName="S"))).status_code == 201
        bench.api.backend.chatwoot.seconds = 0.3
        chatwoot.faults({"match": "POST .*/messages", "do": "hang_after", "times": 1})
        other = "5511999990002@s.whatsapp.net"
        await bench.accept(message("M0", "text 0"))
        await bench.shown("text 0")  # it is there, and the answer never comes
        chatwoot.faults({"match": "accounts", "do": "fail", "status": 503})
        await bench.accept(message("N0", "note 0", chat=other))
        for number in range(1, 4):
            await bench.accept(message(f"M{number}", f"text {number}"), message(f"N{number}", f"note {number}", chat=other))
        await bench.until(lambda: bench.record.blocks["chatwoot"].get("error") == "HTTP 503: told to fail")
        assert (await bench.list())["last_error"] == "HTTP 503: told to fail"
        assert (await bench.api.item("sales"))["chatwoot"]["error"] == "HTTP 503: told to fail"
        bench.api.backend.chatwoot.seconds = 15
        chatwoot.faults()
        await bench.set()  # who knows that it is back need not wait for the next knock
        await bench.until(lambda: len(chatwoot.messages) == 8)
        for word in ("text", "note"):
            assert [text for text in chatwoot.texts() if word in text] == [f"{word} {number}" for number in range(4)]
        await bench.until(lambda: bench.record.blocks["chatwoot"]["status"] == "active")
        assert (await bench.list())["last_error"] == ""


async def test_a_post_whose_answer_never_came_is_not_made_again(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot) as bench:
        bench.api.backend.chatwoot.seconds = 0.3
        chatwoot.faults({"match": "POST .*/messages", "do": "hang_after", "times": 1})
        await bench.accept(message("M1", "once"), message("M2", "then"))
        await bench.shown("once", "then")


async def test_a_token_that_was_revoked_pauses_and_setting_it_again_goes_on(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot) as bench:
        chatwoot.tell("token", token=ADMIN, gone=True)
        await bench.accept(message("M1", "one"), message("M2", "two"))
        await bench.until(lambda: bench.record.blocks["chatwoot"]["status"] == "paused")
        assert "Invalid Access Token" in (await bench.list())["last_error"]
        chatwoot.tell("token", token="new-token", gone=False)
        await bench.set(chatwootApiToken="new-token")
        await bench.shown("one", "two")
        assert (await bench.list())["status"] == "active"


# -- out of it ---------------------------------------------------------------------------------------------------------


async def test_an_agents_reply_is_sent_once_and_its_echo_is_not_shown(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot, signMessages=True) as bench:
        await bench.accept(message("M1", "hello"))
        await bench.shown("hello")
        assert (await bench.replied("hi **there**", times=2))["answered"] == [200, 200]
        await bench.until(lambda: bench.phone.sent)
        await bench.replied("", files=[{"name": "cat.png", "type": "image/png", "content": base64.b64encode(PICTURE).decode()}])
        await bench.until(lambda: len(bench.phone.sent) == 2)
        first, second = bench.phone.sent
        assert (first.to, first.text, first.content) == (ANA, "*Ana Agent*\nhi *there*", None)
        assert (second.content, second.kind, second.mimetype, second.file_name) == (PICTURE, "image", "image/png", "cat.png")
        await bench.replied("for colleagues", private=True)
        await bench.accept(message("SENT1", "hi there", direction="outgoing"))
        await bench.accept(message("M2", "thanks"))
        await bench.shown("hello", "thanks")
        assert len(bench.phone.sent) == 2


async def test_a_reply_that_cannot_be_sent_becomes_a_private_note(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot) as bench:
        await bench.accept(message("M1", "hello"))
        await bench.shown("hello")
        bench.phone.refuses = "Instance is not connected to WhatsApp"
        await bench.replied("hi")
        await bench.shown("hello", "Not sent to WhatsApp: Instance is not connected to WhatsApp.")
        assert chatwoot.messages[-1]["private"] is True
        chatwoot.faults({"match": "active_storage", "do": "fail", "status": 404})
        await bench.replied("", files=[{"name": "a.pdf", "type": "application/pdf", "content": "AAAA"}])
        await bench.until(lambda: len(chatwoot.messages) == 3)
        assert chatwoot.texts()[-1] == "Not sent: the attachment could not be fetched (HTTP 404)."


async def test_a_callback_is_unguessable_bounded_and_not_in_the_log(
    chatwoot: Chatwoot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="ryze_tui")
    async with connected(tmp_path, chatwoot) as bench:
        path = urlsplit(chatwoot.state["inboxes"][0]["webhook_url"]).path
        event = {"event": "message_created", "message_type": "outgoing", "id": 1, "content": "x", "conversation": {"id": 1}}
        assert await bench.api.refused("POST", path[:-1] + "_", event, token=None) == (404, "Not found")
        assert (await bench.api.refused("POST", path, token=None, content=b"x" * (1024 * 1024 + 1)))[0] == 413
        assert (await bench.api.refused("POST", path, token=None, content=b"nonsense"))[0] == 400
        assert (await bench.api.call("POST", path, {"event": "conversation_updated"}, token=None)).status_code == 200
        bench.api.server.app.state.callbacks._sizes = {"global": 0}
        assert (await bench.api.refused("POST", path, event, token=None))[0] == 429
        await bench.api.call("DELETE", "/api/chatwoot/delete/sales")
        assert (await bench.api.refused("POST", path, event, token=None))[0] == 404
        assert bench.phone.sent == []
    assert path.rpartition("/")[2] not in caplog.text and "POST /chatwoot/" in caplog.text and ADMIN not in caplog.text


# -- ends of the server ------------------------------------------------------------------------------------------------


async def test_what_was_accepted_is_shown_by_the_next_server(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot) as bench:
        chatwoot.faults({"match": "accounts", "do": "hang"})
        await bench.accept(message("M1", "secret text", type="image", media=IMAGE), content=PICTURE)
        await bench.until(lambda: "GET /api/v1/accounts/5/contacts/search" in chatwoot.state["calls"])
    disk = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir() if path.is_file())
    assert b"secret text" not in disk and ADMIN.encode() not in disk
    chatwoot.faults()
    async with benched(tmp_path, chatwoot) as bench:
        await bench.shown("secret text")
        assert len(chatwoot.messages[0]["attachments"]) == 1


@pytest.mark.long
async def test_a_reply_that_was_being_sent_is_not_sent_again_but_spoken_of(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot) as bench:
        await bench.accept(message("M1", "hello"))
        await bench.shown("hello")
        bench.phone.hangs = True
        await bench.replied("hi")
        await bench.until(lambda: bench.phone.sent)
    async with benched(tmp_path, chatwoot) as bench:
        await bench.until(lambda: len(chatwoot.messages) == 2)
        assert chatwoot.texts()[1].startswith("The server was stopped while this reply was being sent.")
        assert bench.phone.sent == []


async def test_a_deleted_instance_takes_its_queue_with_it(chatwoot: Chatwoot, tmp_path: Path) -> None:
    async with connected(tmp_path, chatwoot) as bench:
        chatwoot.faults({"match": "accounts", "do": "fail", "status": 503})
        await bench.accept(message("M1", "one"))
        await bench.until(lambda: bench.record.blocks["chatwoot"]["status"] == "error")
        await bench.api.ok("DELETE", "/api/instance/delete/sales")
        assert await leftovers(bench.api) == []
        await bench.api.new("sales")
        assert await bench.api.refused("GET", "/api/chatwoot/list/sales") == (404, "no chatwoot integration for this instance")


async def leftovers(api: Api) -> list[Any]:
    query = "SELECT id FROM chatwoot_queue UNION ALL SELECT jid FROM chatwoot_chats"
    return list(await api.backend.store.database.read(text(query)))

