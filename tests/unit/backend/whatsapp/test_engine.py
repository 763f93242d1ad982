"""The engine over real worker processes that speak the frames and hold no neonize: what becomes of links, files and processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from ryze_tui.backend.clock import LoopClock
from ryze_tui.backend.egress import Egress
from ryze_tui.backend.engine.port import Outgoing, ProxyUse, Saved, Told
from ryze_tui.backend.engine.whatsapp import engine as engine_module
from ryze_tui.backend.engine.whatsapp import pairing as pairing_module
from ryze_tui.backend.engine.whatsapp.engine import WhatsAppEngine
from ryze_tui.backend.engine.whatsapp.parent import Limits
from ryze_tui.backend.engine.whatsapp.pool import Pool
from ryze_tui.backend.engine.whatsapp.sessions import BROKEN, SessionFiles
from ryze_tui.backend.errors import EngineError, StoreError
from ryze_tui.backend.table import Happening

from .test_parent import command

LIMITS = Limits(ready=20, ping=0.3, term=0.2, frames=2000, window=5)


def session_file(path: Path, jid: str = "5511999990001:3@s.whatsapp.net") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE whatsmeow_device (jid TEXT)")
        database.execute("INSERT INTO whatsmeow_device VALUES (?)", (jid,))


class World:
    def __init__(self, home: Path, *, per_worker: int = 2) -> None:
        self.home, self.told = home, list[Told]()
        self.files = SessionFiles(home / "whatsapp")
        egress = Egress(allow_private=True)
        self.pool = Pool(command(home), egress, LoopClock(), per_worker=per_worker, limits=LIMITS, random=lambda: 0.5)
        self.engine = WhatsAppEngine(self.files, self.pool, LoopClock(), egress, random=lambda: 0.5)

    def behave(self, *words: str) -> None:
        (self.home / "behaviour").write_text("\n".join(words))

    @property
    def log(self) -> list[str]:
        file = self.home / "log"
        return [line.partition(" ")[2] for line in file.read_text().splitlines()] if file.exists() else []

    def words(self, instance: str = "a") -> list[str]:
        return [str(told.what) for told in self.told if told.instance == instance]

    def last(self, instance: str = "a") -> Told:
        return [told for told in self.told if told.instance == instance][-1]

    async def until(self, fits: Callable[[], Any]) -> None:
        async with asyncio.timeout(20):
            while not fits():
                await asyncio.sleep(0.005)

    async def told_of(self, what: Happening, instance: str = "a", count: int = 1) -> Told:
        await self.until(lambda: self.words(instance).count(str(what)) >= count)
        return next(told for told in reversed(self.told) if told.instance == instance and told.what is what)

    def pid_of(self, instance: str) -> int:
        slot = self.pool.slot_of(instance)
        assert slot is not None and slot.worker is not None
        return slot.worker.pid


@pytest_asyncio.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(engine_module, "FIRST_SECONDS", 0.02)
    monkeypatch.setattr(engine_module, "STAGGER", 0.0)
    made = World(tmp_path)
    for name in "abcd":
        session_file(made.files.session(name), f"{name * 8}:1@s.whatsapp.net")
    saved = await made.engine.open(made.told.append)
    assert saved["a"] == Saved("aaaaaaaa@s.whatsapp.net")
    yield made
    await made.engine.close()
    assert made.pool.pids == []
    await asyncio.sleep(0)
    for line in (tmp_path / "log").read_text().splitlines():
        with pytest.raises(ProcessLookupError):
            os.kill(int(line.split()[0]), 0)


# -- sessions ----------------------------------------------------------------------------------------------------------


async def test_a_session_comes_up(world: World) -> None:
    world.engine.dial("a", 3, None)
    told = await world.told_of(Happening.CONNECTED)
    assert (told.attempt, told.jid, told.profile_name) == (3, "aaaaaaaa@s.whatsapp.net", "Name")
    assert (await world.engine.send("a", Outgoing("x@s.whatsapp.net", "hi"))).message_id == "ID"


async def test_no_session_no_dial(world: World) -> None:
    with pytest.raises(EngineError, match="no saved session"):
        world.engine.dial("nobody", 1, None)
    with pytest.raises(EngineError, match="not connected"):
        await world.engine.send("a", Outgoing("x@s.whatsapp.net", "hi"))


async def test_so_many_sessions_to_a_worker(world: World) -> None:
    for name in "abcd":
        world.engine.dial(name, 1, None)
    for name in "abcd":
        await world.told_of(Happening.CONNECTED, name)
    assert world.pid_of("a") == world.pid_of("b") != world.pid_of("c") == world.pid_of("d")
    assert len(world.pool.slots) == 2


@pytest.mark.parametrize("how", ["crash", "garbage", "huge", "flood", "print", "hang"])
async def test_a_worker_that_fails_costs_its_own_sessions_a_reconnect(world: World, how: str) -> None:
    for name in "abc":
        world.engine.dial(name, 1, None)
        await world.told_of(Happening.CONNECTED, name)
    other = world.pid_of("c")
    world.behave(f"{how} a")
    world.engine.dial("a", 2, None)
    await world.told_of(Happening.DISCONNECTED, "b")
    world.behave()
    await world.told_of(Happening.CONNECTED, "b", 2)
    await world.told_of(Happening.CONNECTED, "a", 2)
    assert world.words("b") == ["connected", "disconnected", "connected"]
    assert world.words("c") == ["connected"] and world.pid_of("c") == other


@pytest.mark.long
async def test_a_worker_that_always_fails_is_left_alone_and_says_so(world: World) -> None:
    world.behave("crash a")
    world.engine.dial("a", 1, None)
    told = await world.told_of(Happening.CONNECT_FAILURE)
    assert told.reason == "the engine's worker fails again and again: it was ended by SIGSEGV"
    assert world.engine.trouble == "a worker fails again and again: it was ended by SIGSEGV"
    assert world.words() == ["connect_failure"], "told once"
    slot = world.pool.slot_of("a")
    assert slot is not None and slot.timer is not None and slot.failures == 5


async def test_without_a_network_it_is_told_once_and_tried_again(world: World) -> None:
    world.behave("offline a")
    world.engine.dial("a", 1, None)
    told = await world.told_of(Happening.CONNECT_FAILURE)
    assert told.reason == "WhatsApp cannot be reached: its name is not found; check this machine's network and name server"
    await world.until(lambda: world.log.count("dial a 1 False") >= 3)
    assert world.words() == ["connect_failure"]
    world.behave()
    await world.told_of(Happening.CONNECTED)


async def test_a_worker_that_dialled_often_is_replaced_and_that_is_no_failure(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "WORN", 3)
    world.behave("offline a")
    world.engine.dial("a", 1, None)
    await world.until(lambda: world.log.count("dial a 1 False") >= 4)
    starts = [line for line in (world.home / "log").read_text().splitlines() if " dial a " in line]
    assert len({line.split()[0] for line in starts[:3]}) == 1 and starts[3].split()[0] != starts[0].split()[0]
    slot = world.pool.slot_of("a")
    assert slot is not None and slot.failures == 0 and world.engine.trouble == ""
    world.behave()
    await world.told_of(Happening.CONNECTED)


async def test_one_that_is_up_is_not_thrown_out_for_that(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "WORN", 3)
    world.engine.dial("b", 1, None)
    await world.told_of(Happening.CONNECTED, "b")
    world.behave("offline a")
    world.engine.dial("a", 1, None)
    await world.until(lambda: world.log.count("dial a 1 False") >= 5)
    assert world.words("b") == ["connected"]


async def test_stopping_while_it_tries_again(world: World) -> None:
    world.behave("offline a")
    world.engine.dial("a", 1, None)
    await world.told_of(Happening.CONNECT_FAILURE)
    world.engine.stop("a")
    dials = world.log.count("dial a 1 False")
    world.engine.dial("b", 1, None)
    await world.told_of(Happening.CONNECTED, "b")
    await asyncio.sleep(0.1)
    assert world.log.count("dial a 1 False") <= dials + 1 and world.engine.links["a"].timer is None
    assert world.files.has("a")


async def test_whatsapp_that_does_not_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "DIAL_SECONDS", 0.2)
    world.behave("silent a")
    world.engine.dial("a", 1, None)
    assert (await world.told_of(Happening.CONNECT_FAILURE)).reason == "WhatsApp did not answer"
    await world.until(lambda: "drop a" in world.log)
    world.behave()
    await world.told_of(Happening.CONNECTED)


async def test_what_an_older_dial_tells_is_dropped(world: World) -> None:
    world.engine.dial("a", 1, None)
    world.engine.dial("a", 2, None)
    told = await world.told_of(Happening.CONNECTED)
    assert [one.attempt for one in world.told] == [2] == [told.attempt]


async def test_a_proxy_is_a_secret_of_loopback(world: World) -> None:
    world.engine.dial("a", 1, ProxyUse("socks5", "127.0.0.1", 9, "user", "password"))
    await world.told_of(Happening.CONNECTED)
    assert "dial a 1 True" in world.log


async def test_logout_tells_whatsapp_and_deletes_the_file(world: World) -> None:
    world.engine.dial("a", 1, None)
    await world.told_of(Happening.CONNECTED)
    await world.engine.logout("a")
    assert "ask a logout" in world.log and not world.files.has("a") and "a" not in world.engine.links


async def test_logout_without_whatsapp_deletes_the_file_and_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="until it notices"):
        await world.engine.logout("a")
    assert not world.files.has("a")
    world.behave("deny logout")
    world.engine.dial("b", 1, None)
    await world.told_of(Happening.CONNECTED, "b")
    with pytest.raises(EngineError, match="until it notices"):
        await world.engine.logout("b")
    assert not world.files.has("b")


async def test_a_disk_that_refuses_to_delete(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_instance: str) -> None:
        raise StoreError("disk")

    monkeypatch.setattr(world.files, "delete", refuse)
    with pytest.raises(StoreError):
        await world.engine.logout("a")
    assert world.files.has("a")
    world.engine.dial("a", 2, None)
    await world.told_of(Happening.CONNECTED)


async def test_a_damaged_session_stays_until_it_is_logged_out(tmp_path: Path) -> None:
    world = World(tmp_path)
    session_file(world.files.session("a"))
    world.files.session("a").write_bytes(b"damaged" * 1000)
    assert (await world.engine.open(world.told.append))["a"] == Saved(broken=BROKEN)
    with pytest.raises(EngineError):
        world.engine.dial("b", 1, None)
    assert world.files.has("a")
    world.engine.stop("a")
    assert not world.files.has("a")
    await world.engine.close()


# -- pairing -----------------------------------------------------------------------------------------------------------


async def gone(world: World) -> None:
    """The pairing's process and file."""
    await world.until(lambda: not list(world.files.directory.glob("*.pairing*")) and len(world.pool.pids) <= 1)


