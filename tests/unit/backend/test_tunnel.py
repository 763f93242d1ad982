"""The way through a proxy: what is said to it, what its answers mean in words, and that nothing is dialled beside it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ryze_tui.backend.egress import Egress
from ryze_tui.backend.engine.port import ProxyUse
from ryze_tui.backend.proxied import proxied_client
from ryze_tui.backend.tunnel import Fault, Streams, TunnelError, open_tunnel, probe
from ryze_tui.outside.proxy import NoWay, connect_request, http_connect, socks5, socks_target

from tests.fakes.authority import Authority
from tests.fakes.proxy import CountingProxy, counting_proxy

from .test_egress import Dns, port_of

PASSWORD = "pä:ss wörd-0123456789"
SCHEMES = ("http", "socks5", "https")


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Whom this process believes, for as long as the test runs."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@asynccontextmanager
async def target() -> AsyncIterator[int]:
    """Speaks first, then gives back each line; its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        while line := await reader.readline():
            writer.write(line.upper())
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield port_of(server)


def use(proxy: CountingProxy, scheme: str, username: str = "", password: str = "", host: str = "127.0.0.1") -> ProxyUse:
    return ProxyUse(scheme, host, proxy.port, username, password)


async def fails(
    proxy: ProxyUse, host: str = "127.0.0.1", port: int = 9, *, seconds: float = 5.0, private: bool = True
) -> TunnelError:
    with pytest.raises(TunnelError) as caught:
        await open_tunnel(Egress(allow_private=private), proxy, host, port, seconds)
    assert PASSWORD not in str(caught.value) and PASSWORD not in repr(proxy)
    return caught.value


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("username", "password"), [("", ""), ("ünternehmen", PASSWORD), ("only-a-name", "")])
async def test_through(scheme: str, username: str, password: str, authority: Authority) -> None:
    """Also what the target says at once, in the same packet as the proxy's answer."""
    tls = authority.server("127.0.0.1") if scheme == "https" else None
    async with counting_proxy(username, password, tls=tls) as proxy, target() as port:
        proxy.resolves["far.example"] = ("127.0.0.1", port)
        for host in ("127.0.0.1", "far.example"):
            reader, writer = await open_tunnel(Egress(allow_private=True), use(proxy, scheme, username, password), host, port)
            writer.write(b"abc\n")
            assert await reader.readline() + await reader.readline() == b"hello\nABC\n"
            writer.transport.abort()
        assert proxy.asked == [("127.0.0.1", port), ("far.example", port)], "names go to the proxy"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize(("username", "password", "words"), [
    ("user", "wrong", "the proxy refused the user name or password"), ("", "", "the proxy wants a user name and a password"),
])  # fmt: skip
async def test_a_wrong_password(scheme: str, username: str, password: str, words: str) -> None:
    async with counting_proxy("user", PASSWORD) as proxy:
        error = await fails(use(proxy, scheme, username, password))
        assert (str(error), error.fault, error.passing) == (words, Fault.CREDENTIALS, False)
        assert proxy.asked == []


