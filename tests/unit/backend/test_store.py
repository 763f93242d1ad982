"""What a real database keeps: over restarts, encrypted, and with clear words when it cannot be used."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from ryze_tui.api.blocks import WebSocket
from ryze_tui.backend.blocks import split
from ryze_tui.backend.boot import Backend, opened
from ryze_tui.backend.engine.port import UNREADABLE
from ryze_tui.backend.errors import ApiError, StartupError, StoreError
from ryze_tui.backend.settings import Settings
from ryze_tui.backend.store import schema
from ryze_tui.backend.table import Stage
from sqlalchemy import insert

from tests.fakes.proxy import CountingProxy, counting_proxy

TOKEN = "account-token-0123456789"


def settings(home: Path, **more: Any) -> Settings:
    defaults = {"key_file": home / "key", "account_token": TOKEN, "simulator_speed": 50.0}
    return Settings(data_dir=home / "data", **(defaults | more))


def account(backend: Backend) -> str:
    found = backend.catalog.account_of(TOKEN)
    assert found is not None
    return found


FLAT = {
    "proxyEnabled": True, "proxyHost": "proxy.example.com", "proxyPort": 1080, "proxyProtocol": "socks5", "proxyUsername": "u",
    "proxyPassword": "PROXY-SECRET", "webhookEnabled": True, "webhookURL": "https://example.com/hook",
    "webhookAuthorization": "Bearer WEBHOOK-SECRET", "s3Enabled": True, "s3SecretKey": "S3-SECRET",
    "chatwootApiToken": "CW-SECRET",
}


async def create(backend: Backend, name: str, body: dict[str, Any] | None = None, token: str = "") -> Any:
    from ryze_tui.backend.blocks import from_flat

    return await backend.catalog.create(account(backend), name, token, from_flat(body or {}))


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@pytest_asyncio.fixture
async def through() -> AsyncIterator[CountingProxy]:
    """The proxy of FLAT."""
    async with counting_proxy("u", "PROXY-SECRET") as proxy:
        yield proxy


async def test_instances_blocks_and_sessions_survive_a_restart(tmp_path: Path, through: CountingProxy) -> None:
    async with opened(settings(tmp_path)) as backend:
        record = await create(backend, "sales", FLAT | {"proxyHost": "127.0.0.1", "proxyPort": through.port})
        asking = await backend.instances.connect(record)
        assert asking is not None and asking.startswith("https://wa.me/")
        from ryze_tui.backend.engine.simulated.controls import Controls

        await Controls(backend.engine).act(record.id, "scan", {"number": "5511999990001", "name": "Acme"})  # type: ignore[arg-type]
        await until(lambda: record.stage is Stage.CONNECTED)
        await create(backend, "spare")
        since = backend.catalog.find(account(backend), "spare").since  # type: ignore[union-attr]
    async with opened(settings(tmp_path)) as backend:
        again = backend.catalog.find(account(backend), "sales")
        spare = backend.catalog.find(account(backend), "spare")
        assert again is not None and spare is not None
        assert (again.id, again.token, again.number, again.profile_name) == (record.id, record.token, "5511999990001", "Acme")
        assert again.blocks == record.blocks and again.blocks["proxy"]["port"] == str(through.port)
        assert (spare.since, spare.state) == (since, "disconnected")
        assert backend.catalog.instance_of(record.token) is again
        await until(lambda: again.stage is Stage.CONNECTED)
        assert len(through.upstream) == 3, "a pairing, the link after it, and the one after the restart"


async def test_nothing_secret_is_readable_on_the_disk(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        record = await create(backend, "sales", FLAT, "instance-token-0123456789")
        await backend.store.save_session(record.id, json.dumps({"number": "SESSION-SECRET"}))
    raw = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir() if path.is_file())
    assert b"proxy.example.com" in raw
    secrets = ["PROXY-SECRET", "WEBHOOK-SECRET", "S3-SECRET", "CW-SECRET", "SESSION-SECRET", TOKEN, "instance-token-0123456789"]
    for secret in secrets:
        assert secret.encode() not in raw, secret


async def test_every_change_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    """Another process sees it at once, so a kill right afterwards loses nothing."""
    async with opened(settings(tmp_path)) as backend:
        database = sqlite3.connect(tmp_path / "data" / "ryze.db")

        def rows(query: str) -> list[Any]:
            return database.execute(query).fetchall()

        assert rows("PRAGMA journal_mode") == [("wal",)]
        record = await create(backend, "sales", {"websocketEnabled": True})
        assert rows("SELECT name, stage FROM instances") == [("sales", "new")]
        assert [json.loads(text)["values"]["enabled"] for (text,) in rows("SELECT json FROM blocks")] == [True]
        await backend.instances.logout(record)
        assert rows("SELECT stage FROM instances") == [("loggedout",)]
        await backend.instances.delete(record)
        assert rows("SELECT count(*) FROM instances") == rows("SELECT count(*) FROM blocks") == [(0,)]
        database.close()


async def test_one_bad_unit_does_not_take_others_with_it(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        statement, write = insert(schema.meta), backend.store.database.write
        units = [write([(statement, {"key": key, "value": "x"})]) for key in ("a", "a", "b")]
        results = await asyncio.gather(*units, return_exceptions=True)
        assert [type(result) for result in results] == [type(None), StoreError, type(None)]
        assert "UNIQUE" in str(results[1])
        assert await backend.store.database.check() == "ok"


async def test_a_database_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        record = await create(backend, "sales")
        other = sqlite3.connect(tmp_path / "data" / "ryze.db")
        other.execute("DROP TABLE instances")
        other.commit()
        with pytest.raises(ApiError, match="Failed to create instance: no such table: instances") as caught:
            await create(backend, "more")
        assert caught.value.status == 500
        assert backend.catalog.find(account(backend), "more") is None
        with pytest.raises(ApiError, match="Failed to delete instance"):
            await backend.instances.delete(record)
        backend.store.touch(record)
        await until(lambda: backend.store.database.failure)
        assert (await backend.store.database.check()).startswith("fail: no such table")
        other.close()


async def test_the_wrong_key_is_noticed_before_anything_else(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)):
        pass
    other = tmp_path / "elsewhere"
    other.mkdir()
    async with opened(settings(other)):
        pass
    with pytest.raises(StartupError, match="the key does not fit the data"):
        async with opened(settings(tmp_path, key_file=other / "key")):
            pass
    (tmp_path / "key").unlink()
    with pytest.raises(StartupError, match="is missing and the data was encrypted with it"):
        async with opened(settings(tmp_path)):
            pass
    assert not (tmp_path / "key").exists()


async def test_a_data_directory_has_one_server(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)):
        with pytest.raises(StartupError, match="another ryze-tui server uses"):
            async with opened(settings(tmp_path)):
                pass


async def test_a_database_has_one_server(tmp_path: Path) -> None:
    """Also when another data directory's server is told to use it."""
    async with opened(settings(tmp_path)):
        there = f"sqlite:///{tmp_path / 'data' / '..' / 'data' / 'ryze.db'}"
        with pytest.raises(StartupError, match="another ryze-tui server uses"):
            async with opened(replace(settings(tmp_path, database=there), data_dir=tmp_path / "other")):
                pass