async def test_pairing_by_qr_and_by_code(world: World) -> None:
    world.behave("accept")
    world.engine.pair("new", 1, "5511999990001", 7, None)
    await world.told_of(Happening.CONNECTED, "new")
    assert world.words("new") == ["qr_ready", "pair_code", "pair_success", "connected"]
    assert [told.code for told in world.told if told.code] == ["ABCD1234"]
    assert "pair new 1 5511999990001 7" in world.log
    assert stat.S_IMODE(world.files.session("new").stat().st_mode) == 0o600
    await world.until(lambda: len(world.pool.pids) == 2)  # its worker and the spare


async def test_a_lost_restart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing_module, "SETTLE_SECONDS", 0.1)
    world.behave("accept", "lost515")
    world.engine.pair("new", 1, "", None, None)
    await world.told_of(Happening.CONNECTED, "new")


async def test_a_reconnect_while_the_session_moves(world: World) -> None:
    world.behave("accept", "lost515")
    world.engine.pair("new", 1, "", None, None)
    await world.told_of(Happening.PAIR_SUCCESS, "new")
    world.engine.dial("new", 2, None)
    told = await world.told_of(Happening.CONNECTED, "new")
    assert told.attempt == 2


@pytest.mark.parametrize(
    ("behaviour", "words", "reason"),
    [
        ("login-timeout", ["qr_ready", "disconnected"], "nobody scanned"),
        ("login-error", ["qr_ready", "pair_error", "connect_failure"], "the pairing failed"),
        ("login-passkey-request", ["qr_ready", "pair_error", "connect_failure"], "wants a passkey"),
        ("login-err-client-outdated", ["qr_ready", "client_outdated"], "upgrade ryze-tui"),
        ("crash-in-pairing", ["qr_ready", "connect_failure"], "worker failed: it was ended by SIGKILL; try again"),
        ("offline", ["connect_failure"], "WhatsApp cannot be reached"),
    ],
)
async def test_pairings_that_fail(world: World, behaviour: str, words: list[str], reason: str) -> None:
    world.behave(behaviour)
    world.engine.pair("new", 1, "", None, None)
    await world.until(lambda: len(world.words("new")) >= len(words))
    assert world.words("new") == words and reason in world.last("new").reason
    await gone(world)
    await world.until(lambda: "new" not in world.engine.links)


