"""Two accounts on one server see nothing of each other."""

from __future__ import annotations

from pathlib import Path

from ryze_tui.backend.boot import opened
from ryze_tui.backend.secrets import token_digest
from ryze_tui.backend.settings import Settings

from .harness import TOKEN, running
from .test_edge import ROUTES

OTHER = "token-of-the-other-account"


async def add_other(home: Path) -> None:
    async with opened(Settings(data_dir=home / "data", key_file=home / "key", account_token=TOKEN)) as backend:
        await backend.store.add_account("other", "other", token_digest(OTHER), backend.clock.now())


async def test_isolation(tmp_path: Path) -> None:
    await add_other(tmp_path)
    async with running(tmp_path) as api:
        mine = await api.paired("sales", websocketEnabled=True)
        async with api.socket("/ws", OTHER) as theirs:
            assert (await theirs.next())["data"]["rows"] == []
            assert (await theirs.next())["event"] == "heartbeat"
            for method, path, _ in ROUTES:
                if "{}" in path:
                    assert await api.refused(method, path.format("sales"), token=OTHER) == (404, "Instance not found"), path
            assert await api.no_socket("/ws/sales", OTHER) == (404, "Instance not found")
            assert await api.refused("POST", "/simulator/storm", {}, token=OTHER) == (409, "Simulator: no instance is connected")
            body = await api.ok("GET", "/api/instance/list", token=OTHER)
            assert (body["instances"], body["message"]) == ([], "0 Instances found")
            assert await api.state("sales") == "connected"
            created = await api.ok("POST", "/api/instance/new", {"name": "sales"}, token=OTHER)
            assert created["instance"]["id"] != mine["id"], "names are unique within an account only"
            taken = await api.refused("POST", "/api/instance/new", {"name": "more", "token": mine["token"]}, token=OTHER)
            assert taken == (409, "Token already in use"), "tokens are unique on the whole server"
            row = await theirs.next()
            assert (row["event"], row["data"]["id"]) == ("instance.row", created["instance"]["id"])
            assert row["seq"].endswith(".1"), "each account's stream has its own numbers"
        await api.ok("DELETE", "/api/instance/delete/sales", token=OTHER)
        assert await api.state("sales") == "connected"
