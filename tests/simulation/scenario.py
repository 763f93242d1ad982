"""What happens in a day: numbers change state, others create and delete, networks and servers break, a person presses keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from ryze_tui.operations.outcome import Unconfirmed

from .server import WORDS
from .world import World


async def life(world: World, *, mean: float) -> None:
    """States change at random moments, `mean` seconds apart."""
    server, rng, words = world.server, world.rng, list(WORDS)
    while True:
        await asyncio.sleep(rng.expovariate(1 / mean))
        if server.instances:
            name = rng.choice(list(server.instances))
            server.happens(name, rng.choice(words))
            if rng.random() < 0.2:  # quick changes one after another
                await asyncio.sleep(rng.uniform(0, 0.4))
                if name in server.instances:
                    server.happens(name, rng.choice(words))


async def others(world: World, *, mean: float) -> None:
    """Other people create, delete and switch streaming."""
    server, rng = world.server, world.rng
    while True:
        await asyncio.sleep(rng.expovariate(1 / mean))
        names = list(server.instances)
        what = rng.random()
        if what < 0.4 or len(names) < 3:
            server.add(1, streaming=rng.random() < 0.9)
        elif what < 0.8:
            server.delete(rng.choice(names))
        else:
            name = rng.choice(names)
            server.set_streaming(name, not server.instances[name].streaming)


async def person(world: World, *, mean: float) -> None:
    """Somebody at the keyboard: looks again, makes, pairs, reconnects, logs out, deletes."""
    rng, account, made = world.rng, world.account, 0
    while True:
        await asyncio.sleep(rng.expovariate(1 / mean))
        known = list(account.model.rows)
        what, name = rng.random(), rng.choice(known) if known else ""
        if what < 0.35 or not name:
            await world.person(account.refresh())
        elif what < 0.5:
            with suppress(Unconfirmed):  # "it could not be read again" is an answer
                await world.person(account.confirm_state(name))
        elif what < 0.6:
            await world.person(account.reconnect(name))
        elif what < 0.66:
            await world.person(account.logout(name))
        elif what < 0.72:
            made += 1
            await world.person(account.create(f"mine-{made}"))
        elif what < 0.78:
            await world.person(account.delete(name))
        else:
            await world.person(pairing(world, name))


async def pairing(world: World, name: str) -> None:
    """A pairing by QR that somebody scans after a while, or gives up."""
    session = world.account.pair(name)
    drive = asyncio.create_task(session.run())
    try:
        await scanned(world, name, drive)
    finally:
        session.cancel()
        drive.cancel()


async def scanned(world: World, name: str, drive: asyncio.Task[Any]) -> None:
    server, rng = world.server, world.rng
    await asyncio.wait({drive}, timeout=rng.uniform(5, 45))
    if not drive.done() and name in server.instances and not server.refusing and rng.random() < 0.7:
        server.happens(name, "pair_success")
        await asyncio.sleep(0.5)
        if name in server.instances:
            server.happens(name, "connected", jid="5511999990000@s.whatsapp.net")
        await asyncio.wait({drive}, timeout=20)


# -- faults: each returns when it is over --------------------------------------------------------------------------------


async def outage(world: World, seconds: float) -> None:
    world.server.stop()
    await asyncio.sleep(seconds)
    world.server.start()


async def hole(world: World, seconds: float) -> None:
    world.server.swallow()
    await asyncio.sleep(seconds)
    world.server.release()


async def half_open(world: World, seconds: float) -> None:
    found = sorted(world.server.connections, key=lambda connection: connection.number)
    for connection in world.rng.sample(found, max(1, len(found) // 4)) if found else ():
        connection.freeze()
    await asyncio.sleep(seconds)


async def broken(world: World, seconds: float) -> None:
    found = sorted(world.server.connections, key=lambda connection: connection.number)
    for connection in world.rng.sample(found, max(1, len(found) // 2)) if found else ():
        connection.end(world.rng.choice((1006, 1001, 1011, 1013)))
    await asyncio.sleep(seconds)


async def storm(world: World, seconds: float) -> None:
    world.server.storm, world.server.storm_says = world.rng.uniform(5, 90), world.rng.random() < 0.7
    await asyncio.sleep(seconds)
    world.server.storm = None
    await asyncio.sleep(90)


async def html(world: World, seconds: float) -> None:
    world.server.html = True
    await asyncio.sleep(seconds)
    world.server.html = False


async def gateway(world: World, seconds: float) -> None:
    """A proxy in front says 502 while the server behind it restarts."""
    world.server.stop()
    world.server.refusing, world.server.html = False, True
    await asyncio.sleep(seconds)
    world.server.html = False


async def slow(world: World, seconds: float) -> None:
    was, world.server.latency = world.server.latency, (0.5, world.rng.choice((5.0, 30.0)))
    await asyncio.sleep(seconds)
    world.server.latency = was


async def no_upgrade(world: World, seconds: float) -> None:
    """HTTP works, sockets do not: a proxy that knows no WebSocket."""
    world.server.no_upgrade = True
    for connection in list(world.server.connections):
        connection.end(1006)
    await asyncio.sleep(seconds)
    world.server.no_upgrade = False


async def ring_lost(world: World, seconds: float) -> None:
    """The server forgets what it told; the socket breaks."""
    world.server.run, world.server.seq, world.server.ring = world.server.run + 1, 0, []
    await broken(world, seconds)


async def torn(world: World, seconds: float) -> None:
    """Snapshots are needed, and break off half-way."""
    world.server.torn = True
    await ring_lost(world, seconds)
    world.server.torn = False


async def twice(world: World, seconds: float) -> None:
    """Frames are told again, late."""
    world.server.duplicates = 0.5
    await asyncio.sleep(seconds)
    world.server.duplicates = 0.0
    await asyncio.sleep(30)


Fault = Callable[[World, float], Awaitable[None]]
FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (outage, hole, half_open, broken, storm, html, gateway, slow, no_upgrade, ring_lost, torn, twice)
}
