"""The whole server with the real library on the double: workers that die, networks and proxies that are not there."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.backend.engine.whatsapp.make import WORKER

from tests.contract.harness import running
from tests.fakes.proxy import CountingProxy
from tests.fakes.whatsapp.double import WhatsAppDouble

from ..pace import patient
from .engine import OnDouble, on_double, worker_of

pytestmark = pytest.mark.whatsapp


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
async def test_a_worker_that_dies_costs_a_reconnect(on: OnDouble, number: int) -> None:
    device = await on.paired(websocketEnabled=True)
    logins, pid = device.logins, worker_of(on)
    async with on.api.socket("/ws/shop") as frames:
        os.kill(pid, number)
        assert (await frames.state("disconnected"))["reason"] == (
            "the engine's worker process ended, dialling again with the next one"
        )
        await frames.state("connected")
    assert device.logins == logins + 1 and worker_of(on) != pid
    assert not Path(f"/proc/{pid}").exists(), "a zombie"


async def test_the_others_notice_nothing(tmp_path: Path, wa: WhatsAppDouble) -> None:
    async with on_double(tmp_path, wa, sessions_per_worker=1) as on:
        first, second = await on.paired("one", "5511999990001"), await on.paired("two", "5511999990002")
        logins = first.logins, second.logins
        assert worker_of(on, "one") != worker_of(on, "two")
        os.kill(worker_of(on, "one"), signal.SIGKILL)
        async with asyncio.timeout(20):
            while first.logins == logins[0]:
                await asyncio.sleep(0.01)
        await on.up("one")
        assert (await on.api.state("two"), second.logins) == ("connected", logins[1])


@pytest.mark.parametrize("protocol", ["http", "socks5"])
async def test_a_proxy_carries_everything(tmp_path: Path, wa: WhatsAppDouble, protocol: str) -> None:
    """Line and media, out and in; what would go around it would come by the double's own door, which nobody uses."""
    proxy = CountingProxy("user", "s3cret-word")
    proxy.resolves["web.whatsapp.com"] = ("127.0.0.1", wa.tls_port)
    proxy.resolves["mmg.whatsapp.net"] = ("127.0.0.1", wa.gate.media_port)
    await proxy.start()
    try:
        async with on_double(tmp_path, wa) as on:
            use: dict[str, Any] = {
                "proxyEnabled": True, "proxyProtocol": protocol, "proxyHost": "127.0.0.1", "proxyPort": str(proxy.port),
                "proxyUsername": "user", "proxyPassword": "s3cret-word",
            }  # fmt: skip
            device = await on.paired(**use, websocketEnabled=True, websocketMediaBase64=True)
            ana, content = wa.person("5511777770001", "Ana"), os.urandom(50_000)
            body = {"number": ana.number, "mediaType": "image", "mediaBase64": base64.b64encode(content).decode()}
            await on.api.ok("POST", "/api/message/media/shop", body)
            medium = (await ana.heard()).medium
            assert medium is not None and medium.data == content
            async with on.api.socket("/ws/shop") as frames:
                await ana.show(device, content, "image/png")
                told = await frames.until(lambda frame: frame["event"] == "message.exchange")
            assert base64.b64decode(told[-1]["data"]["message"]["media"]["base64"]) == content
            device.drop()
            async with asyncio.timeout(20):
                while device.logins < 2:
                    await asyncio.sleep(0.01)
            assert set(proxy.asked) == {("web.whatsapp.com", 443), ("mmg.whatsapp.net", 443)}
            assert proxy.asked.count(("web.whatsapp.com", 443)) == 3
            assert wa.seen == [], "something went around the proxy"
            assert "s3cret-word" not in str(await on.api.item("shop"))
    finally:
        await proxy.stop()


@pytest.mark.parametrize("trusted", [True, False])
async def test_looking_at_a_proxy_goes_as_far_as_whatsapps_certificate(
    tmp_path: Path, wa: WhatsAppDouble, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(wa.ca_file))
    async with on_double(tmp_path, wa) as on:
        await on.api.new(
            "shop", proxyEnabled=True, proxyProtocol="http", proxyHost="127.0.0.1", proxyPort=str(wa.gate.port)
        )
        looked = (await on.api.ok("POST", "/api/instance/proxy/shop/test"))["proxy"]
    assert wa.seen == ["web.whatsapp.com:443"]
    assert looked["works"] is trusted, looked
    if not trusted:
        assert "whoever answers there is not web.whatsapp.com: its certificate is not to be trusted" in str(looked)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"proxyPassword": "wrong-password"}, "the proxy refused the user name or password"),
        ({"proxyPort": "9"}, "refused"),
    ],
)
async def test_a_proxy_that_refuses(tmp_path: Path, change: dict[str, str], words: str) -> None:
    async with WhatsAppDouble(login=("user", "s3cret-word")) as wa, on_double(tmp_path, wa) as on:
        proxy: dict[str, Any] = {
            "proxyEnabled": True, "proxyProtocol": "http", "proxyHost": "127.0.0.1", "proxyPort": str(wa.gate.port),
            "proxyUsername": "user", "proxyPassword": "s3cret-word",
        } | change  # fmt: skip
        await on.api.new("shop", **proxy)
        status, told = await on.api.refused("GET", "/api/instance/connect/shop")
        assert status == 500 and words in told and "wrong-password" not in told
        assert wa.seen == [], "never around the proxy"


