"""A proxy acts: links dial through it or not at all, and what is changed counts from the next connect or reconnect on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from ryze_tui.backend.engine.simulated.front import Front
from ryze_tui.backend.errors import EngineError

from tests.fakes.authority import Authority
from tests.fakes.proxy import CountingProxy, counting_proxy

from .harness import Api, running

PASSWORD = "proxy-password-0123456789"
REFUSED = "the proxy refused the user name or password"


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[CountingProxy]:
    """Wants user and PASSWORD."""
    async with counting_proxy("user", PASSWORD) as made:
        yield made


def block(proxy: CountingProxy, protocol: str = "socks5", **more: Any) -> dict[str, Any]:
    """The body that sets it."""
    about = {"protocol": protocol, "host": "127.0.0.1", "port": str(proxy.port), "username": "user", "password": PASSWORD}
    return {"enabled": True} | about | more


def flat(proxy: CountingProxy, protocol: str = "socks5", **more: Any) -> dict[str, Any]:
    """The same in a create body."""
    return {"proxy" + name[0].upper() + name[1:]: value for name, value in block(proxy, protocol, **more).items()}


def front(api: Api) -> Front:
    """What the proxies are asked for."""
    made: Front = api.backend.engine.carried.lines.front  # type: ignore[attr-defined]
    return made


def impatient(api: Api, **seconds: float) -> None:
    """Real seconds that proxies get: open_seconds, ping_seconds, pong_seconds."""
    for name, value in seconds.items():
        setattr(api.backend.engine.carried.lines, name, value)  # type: ignore[attr-defined]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def reason(api: Api, name: str) -> str:
    said: str = (await api.item(name))["connection"]["reason"]
    return said


def only_through(api: Api, *proxies: CountingProxy) -> None:
    """Whoever ever came to the front came from one of these proxies, and they brought nobody else."""
    upstream = [address for proxy in proxies for address in proxy.upstream]
    assert front(api).held <= set(upstream) and front(api).accepted == len(upstream)


@pytest.mark.parametrize("protocol", ["http", "https", "socks5"])
async def test_a_link_comes_up_through_it(protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    tls = authority.server("127.0.0.1") if protocol == "https" else None
    async with counting_proxy("user", PASSWORD, tls=tls) as proxy, running(tmp_path) as api:
        await api.paired("a", **flat(proxy, protocol))
        assert proxy.asked[-1] == await api.backend.engine.front()
        only_through(api, proxy)
        assert len(front(api).held) == 1, "the connection is held while the link is up"
        await api.ok("DELETE", "/api/instance/logout/a")
        await until(lambda: not front(api).held)


async def test_without_a_proxy_there_is_no_socket(api: Api) -> None:
    await api.paired("a")
    assert front(api).accepted == 0 and front(api)._server is None


async def test_a_wrong_password(api: Api, proxy: CountingProxy) -> None:
    await api.new("a", **flat(proxy, password="wrong-one"))
    async with api.socket("/ws?events=instance.state") as frames:
        assert await api.refused("GET", "/api/instance/connect/a") == (500, f"Failed to connect: {REFUSED}")
        assert (await frames.state("connect_failure"))["reason"] == REFUSED
    assert (await api.state("a"), await reason(api, "a")) == ("disconnected", REFUSED)
    assert front(api).accepted == 0
    # With the right one, from the next connect on.
    await api.ok("POST", "/api/instance/proxy/a", block(proxy))
    await api.ok("GET", "/api/instance/connect/a")
    only_through(api, proxy)


async def test_no_codes_without_the_proxy(api: Api, proxy: CountingProxy) -> None:
    await proxy.stop()
    await api.new("a", **flat(proxy))
    status, said = await api.refused("GET", "/api/instance/connect/a?number=5511999990001")
    assert status == 500 and "cannot be reached" in said and PASSWORD not in said
    await proxy.start()
    await api.ok("GET", "/api/instance/connect/a")
    async with api.socket("/ws?events=instance.state") as frames:
        await proxy.stop()
        assert (await frames.state("disconnected"))["reason"] == "the connection through the proxy was lost"
    assert (await api.ok("GET", "/simulator/a"))["phone"]["codes"] == 0 and await api.state("a") == "disconnected"
    await proxy.start()


@pytest.mark.parametrize("protocol", ["http", "socks5"])
async def test_a_proxy_that_dies_and_comes_back(api: Api, proxy: CountingProxy, protocol: str) -> None:
    await api.paired("a", **flat(proxy, protocol))
    came = len(proxy.upstream)
    async with api.socket("/ws?events=instance.state") as frames:
        await proxy.stop()
        assert (await frames.state("disconnected"))["reason"] == "the connection through the proxy was lost, dialling again"
        failure = await frames.state("connect_failure")
        assert "cannot be reached" in failure["reason"] and (await reason(api, "a")) == failure["reason"]
        assert await api.state("a") == "disconnected" and front(api).accepted == came
        await proxy.start()
        await frames.state("connected")
    only_through(api, proxy)
    assert len(proxy.upstream) == came + 1


async def test_a_proxy_that_is_away_is_told_once_and_asked_ever_more_rarely(tmp_path: Path, proxy: CountingProxy) -> None:
    async with running(tmp_path, simulator_speed=400.0) as api:
        await api.paired("a", **flat(proxy))
        await proxy.stop()
        link = next(iter(api.backend.engine.links.values()))  # type: ignore[attr-defined]
        async with api.socket("/ws?events=instance.state") as frames:
            await until(lambda: link.tries >= 8)
            await proxy.start()
            seen = await frames.until(lambda frame: frame["data"].get("state") == "connected")
        words = [frame["data"]["state"] for frame in seen if frame["event"] == "instance.state"]
        assert words.count("connect_failure") <= 1, words


async def test_a_change_counts_from_the_next_reconnect_on(api: Api, proxy: CountingProxy) -> None:
    async with counting_proxy() as other:
        await api.paired("a", **flat(proxy))
        came = len(proxy.upstream)
        await api.ok("POST", "/api/instance/proxy/a", block(other, "http", username="", password=""))
        assert await api.state("a") == "connected" and other.accepted == 0 and len(front(api).held) == 1
        # A link that comes back by itself does so as it was dialled.
        await api.sim("a", "drop", seconds=0.5)
        await until(lambda: len(proxy.upstream) == came + 1)
        await api.until("a", "connected")
        assert other.accepted == 0
        await api.ok("POST", "/api/instance/reconnect/a")
        await api.until("a", "connected")
        assert len(other.upstream) == 1 and len(proxy.upstream) == came + 1
        only_through(api, proxy, other)
        # Removed: directly, from the next reconnect on.
        await api.ok("POST", "/api/instance/proxy/a", {"enabled": False})
        assert len(front(api).held) == 1
        await api.ok("POST", "/api/instance/reconnect/a")
        await api.until("a", "connected")
        await until(lambda: not front(api).held)
        only_through(api, proxy, other)


async def test_a_proxy_that_accepts_and_says_nothing(api: Api, proxy: CountingProxy) -> None:
    await api.paired("a", **flat(proxy))
    impatient(api, open_seconds=0.2)
    proxy.mood = "silent"
    async with api.socket("/ws?events=instance.state") as frames:
        await api.ok("POST", "/api/instance/reconnect/a")
        failure = await frames.state("connect_failure")
        assert failure["reason"].endswith("accepted the connection and did not answer within 0.2 seconds")
        proxy.mood = "well"
        await frames.state("connected")
    only_through(api, proxy)


async def test_a_proxy_that_stops_carrying_is_noticed(api: Api, proxy: CountingProxy) -> None:
    """No end of the connection, only silence: pings find out."""
    impatient(api, ping_seconds=0.05, pong_seconds=0.3)
    await api.paired("a", **flat(proxy))
    async with api.socket("/ws?events=instance.state") as frames:
        proxy.stuck.clear()
        assert (await frames.state("disconnected"))["reason"] == "the proxy carries nothing any more, dialling again"
        proxy.stuck.set()
        await frames.state("connected")
    only_through(api, proxy)


async def test_boot_with_a_dead_proxy_costs_only_its_instance(tmp_path: Path, proxy: CountingProxy) -> None:
    async with running(tmp_path) as api:
        await api.paired("direct", "5511999990001")
        await api.paired("through", "5511999990002", **flat(proxy))
    await proxy.stop()
    came = len(proxy.upstream)
    async with running(tmp_path) as api:
        await api.until("direct", "connected")
        await api.until("through", "disconnected")
        assert "cannot be reached" in await reason(api, "through") and front(api).accepted == 0
        await proxy.start()
        await api.until("through", "connected")
        assert front(api).accepted == len(proxy.upstream) - came == 1


async def test_boot_with_a_password_that_cannot_be_read(tmp_path: Path, proxy: CountingProxy) -> None:
    """The wrong key, a damaged row: never without the proxy, and never with an empty password."""
    async with running(tmp_path) as api:
        await api.paired("a", **flat(proxy))
        record = api.backend.catalog.find(api.backend.catalog.account_of("account-token-0123456789") or "", "a")
        assert record is not None
        text = {"values": record.blocks["proxy"], "secrets": {"password": "damaged"}, "paused": False}
        await api.backend.store.database.write([_damage(record.id, json.dumps(text))])
        asked = proxy.accepted
    async with running(tmp_path) as api:
        await api.until("a", "disconnected")
        assert "secret cannot be read" in await reason(api, "a")
        status, said = await api.refused("POST", "/api/instance/reconnect/a")
        assert status == 500 and "secret cannot be read" in said
        assert proxy.accepted == asked and front(api).accepted == 0


def _damage(instance: str, text: str) -> Any:
    from ryze_tui.backend.store import schema
    from sqlalchemy import update

    there = (schema.blocks.c.instance_id == instance) & (schema.blocks.c.kind == "proxy")
    return update(schema.blocks).where(there).values(json=text), {}


async def test_a_proxy_that_may_not_be_dialled(tmp_path: Path, proxy: CountingProxy) -> None:
    async with running(tmp_path, private_targets=False) as api:
        await api.new("a", **flat(proxy))
        status, said = await api.refused("GET", "/api/instance/connect/a")
        assert status == 500 and "127.0.0.1 may not be dialled: it is this server itself" in said
        tried = (await api.ok("POST", "/api/instance/proxy/a/test"))["proxy"]
        assert not tried["works"] and len(tried["steps"]) == 1
        assert tried["steps"][0]["name"] == "address" and "may not be dialled" in tried["steps"][0]["error"]
        assert proxy.accepted == 0


async def test_nothing_tells_the_password(api: Api, proxy: CountingProxy, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with api.socket("/ws?events=instance.state") as frames:
        await api.paired("a", **flat(proxy))
        await proxy.stop()
        await frames.state("connect_failure")
        tried = await api.call("POST", "/api/instance/proxy/a/test")
        await proxy.start()
        told = [await frames.state("connected")]
    link = next(iter(api.backend.engine.links.values()))  # type: ignore[attr-defined]
    assert link.proxy.password == PASSWORD and PASSWORD not in repr(link)
    everything = caplog.text + tried.text + json.dumps(told) + json.dumps(await api.item("a"))
    assert PASSWORD not in everything


@pytest.mark.parametrize("protocol", ["http", "socks5"])
async def test_media_comes_through_it(api: Api, proxy: CountingProxy, protocol: str) -> None:
    await api.paired("a", **flat(proxy, protocol))
    engine: Any = api.backend.engine
    link, media = next(iter(engine.links.values())), b"media" * 100_000
    came = len(proxy.upstream)
    assert await engine.carried.fetch(link, media) == media
    assert len(proxy.upstream) == came + 1 and front(api)._media == {}
    only_through(api, proxy)
    await proxy.stop()
    with pytest.raises(EngineError, match=r"the media could not be fetched: the proxy .* cannot be reached"):
        await engine.carried.fetch(link, media)
    await proxy.start()
    link.proxy = None
    came = front(api).accepted
    assert await engine.carried.fetch(link, media) == media
    assert front(api).accepted - came <= 1, "at most the link's own"


# -- trying it out -----------------------------------------------------------------------------------------------------


async def test_trying_a_proxy_out(api: Api, proxy: CountingProxy) -> None:
    await api.new("a")
    assert await api.refused("POST", "/api/instance/proxy/a/test") == (409, "Proxy is not enabled")
    await api.ok("POST", "/api/instance/proxy/a", block(proxy))
    answer = await api.ok("POST", "/api/instance/proxy/a/test")
    assert (answer["message"], answer["proxy"]["works"]) == ("Proxy works", True)
    assert [step["name"] for step in answer["proxy"]["steps"]] == ["address", "tcp", "auth", "connect", "target"]
    host, port = await api.backend.engine.front()
    assert answer["proxy"]["target"] == f"{host}:{port}"
    await api.ok("POST", "/api/instance/proxy/a", block(proxy, "http", password="wrong-one"))
    answer = await api.ok("POST", "/api/instance/proxy/a/test")
    assert (answer["message"], answer["proxy"]["works"]) == ("Proxy does not work", False)
    assert answer["proxy"]["steps"][-1]["error"] == REFUSED and answer["proxy"]["steps"][-1]["name"] == "auth"
    assert await api.state("a") == "disconnected", "the link is left alone"


async def test_trying_out_is_an_extension(plain: Api, proxy: CountingProxy) -> None:
    await plain.new("a", **flat(proxy))
    assert await plain.refused("POST", "/api/instance/proxy/a/test") == (404, "Not found")


# -- what else moves a link --------------------------------------------------------------------------------------------


async def test_whatever_brings_a_link_up_goes_through(api: Api, proxy: CountingProxy) -> None:
    """A drop, a storm and a ban take the connection down; nothing brings the link up beside the proxy."""
    await api.paired("a", **flat(proxy))
    came = len(proxy.upstream)
    await api.sim("a", "drop", seconds=1)
    await until(lambda: len(proxy.upstream) == came + 1)
    await api.until("a", "connected")
    assert len(front(api).held) == 1
    await api.ok("POST", "/simulator/storm", {"rate": 50, "seconds": 0.3})
    await until(lambda: len(proxy.upstream) > came + 1)
    async with asyncio.timeout(10):  # in the storm it is online now and then
        while await api.state("a") != "banned":
            await api.call("POST", "/simulator/a/ban", {"seconds": 5000})
    await until(lambda: not front(api).held)
    only_through(api, proxy)


async def test_deleting_an_instance_hangs_up(api: Api, proxy: CountingProxy) -> None:
    await api.paired("a", **flat(proxy))
    await api.ok("DELETE", "/api/instance/delete/a")
    await until(lambda: not front(api).held)
    await api.paired("b", "5511999990002", **flat(proxy))
    await proxy.stop()
    await api.until("b", "disconnected")
    came = proxy.accepted
    await api.ok("DELETE", "/api/instance/delete/b")
    await proxy.start()
    await api.paired("c", "5511999990003")
    assert proxy.accepted == came, "nobody dials for what is gone"