@pytest.mark.parametrize(("spoil", "says"), [
    (lambda path: path.write_bytes(b"garbage" * 1000), "the database cannot be used"),
    (lambda path: sqlite3.connect(path).execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'").connection.commit(),
     "written by a newer ryze-tui"),
    (lambda path: sqlite3.connect(path).execute("UPDATE instances SET token = 'x'").connection.commit(), "cannot be read"),
    (lambda path: path.write_bytes(path.read_bytes()[:1]), "is gone or empty"),
    (lambda path: sqlite3.connect(path).execute("UPDATE meta SET value = 'x' WHERE key = 'schema_version'").connection.commit(),
     "the database cannot be used"),
    (lambda path: sqlite3.connect(path).execute("UPDATE accounts SET name = CAST(x'ff' AS TEXT)").connection.commit(),
     "the database cannot be used"),
    (lambda path: sqlite3.connect(path).execute("UPDATE instances SET since = 'x'").connection.commit(),
     "a row in it was damaged"),
    (lambda path: sqlite3.connect(path).execute("UPDATE instances SET created_at = 1e18").connection.commit(),
     "a row in it was damaged"),
    (lambda path: sqlite3.connect(path).execute("UPDATE instances SET reason = x'ff'").connection.commit(),
     "a row in it was damaged"),
])  # fmt: skip
async def test_a_spoiled_database_is_a_sentence(tmp_path: Path, spoil: Any, says: str) -> None:
    async with opened(settings(tmp_path)) as backend:
        await create(backend, "sales")
    spoil(tmp_path / "data" / "ryze.db")
    with pytest.raises(StartupError, match=says):
        async with opened(settings(tmp_path)):
            pass