async def test_a_proxy_that_goes_away(tmp_path: Path) -> None:
    async with WhatsAppDouble(login=("user", "s3cret-word")) as wa, on_double(tmp_path, wa) as on:
        proxy: dict[str, Any] = {
            "proxyEnabled": True, "proxyProtocol": "http", "proxyHost": "127.0.0.1", "proxyPort": str(wa.gate.port),
            "proxyUsername": "user", "proxyPassword": "s3cret-word",
        }  # fmt: skip
        device = await on.paired(**proxy, websocketEnabled=True)
        body: dict[str, Any] = {
            "enabled": True, "protocol": "http", "host": "127.0.0.1", "port": "9", "username": "user", "password": "s3cret-word",
        }  # fmt: skip
        async with on.api.socket("/ws/shop") as frames:
            await on.api.ok("POST", "/api/instance/proxy/shop", body)
            await on.api.ok("POST", "/api/instance/reconnect/shop")
            assert "refused" in (await frames.state("connect_failure"))["reason"]
            await device.offline()
            await on.api.ok("POST", "/api/instance/proxy/shop", body | {"port": str(wa.gate.port)})
            await on.api.ok("POST", "/api/instance/reconnect/shop")
            await frames.state("connected")


def without_network() -> tuple[str, ...]:
    """A worker in a namespace where not even loopback is up."""
    return ("unshare", "-r", "-n", sys.executable, "-m", WORKER)


async def test_without_a_network_pairing_says_so_within_a_second(tmp_path: Path) -> None:
    async with running(tmp_path, engine="whatsapp", worker_command=without_network()) as api:
        await api.new("shop")
        began = time.monotonic()
        status, words = await api.refused("GET", "/api/instance/connect/shop")
        took = time.monotonic() - began
        assert status == 500 and "WhatsApp cannot be reached" in words and "check" in words, words
        assert took < patient(1.0), took
        assert await api.state("shop") == "disconnected"


async def test_without_a_network_a_session_is_retried_and_stops_at_once(tmp_path: Path, wa: WhatsAppDouble) -> None:
    async with on_double(tmp_path, wa) as first:
        await first.paired()
    async with running(tmp_path, engine="whatsapp", worker_command=without_network()) as api:
        async with asyncio.timeout(10):
            while "cannot be reached" not in (await api.item("shop"))["connection"]["reason"]:
                await asyncio.sleep(0.01)
        engine: Any = api.backend.engine
        (link,) = engine.links.values()
        async with asyncio.timeout(10):
            while link.tries < 3:
                await asyncio.sleep(0.01)
        began = time.monotonic()
        await api.ok("DELETE", "/api/instance/logout/shop")
        assert time.monotonic() - began < patient(1.0)
        assert await api.state("shop") == "loggedout" and link.timer is None


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_a_whatsapp_that_goes_dumb_is_noticed(on: OnDouble) -> None:
    """The library asks whether the line still works every 20 to 30 s, and waits 10 s for the answer."""
    device = await on.paired(websocketEnabled=True)
    told: list[str] = []
    async with on.api.socket("/ws/shop") as frames, asyncio.timeout(200):
        device.mute = True
        while (state := json.loads(await frames.connection.recv())["data"]["state"]) != "keepalive_restored":
            told.append(state)
            assert await on.api.state("shop") == "connected", "it is not known to be down"
            device.mute = False
    assert told and set(told) == {"keepalive_timeout"}


@pytest.mark.long
async def test_a_whatsapp_that_says_nothing_holds_nobody_up(on: OnDouble) -> None:
    """The library gives it 20 s, during which it lets nobody stop it: so what waits is the worker, never the API."""
    await on.paired("one", "5511999990001")
    await on.paired("two", "5511999990002")
    on.wa.silent = True
    began = time.monotonic()
    await on.api.ok("POST", "/api/instance/reconnect/one")
    await asyncio.sleep(0.5)
    await on.api.ok("POST", "/api/instance/reconnect/one")
    assert await on.api.state("one") == "connecting"
    assert (await on.api.state("two"), time.monotonic() - began < patient(3)) == ("connected", True)
    on.wa.silent = False
    async with asyncio.timeout(60):
        await on.api.ok("GET", "/api/instance/list")
        while await on.api.state("one") != "connected":
            await asyncio.sleep(0.1)
