"""What the lifecycle tells an engine about proxies: the one that is stored at that moment, or nothing is dialled at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ryze_tui.backend.blocks import from_flat
from ryze_tui.backend.engine.port import ProxyUse, Told
from ryze_tui.backend.engine.simulated.carried import MOST_SECONDS, RARELY_SECONDS, wait
from ryze_tui.backend.engine.simulated.engine import SimulatedEngine
from ryze_tui.backend.engine.simulated.link import Phase, Session
from ryze_tui.backend.errors import ApiError
from ryze_tui.backend.record import Record
from ryze_tui.backend.table import Happening, Stage
from ryze_tui.backend.tunnel import Fault, TunnelError

from .fakes import FakeStore, VirtualClock, World

PROXY = {"enabled": True, "host": "proxy.example", "port": 1080, "protocol": "socks5", "username": "u", "password": "SECRET-0123"}
USE = ProxyUse("socks5", "proxy.example", 1080, "u", "SECRET-0123")
UNREADABLE = "the stored secret cannot be read: wrong key"


async def world(stage: Stage = Stage.IDLE) -> tuple[World, Record]:
    made = await World().open()
    return made, await made.at(stage)


async def test_the_proxy_of_that_moment() -> None:
    made, record = await world()
    await made.instances.reconnect(record)
    await made.configure.proxy(record, PROXY)
    assert made.engine.proxies == [None], "a change alone dials nothing"
    await made.instances.reconnect(record)
    await made.configure.proxy(record, {"enabled": False})
    await made.instances.reconnect(record)
    assert made.engine.proxies == [None, USE, None]
    assert "SECRET" not in repr(made.engine.proxies)


async def test_pairing_has_it_too() -> None:
    made, record = await world(Stage.NEW)
    await made.configure.proxy(record, PROXY | {"protocol": "https", "password": ""})
    asking = asyncio.create_task(made.instances.connect(record))
    while not made.engine.commands:
        await asyncio.sleep(0)
    assert made.engine.proxies == [ProxyUse("https", "proxy.example", 1080, "u", "")]
    await made.instances.close()
    with pytest.raises(ApiError):
        await asking


@pytest.mark.parametrize("operation", ["connect", "reconnect"])
async def test_one_that_cannot_be_read_is_not_left_out(operation: str) -> None:
    made, record = await world()
    await made.configure.proxy(record, PROXY)
    made.store.unreadable = UNREADABLE
    with pytest.raises(ApiError, match=f"Failed to {operation}: the proxy's password: {UNREADABLE}"):
        await getattr(made.instances, operation)(record)
    assert made.engine.commands == [] and record.stage is Stage.IDLE


async def booting(unreadable: str = "") -> tuple[World, list[Record]]:
    """A world about to start with three sessions, the second with a proxy."""
    made = World()
    records = []
    for index in range(3):
        record = made.catalog.new_record("account-1", f"n-{index}", "", from_flat(_flat() if index == 1 else {}))
        record.stage, record.paired = Stage.CONNECTED, True
        made.store.records[record.id] = record
        made.store.secrets[record.id, "proxy", ""] = {"password": "SECRET-0123"}
        records.append(record)
    made.engine.saved = {record.id for record in records}
    made.store.unreadable = unreadable
    await made.open()
    made.clock.advance(1)
    while made.instances._reviving:
        await asyncio.sleep(0)
    return made, records


def _flat() -> dict[str, Any]:
    return {"proxy" + name[0].upper() + name[1:]: value for name, value in PROXY.items() if name != "password"}


async def test_at_boot() -> None:
    made, records = await booting()
    dialled = dict(zip([command[1] for command in made.engine.commands], made.engine.proxies, strict=True))
    assert dialled == {records[0].id: None, records[1].id: USE, records[2].id: None}


async def test_at_boot_one_that_cannot_be_read_costs_only_its_instance() -> None:
    made, records = await booting(UNREADABLE)
    assert sorted(command[1] for command in made.engine.commands) == sorted([records[0].id, records[2].id])
    assert records[1].state == "disconnected" and UNREADABLE in records[1].reason
    assert [record.state for record in (records[0], records[2])] == ["connecting"] * 2


@pytest.mark.parametrize("port", ["0", "65536", "0000801000", "00000080", "1 ", "٣", "-1", "+80", ""])
async def test_a_port_that_is_none_is_refused(port: str) -> None:
    """Else it would be found out by the dial."""
    made, record = await world()
    with pytest.raises(ApiError, match="proxy port must be 1 to 65535"):
        await made.configure.proxy(record, PROXY | {"port": port})


def test_waits_grow_and_end() -> None:
    assert [wait(tries, True, lambda: 0.5) for tries in (1, 2, 3, 6, 7, 99)] == [1, 2, 4, 32, MOST_SECONDS, MOST_SECONDS]
    assert wait(1, False, lambda: 0.5) == RARELY_SECONDS, "a password that was refused is not tried again and again"
    assert (wait(1, True, lambda: 0.0), wait(1, True, lambda: 1.0)) == pytest.approx((0.8, 1.2))


async def test_a_connection_that_breaks_again_and_again_is_dialled_ever_more_rarely() -> None:
    """Coming up is no reason to begin anew with the waits; having been up for a minute is."""
    clock, store, told = VirtualClock(), FakeStore(), list[Told]()
    store.kept["a"] = Session("5511999990001").dump()
    engine = SimulatedEngine(store, clock, seed=1)
    await engine.open(told.append)
    link, lost = engine.links["a"], TunnelError(Fault.LOST, "lost")
    link.proxy = USE

    def breaks() -> float:
        """Seconds until it is dialled again."""
        link.phase, link.trouble = Phase.ONLINE, ""
        engine.carried._failed(link, lost, True)
        (when,) = [when for when, _, timer, _ in clock._due if timer.live]
        return when - clock.time

    link.stood_at = clock.monotonic()
    waits = [breaks() for _ in range(5)]
    assert waits == sorted(waits) and waits[4] > 12 > 2 > waits[0]
    link.quiet()
    clock.advance(61)
    assert breaks() < 2
    assert [one.what for one in told] == [Happening.DISCONNECTED] * 6 and told[0].reason == "lost, dialling again"
    link.quiet()
    await engine.close()