async def test_a_pairing_that_is_stopped_or_replaced_is_killed(world: World) -> None:
    world.engine.pair("new", 1, "", None, None)
    await world.told_of(Happening.QR_READY, "new")
    world.engine.pair("new", 2, "", None, None)
    await world.told_of(Happening.QR_READY, "new", 2)
    assert [told.attempt for told in world.told] == [1, 2]
    world.engine.stop("new")
    await gone(world)
    assert world.words("new") == ["qr_ready", "qr_ready"]


async def test_a_failed_pairing_leaves_the_session_from_before(world: World) -> None:
    world.behave("login-timeout")
    world.engine.pair("a", 1, "", None, None)
    await world.told_of(Happening.DISCONNECTED)
    await gone(world)
    world.behave()
    world.engine.dial("a", 2, None)
    assert (await world.told_of(Happening.CONNECTED)).attempt == 2


# -- files -------------------------------------------------------------------------------------------------------------


async def test_what_a_start_finds(tmp_path: Path) -> None:
    files = SessionFiles(tmp_path / "whatsapp")
    session_file(files.session("good"))
    session_file(files.pairing("accepted", 4))
    files.begin("cut-off", 2)
    files.session("torn").write_bytes(b"this is no database, whatever its name says" * 100)
    found = files.open()
    jid = "5511999990001@s.whatsapp.net"
    assert found == {"good": Saved(jid), "accepted": Saved(jid), "torn": Saved(broken=BROKEN)}
    assert sorted(file.name for file in files.directory.iterdir()) == ["accepted.session", "good.session", "torn.session"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.directory.iterdir()} == {0o600}


async def test_a_refusal_of_the_worker_is_why_a_server_does_not_start(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.behave("refuse")
    with pytest.raises(EngineError, match="neonize is not what it was; install it again"):
        await world.engine.open(world.told.append)
    await world.engine.close()


def test_ids_that_are_no_names(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        SessionFiles(tmp_path).session("../../etc/passwd")


