"""GET /health really looks: at the database, the room on the disk, the engine, the deliveries and the loop."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from ryze_tui.backend import health
from ryze_tui.backend.health import FREE_BYTES, Health, Lag

from ..unit.backend.fakes import VirtualClock
from .harness import Api, running
from .test_webhooks import until


async def looked(api: Api) -> tuple[int, str, dict[str, str]]:
    """Status, word and checks, of a look that is taken now."""
    api.backend.health._looked = float("-inf")
    answer = await api.call("GET", "/health", token=None)
    return answer.status_code, answer.json()["status"], answer.json()["checks"]


async def test_a_database_that_can_be_read_but_not_written_is_degraded(api: Api, tmp_path: Path) -> None:
    assert (await looked(api))[:2] == (200, "ok")
    other = sqlite3.connect(api.backend.settings.data_dir / "ryze.db")
    other.execute("CREATE TRIGGER full BEFORE INSERT ON meta BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    other.commit()
    status, word, checks = await looked(api)
    assert (status, word, checks["db"]) == (503, "degraded", "fail: disk is full")
    assert str(api.backend.settings.data_dir) not in str(checks)
    other.execute("DROP TRIGGER full")
    other.commit()
    other.close()
    assert (await looked(api))[:2] == (200, "ok"), "and it comes back by itself"


async def test_a_database_that_never_answers_does_not_keep_anybody_waiting(api: Api, monkeypatch: Any) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(api.backend.store.database, "check", lambda: never)
    for _again in range(3):
        assert (await looked(api))[2]["db"] == "fail: no answer within 0.05 s"
    never.set_result("ok")
    await until(lambda: api.backend.health._looking is None)
    assert (await looked(api))[0] == 200


async def test_many_who_ask_cost_one_look(api: Api, monkeypatch: Any) -> None:
    looks = []
    check = api.backend.store.database.check

    async def counted() -> str:
        looks.append(1)
        return await check()

    monkeypatch.setattr(api.backend.store.database, "check", counted)
    api.backend.health._looked = float("-inf")
    await asyncio.gather(*(api.call("GET", "/health", token=None) for _ in range(30)))
    assert len(looks) == 1


async def test_little_room_is_said_and_does_not_make_it_unusable(api: Api) -> None:
    api.backend.health._disk = lambda path: FREE_BYTES - 1
    status, word, checks = await looked(api)
    assert (status, word, checks["disk"]) == (200, "ok", "fail: only 63 MB are free")

    def broken(path: Path) -> int:
        raise OSError(5, "Input/output error", str(path))

    api.backend.health._disk = broken
    assert (await looked(api))[2]["disk"] == "fail: Input/output error"


async def test_an_engine_in_trouble_is_degraded(api: Api, monkeypatch: Any) -> None:
    monkeypatch.setattr(type(api.backend.engine), "trouble", "its worker ended", raising=False)
    status, word, checks = await looked(api)
    assert (status, word, checks["engine"]) == (503, "degraded", "fail: its worker ended")


async def test_deliveries_that_do_not_go(api: Api, monkeypatch: Any) -> None:
    outbox = api.backend.outbox
    monkeypatch.setattr(outbox, "_pump", lambda: None)
    await api.new("a", webhookEnabled=True, webhookURL="http://127.0.0.1:9/")
    await api.ok("DELETE", "/api/instance/logout/a")
    await until(lambda: outbox.oldest() > 0)
    assert (await looked(api))[2]["outbox"] == "ok", "they wait a moment only"
    monkeypatch.setattr(outbox, "_moved", outbox._moved - 100)
    assert (await looked(api))[2]["outbox"] == "ok", "what waits came just now"
    monkeypatch.setattr(outbox._lanes, "oldest", lambda: api.backend.clock.now() - 90)
    status, word, checks = await looked(api)
    assert (status, word) == (200, "ok") and checks["outbox"].startswith("fail: deliveries wait and none was attempted for 90")
    monkeypatch.setattr(outbox._lanes, "oldest", lambda: api.backend.clock.now() + 3600)
    assert outbox.oldest() == 0.0, "the clock was set back an hour: nobody waits less than not at all"
    monkeypatch.setattr(outbox._lanes, "oldest", lambda: 0.0)
    assert outbox.oldest() == 0.0


def test_a_loop_that_was_held_up_says_for_how_long() -> None:
    clock = VirtualClock()
    lag = Lag(clock)
    lag.start()
    clock.advance(5)
    assert lag.worst == lag.now == 0
    clock.time += 4.2  # nothing ran meanwhile
    assert round(lag.now, 1) == 3.2 and Health._loop(_with(lag)) == "fail: 3.2 s behind"
    clock.advance(0)
    assert round(lag.now, 1) == 3.2, "the tick came, late"
    clock.advance(1)
    assert (lag.now, round(lag.worst, 1)) == (0, 3.2) and Health._loop(_with(lag)) == "ok"
    clock.advance(60)
    assert lag.worst == 0


def _with(lag: Lag) -> Any:
    return type("Some", (), {"lag": lag})()


async def test_it_needs_no_token_no_limit_and_ends_with_the_server(tmp_path: Path) -> None:
    async with running(tmp_path, rate_limit=1) as api:
        for _again in range(5):
            assert (await api.call("GET", "/health", token="nonsense")).status_code == 200
        ticking = api.backend.health.lag
    assert ticking._timer is not None and ticking._timer.cancelled()  # type: ignore[attr-defined]
