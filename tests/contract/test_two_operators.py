"""Two operators on one block of one real server: nobody's change is erased unseen, whichever way they cross."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from ryze_tui.operations.account import Account
from ryze_tui.operations.configuring import Configuring, Held, Saved
from ryze_tui.operations.editing import Edit
from ryze_tui.operations.outcome import Outcome

from .harness import TOKEN, Api

WEBHOOK = {
    "label": "default", "enabled": True, "url": "https://hooks.acme.com/wa", "authorization": "Bearer abc123", "byEvents": False,
    "events": ["message.exchange", "instance.state"], "mediaBase64": False,
}
PROXY = {
    "enabled": True, "host": "proxy.acme.com", "port": "1080", "protocol": "socks5", "username": "ana", "password": "pw-of-ana",
}


class Operator:
    """One person's console, below its screens: reads, edits, reviews, saves."""

    def __init__(self, api: Api) -> None:
        self.account = Account(api.url, TOKEN)
        configuring = self.account.configuring
        assert configuring is not None
        configuring._keeps_secrets = lambda: True
        self.configuring: Configuring = configuring

    async def read(self, kind: str = "webhook") -> Held:
        held = await self.configuring.read(kind, "sales")
        assert isinstance(held, Held)
        return held

    async def begin(self, kind: str = "webhook", **changes: Any) -> Edit:
        edit = self.configuring.edit(kind, await self.read(kind))
        for name, value in changes.items():
            edit.set(name, value)
        return edit

    async def save(self, edit: Edit, reviewed: Held | None = None, theirs: frozenset[str] = frozenset()) -> Saved:
        now = reviewed or await self.read(edit.wire.kind)
        return await self.configuring.save("sales", edit, now, theirs)