async def test_the_accounts_token(tmp_path: Path) -> None:
    file = tmp_path / "data" / "account-token"
    async with opened(settings(tmp_path, account_token="")) as backend:
        token = file.read_text().strip()
        assert (file.stat().st_mode & 0o777, backend.catalog.account_of(token) is not None) == (0o600, True)
    async with opened(settings(tmp_path, account_token="")) as backend:
        assert (file.read_text().strip(), backend.catalog.account_of(token) is not None) == (token, True)
    async with opened(settings(tmp_path)) as backend:
        assert backend.catalog.account_of(TOKEN) and not backend.catalog.account_of(token)
        assert not file.exists(), "a token that is dead is not left lying about"
    async with opened(settings(tmp_path, account_token="")) as backend:
        assert backend.catalog.account_of(TOKEN) and not file.exists()


async def test_thousands_of_instances_are_light_and_come_back(tmp_path: Path) -> None:
    async with opened(settings(tmp_path, simulator_instances=2000)) as backend:
        before = len(asyncio.all_tasks())
        assert len(backend.catalog.of_account(account(backend))) == 2000
        assert before < 10, "no task per instance"
    async with opened(settings(tmp_path, simulator_instances=5)) as backend:
        records = backend.catalog.of_account(account(backend))
        assert len(records) == 2000, "an account that has instances is not filled again"
        await until(lambda: sum(record.state == "connected" for record in records) >= 1990)


async def test_a_session_that_cannot_be_decrypted_costs_one_instance_and_is_kept(tmp_path: Path) -> None:
    """Shown as disconnected with the reason; with what was there before it comes back."""
    path = tmp_path / "data" / "ryze.db"

    def put(value: str, owner: str) -> str:
        database = sqlite3.connect(path)
        ((before,),) = database.execute("SELECT data FROM sessions WHERE instance_id = ?", [owner]).fetchall()
        database.execute("UPDATE sessions SET data = ? WHERE instance_id = ?", [value, owner])
        database.commit()
        database.close()
        return str(before)

    async with opened(settings(tmp_path, simulator_instances=12)) as backend:
        owner = next(record.id for record in backend.catalog.of_account(account(backend)) if record.state == "connected")
    for broken in ("k1:00000000:AAAA", "not even that"):
        good = put(broken, owner)
        async with opened(settings(tmp_path)) as backend:
            record, others = backend.catalog.by_id[owner], backend.catalog.of_account(account(backend))
            assert (record.state, record.reason) == ("disconnected", UNREADABLE)
            with pytest.raises(ApiError, match="no saved session"):
                await backend.instances.reconnect(record)
            await until(lambda others=others: sum(other.state == "connected" for other in others) >= 2)
        async with opened(settings(tmp_path)) as backend:
            assert backend.catalog.by_id[owner].reason == UNREADABLE, "at the next start too"
        assert put(good, owner) == broken
        async with opened(settings(tmp_path)) as backend:
            record = backend.catalog.by_id[owner]
            await until(lambda record=record: record.state == "connected")


