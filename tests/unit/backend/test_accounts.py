"""Accounts on a real database: tokens that die for good, removals that are finished, quotas, older databases."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.backend.accounts import FIRST
from ryze_tui.backend.admin import wire
from ryze_tui.backend.admin.commands import answer
from ryze_tui.backend.app import Backend
from ryze_tui.backend.boot import opened
from ryze_tui.backend.errors import ApiError, StartupError
from ryze_tui.backend.secrets import token_digest
from ryze_tui.backend.settings import Settings
from ryze_tui.backend.store.schema import SCHEMA_VERSION

TOKEN = "account-token-0123456789"


def settings(home: Path, **more: Any) -> Settings:
    defaults = {"key_file": home / "key", "account_token": TOKEN, "simulator_speed": 50.0}
    return Settings(data_dir=home / "data", **(defaults | more))


async def do(backend: Backend, what: str, name: str = "", quota: int | None = None) -> dict[str, Any]:
    async def tell(_done: int, _of: int) -> None:
        return

    return await answer(backend, wire.Request(what, name, quota), tell)


async def added(backend: Backend, name: str, quota: int | None = None) -> str:
    token: str = (await do(backend, "add", name, quota))["ok"]["token"]
    return token


def account(backend: Backend, token: str) -> str:
    found = backend.catalog.account_of(token)
    assert found is not None
    return found


async def names(backend: Backend) -> list[str]:
    return [row["name"] for row in (await do(backend, "list"))["ok"]["accounts"]]


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_an_added_account_is_there_after_a_restart(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        token = await added(backend, "acme", 3)
        rows = sqlite3.connect(tmp_path / "data" / "ryze.db").execute("SELECT name, quota FROM accounts ORDER BY name").fetchall()
        assert rows == [("acme", 3), ("default", None)], "on the disk before it is told"
        assert await do(backend, "add", "acme") == {"error": wire.EXISTS}
    async with opened(settings(tmp_path)) as backend:
        (acme, first) = (await do(backend, "list"))["ok"]["accounts"]
        assert (acme["name"], acme["quota"], acme["ownQuota"], acme["instances"]) == ("acme", 3, True, 0)
        assert (first["name"], first["quota"], first["ownQuota"]) == ("default", 0, False)
        assert account(backend, token) != account(backend, TOKEN)


async def test_no_token_is_on_the_disk(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        tokens = [await added(backend, "acme"), (await do(backend, "rotate", "acme"))["ok"]["token"]]
        assert len(set(tokens)) == 2 and all(len(token) >= 43 for token in tokens)
    raw = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir() if path.is_file())
    assert token_digest(tokens[1]).encode() in raw
    assert not [token for token in tokens if token.encode() in raw]


async def test_a_rotated_token_is_dead_for_good(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        owner, first = account(backend, TOKEN), (await do(backend, "rotate", FIRST))["ok"]["token"]
        assert backend.catalog.account_of(TOKEN) is None
        assert account(backend, first) == owner
        second = (await do(backend, "rotate", FIRST))["ok"]["token"]
    for given in (TOKEN, first, "", second):  # RYZE_ACCOUNT_TOKEN may well hold a token that was rotated away
        async with opened(settings(tmp_path, account_token=given)) as backend:
            assert account(backend, second) == owner
            assert backend.catalog.account_of(TOKEN) is None and backend.catalog.account_of(first) is None
            with pytest.raises(ApiError, match="Token already in use"):
                await backend.catalog.create(owner, "sales", TOKEN, [])
    async with opened(settings(tmp_path, account_token="another-one-0123456789")) as backend:
        assert account(backend, "another-one-0123456789") == owner, "a token that never was one still replaces it"


async def test_a_start_says_that_the_environment_holds_a_dead_token(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(settings(tmp_path)) as backend:
        await do(backend, "rotate", FIRST)
    with caplog.at_level(logging.WARNING):
        async with opened(settings(tmp_path)):
            pass
    assert "RYZE_ACCOUNT_TOKEN holds a token that was revoked" in caplog.text
    assert TOKEN not in caplog.text


async def test_the_environments_token_may_go_to_and_fro(tmp_path: Path) -> None:
    for given in (TOKEN, "another-one-0123456789", TOKEN):
        async with opened(settings(tmp_path, account_token=given)) as backend:
            account(backend, given)


async def test_the_environments_token_cannot_be_somebody_elses(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        theirs = await added(backend, "acme")
        instance = await backend.catalog.create(account(backend, theirs), "sales", "", [])
    for given in (theirs, instance.token):
        with pytest.raises(StartupError, match="another account or of an instance") as caught:
            async with opened(settings(tmp_path, account_token=given)):
                pass
        assert given not in str(caught.value)


async def test_the_file_of_the_first_token_is_kept_true(tmp_path: Path) -> None:
    file, start = tmp_path / "data" / "account-token", settings(tmp_path, account_token="")
    async with opened(start) as backend:
        old = file.read_text()
        token = (await do(backend, "rotate", FIRST))["ok"]["token"]
        assert (file.read_text().strip(), file.stat().st_mode & 0o777) == (token, 0o600)
    file.write_text(old)  # as a kill between the database and the file leaves it
    async with opened(start) as backend:
        assert not file.exists(), "a token that is dead is not left lying about"
        assert account(backend, token)
    async with opened(settings(tmp_path)) as backend:
        await do(backend, "rotate", FIRST)
        assert not file.exists(), "no file is made where there was none"


async def test_a_removed_account_takes_its_instances_along(tmp_path: Path) -> None:
    async with opened(settings(tmp_path, simulator_instances=12)) as backend:
        first, theirs = account(backend, TOKEN), await added(backend, "acme")
        other = await backend.catalog.create(account(backend, theirs), "sales", "", [])
        gone = backend.catalog.of_account(first)
        assert await do(backend, "remove", FIRST) == {"ok": {"instances": 12}}
        assert [backend.catalog.instance_of(record.token) for record in gone] == [None] * 12
        assert all(record.gone for record in gone) and backend.catalog.account_of(TOKEN) is None
        assert await names(backend) == ["acme"]
        assert backend.catalog.instance_of(other.token) is other
        assert await do(backend, "remove", "acme") == {"error": wire.LAST}
        assert await do(backend, "remove", FIRST) == {"error": wire.NOT_FOUND}
        left = sqlite3.connect(tmp_path / "data" / "ryze.db").execute("SELECT count(*) FROM sessions").fetchone()
        assert left == (0,)
    for given in ("", TOKEN):
        async with opened(settings(tmp_path, account_token=given, simulator_instances=12)) as backend:
            assert await names(backend) == ["acme"], "it does not come back"
    async with opened(settings(tmp_path, account_token="a-new-first-token-0123")) as backend:
        assert await names(backend) == ["acme", "default"], "unless somebody gives it a new token"


async def test_a_removal_that_was_interrupted_is_finished_at_the_next_start(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        theirs = await added(backend, "acme")
        record = await backend.catalog.create(account(backend, theirs), "sales", "", [])
        await backend.catalog.accounts.condemn(backend.catalog.accounts.find("acme"))
        assert backend.catalog.account_of(theirs) is None, "the token is dead from the first step"
        assert backend.catalog.instance_of(record.token) is None
        assert await do(backend, "add", "acme") == {"error": wire.BEING_REMOVED}
        assert await do(backend, "rotate", "acme") == {"error": wire.BEING_REMOVED}
        assert await do(backend, "set", "acme", 5) == {"error": wire.BEING_REMOVED}
        with pytest.raises(ApiError, match="Invalid token"):
            await backend.catalog.create(record.account, "late", "", [])
        assert await do(backend, "remove", FIRST) == {"error": wire.LAST}, "one that goes does not count"
    async with opened(settings(tmp_path)) as backend:
        assert backend.catalog.account_of(theirs) is None
        assert backend.catalog.instance_of(record.token) is None
        await until(lambda: len(backend.catalog.accounts.all()) == 1)
        assert not backend.catalog.by_id
    assert sqlite3.connect(tmp_path / "data" / "ryze.db").execute("SELECT name FROM accounts").fetchall() == [("default",)]


async def test_what_cannot_be_deleted_is_said_and_can_be_tried_again(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        theirs = account(backend, await added(backend, "acme"))
        for name in ("stuck", "free"):
            await backend.catalog.create(theirs, name, "", [])
        other = sqlite3.connect(tmp_path / "data" / "ryze.db")
        stuck = "BEFORE DELETE ON instances WHEN old.name = 'stuck'"
        other.execute(f"CREATE TRIGGER t {stuck} BEGIN SELECT RAISE(FAIL, 'disk full'); END")
        told = await do(backend, "remove", "acme")
        assert (told["error"], told["left"], told["of"]) == (wire.LEFT_OVER, 1, 2) and "disk full" in told["why"]
        assert [row["removing"] for row in (await do(backend, "list"))["ok"]["accounts"]] == [True, False]
        other.execute("DROP TRIGGER t")
        other.commit()
        other.close()
        assert await do(backend, "remove", "acme") == {"ok": {"instances": 1}}


async def test_a_database_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        theirs = await added(backend, "acme", 1)
        other = sqlite3.connect(tmp_path / "data" / "ryze.db")
        for verb in ("INSERT", "UPDATE", "DELETE"):
            other.execute(f"CREATE TRIGGER t{verb} BEFORE {verb} ON accounts BEGIN SELECT RAISE(FAIL, 'disk full'); END")
        for what, name in (("add", "more"), ("rotate", "acme"), ("remove", "acme"), ("set", "acme")):
            assert await do(backend, what, name) == {"error": wire.FAILED, "why": "disk full"}, what
        assert account(backend, theirs) and await names(backend) == ["acme", "default"]
        assert backend.catalog.accounts.limit(account(backend, theirs)) == 1
        for verb in ("INSERT", "UPDATE", "DELETE"):
            other.execute(f"DROP TRIGGER t{verb}")
        other.close()
        assert "ok" in await do(backend, "add", "more"), "the name was not kept"


async def test_quotas(tmp_path: Path) -> None:
    async with opened(settings(tmp_path, instance_quota=2)) as backend:
        catalog = backend.catalog
        wanted = {"none": None, "any": 0, "one": 1}
        owners = {name: account(backend, await added(backend, name, quota)) for name, quota in wanted.items()}
        for name, room in (("none", 2), ("any", 4), ("one", 1)):
            for index in range(room):
                await catalog.create(owners[name], f"n-{index}", "", [])
            if name != "any":
                with pytest.raises(ApiError, match="Account instance quota exceeded") as caught:
                    await catalog.create(owners[name], "more", "", [])
                assert caught.value.status == 403
        told = (await do(backend, "set", "any", 1))["ok"]["account"]
        assert (told["instances"], told["quota"]) == (4, 1), "fewer than there are is possible"
        with pytest.raises(ApiError, match="quota"):
            await catalog.create(owners["any"], "more", "", [])
        await do(backend, "set", "any", 5)
        await catalog.create(owners["any"], "more", "", [])
    async with opened(settings(tmp_path, instance_quota=2)) as backend:
        assert [backend.catalog.accounts.limit(owners[name]) for name in ("none", "any", "one")] == [2, 5, 1]


async def test_commands_at_the_same_time(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        told = await asyncio.gather(*(do(backend, "add", "acme") for _ in range(5)))
        assert sorted("ok" in one for one in told) == [False] * 4 + [True]
        tokens = [one["ok"]["token"] for one in await asyncio.gather(*(do(backend, "rotate", "acme") for _ in range(5)))]
        assert [backend.catalog.account_of(token) is not None for token in tokens] == [False] * 4 + [True]
        await backend.catalog.create(account(backend, tokens[-1]), "sales", "", [])
        told = await asyncio.gather(do(backend, "remove", "acme"), do(backend, "remove", FIRST), do(backend, "remove", "acme"))
        assert told[1] == {"error": wire.LAST}
        assert [one for one in told if "ok" in one] == [{"ok": {"instances": 1}}]
        assert await names(backend) == [FIRST]


async def version_1(home: Path) -> None:
    """A database as the first version made it, with an account and an instance."""
    async with opened(settings(home)) as backend:
        await backend.catalog.create(account(backend, TOKEN), "sales", "", [])
    database = sqlite3.connect(home / "data" / "ryze.db")
    for statement in ("ALTER TABLE accounts DROP COLUMN quota", "ALTER TABLE accounts DROP COLUMN removing",
                      "DROP TABLE revoked_tokens", "UPDATE meta SET value = '1' WHERE key = 'schema_version'"):  # fmt: skip
        database.execute(statement)
    database.commit()
    database.close()


async def test_an_older_database_is_brought_up_to_date(tmp_path: Path) -> None:
    await version_1(tmp_path)
    async with opened(settings(tmp_path)) as backend:
        assert [record.name for record in backend.catalog.of_account(account(backend, TOKEN))] == ["sales"]
        assert "ok" in await do(backend, "add", "acme", 5)
        assert "ok" in await do(backend, "rotate", FIRST)
    async with opened(settings(tmp_path)) as backend:
        assert backend.catalog.account_of(TOKEN) is None
    database = sqlite3.connect(tmp_path / "data" / "ryze.db")
    assert database.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchall() == [(str(SCHEMA_VERSION),)]
    assert database.execute("SELECT name, removing FROM accounts ORDER BY name").fetchall() == [("acme", 0), ("default", 0)]
    assert json.dumps(TOKEN)[1:-1] not in "".join(map(str, database.execute("SELECT * FROM revoked_tokens").fetchall()))
