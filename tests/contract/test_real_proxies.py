"""The same against proxies that other people wrote: HTTP, HTTPS and SOCKS5 with a password, killed, frozen, started again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.authority import Authority
from tests.fakes.real_proxies import PASSWORD, USER, RealProxy, pproxy, proxy_py

from .harness import running
from .test_proxy import REFUSED, front, impatient, reason, until

KINDS = ["pproxy-socks5", "pproxy-http", "proxy.py-http", "proxy.py-https"]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which proxy and which protocol."""
    name: str = request.param
    return name


@pytest.fixture
def real(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealProxy]:
    """One that runs; what it shows is believed here."""
    (tmp_path / "proxy").mkdir()
    authority = Authority(tmp_path / "proxy")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    certificate = authority.certificate("127.0.0.1") if kind.endswith("https") else None
    with pproxy(tmp_path / "proxy") if kind.startswith("pproxy") else proxy_py(tmp_path / "proxy", certificate) as made:
        yield made


def fields(kind: str, real: RealProxy, password: str = PASSWORD) -> dict[str, Any]:
    return {"proxyEnabled": True, "proxyProtocol": kind.partition("-")[2], "proxyHost": "127.0.0.1", "proxyPort": str(real.port),
            "proxyUsername": USER, "proxyPassword": password}  # fmt: skip


async def test_up_killed_and_up_again(kind: str, real: RealProxy, tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        await api.paired("a", **fields(kind, real))
        address, came = await api.backend.engine.front(), front(api).accepted
        assert came == 2 and len(front(api).held) == 1, "the pairing, and the link after it"
        assert real.log.read_text().count(str(address[1])) >= came if kind.startswith("pproxy") else True
        tried = (await api.ok("POST", "/api/instance/proxy/a/test"))["proxy"]
        assert tried["works"], tried
        assert [step["name"] for step in tried["steps"]][-2:] == ["connect", "target"]
        assert (came := front(api).accepted) == 3
        async with api.socket("/ws?events=instance.state") as frames:
            real.kill()
            assert "was lost, dialling again" in (await frames.state("disconnected"))["reason"]
            assert "cannot be reached" in (await frames.state("connect_failure"))["reason"]
            assert front(api).accepted == came and not front(api).held, "nobody came beside it"
            real.start()
            await frames.state("connected")
        assert len(front(api).held) == 1


async def test_a_wrong_password(kind: str, real: RealProxy, tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        await api.new("a", **fields(kind, real, "wrong"))
        assert await api.refused("GET", "/api/instance/connect/a") == (500, f"Failed to connect: {REFUSED}")
        assert await reason(api, "a") == REFUSED and front(api).accepted == 0
        right = {"enabled": True, "host": "127.0.0.1", "port": real.port, "username": USER, "password": PASSWORD}
        await api.ok("POST", "/api/instance/proxy/a", right | {"protocol": kind.partition("-")[2]})
        await api.ok("GET", "/api/instance/connect/a")


@pytest.mark.parametrize("kind", ["pproxy-socks5", "proxy.py-https"], indirect=True)
async def test_frozen(kind: str, real: RealProxy, tmp_path: Path) -> None:
    """Its connections stay open and carry nothing: noticed, and not by their end."""
    async with running(tmp_path) as api:
        impatient(api, open_seconds=0.5, ping_seconds=0.05, pong_seconds=1.0)
        await api.paired("a", **fields(kind, real))
        async with api.socket("/ws?events=instance.state") as frames:
            real.freeze()
            assert (await frames.state("disconnected"))["reason"] == "the proxy carries nothing any more, dialling again"
            assert (await frames.state("connect_failure"))["reason"].endswith("within 0.5 seconds")
            impatient(api, open_seconds=10.0)
            real.thaw()
            await frames.state("connected")


async def test_the_front_of_a_restarted_server_is_found_again(tmp_path: Path) -> None:
    """The listener has another port after a restart, and the proxy is asked for that."""
    (tmp_path / "proxy").mkdir()
    with pproxy(tmp_path / "proxy") as real:
        async with running(tmp_path) as api:
            await api.paired("a", **fields("pproxy-http", real))
        async with running(tmp_path) as api:
            await api.until("a", "connected")
            await until(lambda: len(front(api).held) == 1)
            host, port = await api.backend.engine.front()
        assert f"{host}:{port}" in real.log.read_text()


def test_the_harness_kills(tmp_path: Path) -> None:
    with pproxy(tmp_path) as real:
        process = real._process
    assert process is not None and process.poll() is not None