@pytest.mark.parametrize("spoiled", ["", "{", "[]", "{}", '{"values": 5}'])
async def test_a_block_that_cannot_be_read_is_a_sentence(tmp_path: Path, spoiled: str) -> None:
    async with opened(settings(tmp_path)) as backend:
        await create(backend, "sales", {"websocketEnabled": True})
    database = sqlite3.connect(tmp_path / "data" / "ryze.db")
    database.execute("UPDATE blocks SET json = ?", [spoiled])
    database.commit()
    database.close()
    with pytest.raises(StartupError, match="cannot be read"):
        async with opened(settings(tmp_path)):
            pass


async def test_the_writer_outlives_what_no_database_can_hold(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        bad, good = await create(backend, "bad"), await create(backend, "good")
        bad.reason, good.reason = "half a pair \ud800", "fine"
        backend.store.touch(bad)
        backend.store.touch(good)
        with pytest.raises(StoreError):
            await backend.store.flush()
        await create(backend, "after")
        assert "UnicodeEncodeError" in await backend.store.database.check()
        bad.reason = "fine again"
        backend.store.touch(bad)
        await backend.store.flush()
        assert await backend.store.database.check() == "ok"
    async with opened(settings(tmp_path)) as backend:
        found = {record.name: record.reason for record in backend.catalog.of_account(account(backend))}
        assert found == {"bad": "fine again", "good": "fine", "after": ""}


async def test_configuring_what_is_being_deleted_is_a_404(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        record = await create(backend, "sales")
        block = split("websocket", WebSocket(enabled=True))
        both = backend.instances.delete(record), backend.catalog.configure(record, block)
        done = await asyncio.gather(*both, return_exceptions=True)
        assert done[0] is None
        assert isinstance(done[1], ApiError) and (done[1].status, done[1].message) == (404, "Instance not found")


async def test_a_key_file_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it was written, the server must find none: an empty one would look like a key that was lost."""
    monkeypatch.setattr("ryze_tui.backend.secrets.os.fsync", lambda _: (_ for _ in ()).throw(OSError(5, "the power went")))
    with pytest.raises(StartupError):
        async with opened(settings(tmp_path)):
            pass
    assert not (tmp_path / "key").exists()
    monkeypatch.undo()
    async with opened(settings(tmp_path)):
        pass
    assert [path.name for path in tmp_path.iterdir() if "key" in path.name] == ["key"]


async def test_a_flush_puts_on_the_disk_what_may_wait_otherwise(tmp_path: Path) -> None:
    async with opened(settings(tmp_path)) as backend:
        record = await create(backend, "sales")
        record.reason = "changed"
        backend.store.touch(record)
        await backend.store.flush()
        database = sqlite3.connect(tmp_path / "data" / "ryze.db")
        assert database.execute("SELECT reason FROM instances").fetchall() == [("changed",)]
        database.close()


async def test_a_key_file_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    async with opened(settings(tmp_path)):
        pass
    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir() if path.is_file()] == [("key", 0o600)]


@pytest.mark.long
async def test_a_first_start_that_was_cut_short_is_gone_on_with(tmp_path: Path) -> None:
    """Killed between any two statements: the next start makes the rest."""
    whole = tmp_path / "whole"
    async with opened(settings(whole)):
        pass
    database = sqlite3.connect(whole / "data" / "ryze.db")
    made = [sql for (sql,) in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")]
    database.close()
    rows = ["INSERT INTO meta VALUES ('schema_version', '1')"]
    for count in range(len(made) + len(rows) + 1):
        home = tmp_path / str(count)
        (home / "data").mkdir(parents=True)
        (home / "key").write_bytes((whole / "key").read_bytes())
        (home / "key").chmod(0o600)
        database = sqlite3.connect(home / "data" / "ryze.db")
        for sql in (made + rows)[:count]:
            database.execute(sql)
        database.commit()
        database.close()
        async with opened(settings(home)) as backend:
            await create(backend, "sales")
            assert await backend.store.database.check() == "ok"