@pytest.mark.parametrize(("scheme", "answer", "words", "fault"), [
    ("http", b"SSH-2.0-OpenSSH_9.9\r\n", "what answers there is no HTTP proxy", Fault.NO_PROXY),
    ("http", b"HTTP/1.1 405 Method Not Allowed\r\n\r\n", "no HTTP proxy: it answered CONNECT with 405", Fault.NO_PROXY),
    ("http", b"HTTP/1.1 301 Moved\r\nLocation: http://other/\r\n\r\n", "answered CONNECT with 301", Fault.NO_PROXY),
    ("http", b"HTTP/1.1 403 Forbidden\r\n\r\n", "does not let anybody through to 127.0.0.1:9", Fault.TARGET),
    ("http", b"HTTP/1.1 503 No\r\nA: " + b"b" * 9000 + b"\r\n\r\n", "did not get through to 127.0.0.1:9 (503)", Fault.TARGET),
    ("http", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200, "no HTTP proxy", Fault.NO_PROXY),
    ("http", b"x" * 70_000, "no HTTP proxy", Fault.NO_PROXY),
    ("socks5", b"HTTP/1.1 400 Bad Request\r\n\r\n", "what answers there is no SOCKS5 proxy", Fault.NO_PROXY),
    ("socks5", b"\x05\xff", "wants a user name", Fault.CREDENTIALS),
    ("socks5", b"\x05\x02", "wants a user name", Fault.CREDENTIALS),
    ("socks5", b"\x05\x01", "no SOCKS5 proxy", Fault.NO_PROXY),
    ("socks5", b"\x05\x00\x05\x02\x00\x01", "its rules do not allow it", Fault.TARGET),
    ("socks5", b"\x05\x00\x05\x63\x00\x01", "it says 99", Fault.TARGET),
    ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS", Fault.TLS),
])  # fmt: skip
async def test_what_answers_mean(scheme: str, answer: bytes, words: str, fault: Fault) -> None:
    async with counting_proxy() as proxy:
        proxy.mood = answer
        error = await fails(use(proxy, scheme))
        assert words in str(error) and error.fault is fault


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_proxy_that_says_nothing_costs_its_seconds(scheme: str) -> None:
    async with counting_proxy() as proxy:
        proxy.mood = "silent"
        error = await fails(use(proxy, scheme), seconds=0.1)
        assert error.fault is Fault.SILENT and error.passing
        assert str(error).startswith(f"the proxy 127.0.0.1:{proxy.port} ") and str(error).endswith("within 0.1 seconds")


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_nobody_there(scheme: str) -> None:
    async with counting_proxy() as proxy:
        pass
    error = await fails(use(proxy, scheme))
    assert error.fault is Fault.UNREACHABLE and "Connect" in str(error)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_target_that_is_not_there(scheme: str) -> None:
    async with target() as port:
        pass
    async with counting_proxy() as proxy:
        error = await fails(use(proxy, scheme), port=port)
        assert error.fault is Fault.TARGET and f"127.0.0.1:{port}" in str(error)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254"])
async def test_an_address_that_may_not_be_dialled_is_not(host: str) -> None:
    async with counting_proxy() as proxy:
        error = await fails(use(proxy, "http", host=host), private=host == "169.254.169.254")
        assert error.fault is Fault.FORBIDDEN and "may not be dialled" in str(error)
        assert proxy.accepted == 0


async def test_the_address_checked_is_the_address_dialled() -> None:
    async with counting_proxy() as proxy, target() as port:
        dns = Dns(["169.254.169.254", "127.0.0.1"], ["169.254.169.254"])
        egress = Egress(allow_private=True, resolver=dns)
        _, writer = await open_tunnel(egress, use(proxy, "http", host="proxy.example"), "127.0.0.1", port)
        writer.transport.abort()
        assert dns.asked == 1, "nor is the target's name asked for here"


@pytest.mark.parametrize("host", ["a..b", "a\0b", "x" * 300, "user:secret@proxy.example"])
async def test_hosts_that_are_none(host: str) -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        host.encode("idna")
        raise OSError("Name or service not known")

    with pytest.raises(TunnelError, match="cannot be found") as caught:
        await open_tunnel(Egress(allow_private=True, resolver=nowhere), ProxyUse("http", host, 1), "a", 1)
    assert "secret" not in str(caught.value) and caught.value.fault is Fault.UNREACHABLE


async def test_a_certificate_of_nobody_and_one_of_somebody_else(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "stranger").mkdir()
    for tls in (Authority(tmp_path / "stranger").server("127.0.0.1"), authority.server("other.example")):
        async with counting_proxy("user", PASSWORD, tls=tls) as proxy:
            error = await fails(use(proxy, "https", "user", PASSWORD))
            assert error.fault is Fault.TLS and "cannot prove who it is" in str(error)
            assert proxy.heads == [], "the password was not told"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("target_name", ["a\r\nX: y", "a b", "", "ä"])
async def test_a_target_that_would_break_the_request(scheme: str, target_name: str) -> None:
    async with counting_proxy() as proxy:
        assert (await fails(use(proxy, scheme), host=target_name)).fault is Fault.TARGET
        assert proxy.heads == [] and proxy.asked == []


class Nobody:
    """A writer whose other end does not read."""

    def write(self, data: bytes) -> None:
        assert data

    async def drain(self) -> None:
        pass


@given(st.sampled_from(["http", "socks5"]), st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=60).map(lambda rest: b"HTTP/1.1 " + rest), st.binary(max_size=60).map(lambda rest: b"\x05\x02\x01" + rest),
))  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_whatever_comes_back_ends_in_words_or_in_a_tunnel(scheme: str, answer: bytes) -> None:
    @contextmanager
    def stage(name: str) -> Iterator[None]:
        yield

    async def whole() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(answer)
        reader.feed_eof()
        nobody: Any = Nobody()
        with suppress(NoWay, EOFError):  # what else there is, `stage` would let through
            talk = socks5 if scheme == "socks5" else http_connect
            await talk(reader, nobody, ProxyUse(scheme, "h", 1, "u", "p"), "a", 1, stage)

    asyncio.run(whole())