@pytest_asyncio.fixture
async def two(api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[tuple[Operator, Operator]]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    await api.new("sales")
    await api.ok("POST", "/api/events/webhook/sales", WEBHOOK)
    await api.ok("POST", "/api/instance/proxy/sales", PROXY)
    ana, ben = Operator(api), Operator(api)
    yield ana, ben
    await ana.account.close()
    await ben.account.close()


async def held(api: Api) -> dict[str, Any]:
    return (await api.ok("GET", "/api/events/getWebhook/sales"))["webhooks"][0]  # type: ignore[no-any-return]


Two = tuple[Operator, Operator]


async def test_different_fields_both_survive(api: Api, two: Two) -> None:
    ana, ben = two
    hers, his = await ana.begin(url="https://ana.acme.com"), await ben.begin(byEvents=True)
    assert (await ana.save(hers)).differs == ()
    now = await ben.read()
    assert [(line.field.name, line.conflict) for line in his.review(now.values)] == [("url", False), ("byEvents", False)]
    assert (await ben.save(his, now)).differs == ()
    assert await held(api) == WEBHOOK | {"url": "https://ana.acme.com", "byEvents": True}


WINS = [(frozenset({"url"}), "https://ana.acme.com"), (frozenset[str](), "https://ben.acme.com")]


@pytest.mark.parametrize(("theirs", "url"), WINS)
async def test_the_same_field_is_a_conflict_and_either_may_win(api: Api, two: Two, theirs: frozenset[str], url: str) -> None:
    ana, ben = two
    hers, his = await ana.begin(url="https://ana.acme.com"), await ben.begin(url="https://ben.acme.com", mediaBase64=True)
    await ana.save(hers)
    now = await ben.read()
    lines = {line.field.name: line for line in his.review(now.values)}
    assert lines["url"].conflict and lines["url"].now == "https://ana.acme.com" and not lines["mediaBase64"].conflict
    assert (await ben.save(his, now, theirs)).differs == ()
    assert await held(api) == WEBHOOK | {"url": url, "mediaBase64": True}


async def test_one_switches_off_while_the_other_edits(api: Api, two: Two) -> None:
    ana, ben = two
    his = await ben.begin(url="https://ben.acme.com")
    await ana.save(await ana.begin(enabled=False))
    now = await ben.read()
    lines = {line.field.name: line for line in his.review(now.values)}
    assert lines["enabled"].conflict and (lines["enabled"].now, lines["enabled"].yours) == (False, True)
    assert lines["authorization"].yours == "Bearer abc123" and lines["url"].yours == "https://ben.acme.com"
    saved = await ben.save(his, now)
    assert saved.outcome.ok and saved.differs == ()
    assert await held(api) == WEBHOOK | {"url": "https://ben.acme.com"}


async def test_it_may_stay_off(api: Api, two: Two) -> None:
    ana, ben = two
    his = await ben.begin(url="https://ben.acme.com")
    await ana.save(await ana.begin(enabled=False))
    saved = await ben.save(his, await ben.read(), frozenset({"enabled"}))
    assert saved.outcome.ok and (await held(api))["enabled"] is False and (await held(api))["url"] == ""


async def test_one_edits_while_the_other_switches_off(api: Api, two: Two) -> None:
    ana, ben = two
    his = await ben.begin(enabled=False)
    await ana.save(await ana.begin(url="https://ana.acme.com"))
    now = await ben.read()
    lines = {line.field.name: line for line in his.review(now.values)}
    assert lines["url"].erased and lines["url"].now == "https://ana.acme.com"
    await ben.save(his, now)
    assert (await held(api))["enabled"] is False


async def test_a_secret_that_was_erased_meanwhile_is_asked_for(api: Api, two: Two) -> None:
    ana, ben = two
    his = await ben.begin("proxy", port="1081")
    assert his.problems() == {}
    await ana.save(await ana.begin("proxy", enabled=False))
    now = await ben.read("proxy")
    assert "switched it off meanwhile" in his.lost(now.values)["password"]
    his.set("password", "pw-of-ana")
    assert his.lost(now.values) == {}
    assert (await ben.save(his, now)).differs == ()
    proxy = (await api.ok("GET", "/api/instance/getProxy/sales"))["proxy"]
    assert (proxy["enabled"], proxy["port"], proxy["username"]) == (True, "1081", "ana")


async def test_a_password_goes_with_the_account_it_was_typed_for(api: Api, two: Two) -> None:
    """Nobody can see that a hidden secret changed; that what it belongs to changed can be seen, and makes it a conflict."""
    ana, ben = two
    his = await ben.begin("proxy", password="pw-of-ben")
    await ana.save(await ana.begin("proxy", host="other.acme.com", password="pw-of-other"))
    now = await ben.read("proxy")
    lines = {line.field.name: line for line in his.review(now.values)}
    assert lines["password"].conflict and not lines["host"].conflict
    assert "password" not in his.body(now.values, frozenset({"password"}))
    assert his.body(now.values)["password"] == "pw-of-ben"


async def test_one_deletes_the_instance_while_the_other_edits(api: Api, two: Two) -> None:
    ana, ben = two
    his = await ben.begin(url="https://ben.acme.com")
    now = await ben.read()
    assert (await ana.account.delete("sales")).ok
    again = await ben.configuring.read("webhook", "sales")
    assert isinstance(again, Outcome) and again.message == "Instance not found"
    saved = await ben.save(his, now)  # the review stood open meanwhile
    assert not saved.outcome.ok and saved.outcome.message == "Instance not found" and his.dirty
    await api.new("sales")  # another one of that name: nothing of it is what he had opened
    assert [line.conflict for line in his.review((await ben.read()).values) if line.field.name == "enabled"] == [True]


@pytest.mark.parametrize("change", [{"url": "https://ana.acme.com"}, {"enabled": False}, {"mediaBase64": True}])
async def test_what_changes_while_the_review_stands_open_is_reviewed_again(api: Api, two: Two, change: dict[str, Any]) -> None:
    ana, ben = two
    his = await ben.begin(byEvents=True)
    reviewed = await ben.read()
    await ana.save(await ana.begin(**change))
    before = await held(api)
    saved = await ben.save(his, reviewed)
    assert not saved.outcome.ok and saved.moved is not None and await held(api) == before  # nothing was written
    assert next(iter(change)) in {line.field.name for line in his.review(saved.moved.values)}
    assert (await ben.save(his, saved.moved)).differs == ()
    after = await held(api)
    assert after["byEvents"] and (after["enabled"] is True) and (change.get("url") in (None, after["url"]))


async def test_settings_are_merged_so_other_fields_are_not_at_stake(api: Api, two: Two) -> None:
    ana, ben = two
    his = await ben.begin("settings", ignoreStatus=True)
    reviewed = await ben.read("settings")
    await ana.save(await ana.begin("settings", autoReadMessages=True))
    assert (await ben.save(his, reviewed)).outcome.ok
    again = await ben.begin("settings", autoReadMessages=False)
    reviewed = await ben.read("settings")
    settings = (await api.ok("GET", "/api/instance/getSettings/sales"))["settings"]
    assert settings["ignoreStatus"] and settings["autoReadMessages"]
    await ana.save(await ana.begin("settings", ignoreStatus=False))
    assert (await ben.save(again, reviewed)).moved is None
    settings = (await api.ok("GET", "/api/instance/getSettings/sales"))["settings"]
    assert not settings["ignoreStatus"] and not settings["autoReadMessages"]


def between(operator: Operator, when: str, act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run something else in the one round trip: right before or right after this operator's write."""
    client = operator.configuring._client
    write = client.set_block

    async def crossed(*arguments: Any) -> dict[str, Any]:
        if when == "before":
            await act()
        answer = await write(*arguments)
        if when == "after":
            await act()
        return answer

    monkeypatch.setattr(client, "set_block", crossed)


async def test_the_one_round_trip_that_is_left_is_seen_by_the_other(api: Api, two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ben writes after Ana's write and before she has looked: she asked for something that is not held, and is told."""
    ana, ben = two
    hers, his = await ana.begin(url="https://ana.acme.com"), await ben.begin(byEvents=True)
    now = await ben.read()
    body = his.body(now.values)

    async def his_write() -> None:
        await api.ok("POST", "/api/events/webhook/sales", body)

    between(ana, "after", his_write, monkeypatch)
    saved = await ana.save(hers)
    assert saved.outcome.ok
    assert {(line.field.name, line.now, line.yours) for line in saved.differs} == {
        ("url", WEBHOOK["url"], "https://ana.acme.com"), ("byEvents", True, False),
    }  # fmt: skip


async def test_on_a_server_with_conditions_the_round_trip_before_a_write_is_closed_too(
    api: Api, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ben writes between Ana's last look and her write: she is asked, and his change stands."""
    ana, ben = two
    hers, his = await ana.begin(url="https://ana.acme.com"), await ben.begin(url="https://ben.acme.com")
    body = his.body((await ben.read()).values)

    async def his_write() -> None:
        await api.ok("POST", "/api/events/webhook/sales", body)

    between(ana, "before", his_write, monkeypatch)
    saved = await ana.save(hers)
    assert not saved.outcome.ok and saved.moved is not None and saved.moved.values is not None
    assert saved.moved.values["url"] == "https://ben.acme.com"
    assert (await api.ok("GET", "/api/events/getWebhook/sales?label=default"))["webhook"]["url"] == "https://ben.acme.com"


async def test_another_row_that_is_written_meanwhile_is_no_reason_to_ask(
    api: Api, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, _ben = two
    hers, rows = await ana.begin(url="https://ana.acme.com"), []

    async def another() -> None:
        if not rows:
            rows.append(await api.ok("POST", "/api/events/webhook/sales", WEBHOOK | {"label": "audit"}))

    between(ana, "before", another, monkeypatch)
    saved = await ana.save(hers)
    assert rows and saved.outcome.ok and not saved.differs
    held = (await api.ok("GET", "/api/events/getWebhook/sales"))["webhooks"]
    assert [(row["label"], row["url"]) for row in held] == [("audit", WEBHOOK["url"]), ("default", "https://ana.acme.com")]