def test_what_is_written() -> None:
    told = base64.b64encode(f"user:{PASSWORD}".encode())
    assert connect_request(ProxyUse("http", "h", 1, "user", PASSWORD), "::1", 443) == (
        b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nProxy-Authorization: Basic " + told + b"\r\n\r\n"
    )
    assert socks_target("::1", 443) == b"\x04" + b"\0" * 15 + b"\x01\x01\xbb"
    assert socks_target("web.whatsapp.com", 443) == b"\x03\x10web.whatsapp.com\x01\xbb"
    with pytest.raises(NoWay, match="colon"):
        connect_request(ProxyUse("http", "h", 1, "us:er", PASSWORD), "a", 443)


async def test_a_password_too_long_for_socks() -> None:
    async with counting_proxy("user", PASSWORD) as proxy:
        assert "255 bytes" in str(await fails(use(proxy, "socks5", "user", "x" * 256)))


# -- a look at it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "names"), [
    ("http", "address tcp connect"), ("socks5", "address tcp auth connect"), ("https", "address tcp tls connect"),
])  # fmt: skip
async def test_the_steps(scheme: str, names: str, authority: Authority) -> None:
    tls = authority.server("127.0.0.1") if scheme == "https" else None
    async with counting_proxy("user", PASSWORD, tls=tls) as proxy, target() as port:
        looked = await probe(Egress(allow_private=True), use(proxy, scheme, "user", PASSWORD), "127.0.0.1", port)
        assert looked.works and [step.name for step in looked.steps] == names.split()
        assert all(step.milliseconds >= 0 and not step.error for step in looked.steps)


@pytest.mark.parametrize(("scheme", "at"), [("http", "auth"), ("socks5", "auth"), ("https", "tls")])
async def test_the_step_that_fails_is_the_last(scheme: str, at: str) -> None:
    async with counting_proxy("user", PASSWORD) as proxy:
        if scheme == "https":
            proxy.mood = b"HTTP/1.1 400 Bad Request\r\n\r\n"
        looked = await probe(Egress(allow_private=True), use(proxy, scheme, "user", "wrong"), "127.0.0.1", 9)
        assert not looked.works and [bool(step.error) for step in looked.steps] == [False, False, True]
        assert looked.steps[-1].name == at
        proxy.mood = "silent"
        late = await probe(Egress(allow_private=True), use(proxy, scheme), "127.0.0.1", 9, 0.1)
        assert late.steps[-1].error.endswith("within 0.1 seconds") and late.steps[-1].milliseconds > 50


async def test_a_proxy_that_says_it_is_through_and_is_not() -> None:
    async def greet(streams: Streams) -> None:
        assert await streams[0].readexactly(5)

    async with counting_proxy() as proxy:
        proxy.mood = b"HTTP/1.1 200 OK\r\n\r\n"
        looked = await probe(Egress(allow_private=True), use(proxy, "http"), "127.0.0.1", 9, 0.2, greet=greet)
        assert [step.name for step in looked.steps] == ["address", "tcp", "connect", "target"]
        assert not looked.works and looked.steps[-1].error.endswith("carried nothing within 0.2 seconds")


# -- HTTP inside the tunnel --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("inside", ["http", "https"])
async def test_http_through_the_tunnel(scheme: str, inside: str, authority: Authority) -> None:
    """TLS inside of TLS too; two requests on one connection, nothing beside the proxy."""

    async def media(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"m" * 200_000)

    ssl = authority.server("media.example") if inside == "https" else None
    tls = authority.server("127.0.0.1") if scheme == "https" else None
    serving = await asyncio.start_server(media, "127.0.0.1", 0, ssl=ssl)
    async with serving as far, counting_proxy("user", PASSWORD, tls=tls) as proxy:
        proxy.resolves["media.example"] = ("127.0.0.1", port_of(far))
        async with proxied_client(Egress(allow_private=True), use(proxy, scheme, "user", PASSWORD)) as http:
            for _ in range(2):
                reply = await http.get(f"{inside}://media.example:{port_of(far)}/x")
                assert (reply.status_code, len(reply.content)) == (200, 200_000)
        assert len(proxy.upstream) == 1
        await proxy.stop()
        async with proxied_client(Egress(allow_private=True), use(proxy, scheme, "user", PASSWORD)) as http:
            with pytest.raises(Exception, match="cannot be reached"):
                await http.get(f"{inside}://127.0.0.1:{port_of(far)}/x")
        await proxy.start()
