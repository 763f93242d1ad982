"""The way to a server: each layer that can be wrong is said to be, with what to do about it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.doctor.finding import FAIL, OK, SKIP, WARN, Finding, Trouble, look, worst
from ryze_tui.doctor.network import Network, certificate_words, clock_finding, troubles_of

from ...fakes.authority import Authority

HEALTH = '{"status": "ok", "service": "RyzeAPI", "engine": "simulated", "extensions": ["since"]}'
NOW = 1_800_000_000.0


@contextlib.asynccontextmanager
async def answering(
    body: str, status: str = "200 OK", *, date: float = NOW, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A server that answers everything with the same; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await reader.read(4096)  # a greeting in TLS too
            head = f"HTTP/1.1 {status}\r\nDate: {formatdate(date, usegmt=True)}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write((head + body).encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def looked(url: str) -> tuple[dict[str, Finding], Network]:
    network = Network(url, 5.0, now=lambda: NOW)
    return {finding.name: finding async for finding in network.steps()}, network


async def test_a_server_that_is_well() -> None:
    async with answering(HEALTH) as port:
        found, network = await looked(f"http://127.0.0.1:{port}")
    assert [finding.result for finding in found.values()] == [OK] * 5
    assert "SIMULATED" in found["answer"].seen and "since" in found["answer"].seen
    assert "does not leave this machine" in found["tls"].seen
    assert network.speaks


@pytest.mark.parametrize(("body", "status", "result", "words", "speaks"), [
    ("<html><title>Log in</title></html>", "200 OK", FAIL, "Log in", False),
    ('{"hello": 1}', "200 OK", FAIL, "not as a RyzeAPI server", False),
    ("nothing", "502 Bad Gateway", FAIL, "502", False),
    ("no", "404 Not Found", WARN, "404", True),
    ('{"status": "degraded", "service": "RyzeAPI", "checks": {"db": "fail: disk full"}}', "503 X", FAIL, "disk full", True),
])  # fmt: skip
async def test_what_else_may_answer(body: str, status: str, result: str, words: str, speaks: bool) -> None:
    async with answering(body, status) as port:
        found, network = await looked(f"http://127.0.0.1:{port}")
    assert found["answer"].result == result and words in found["answer"].seen and found["answer"].advice
    assert network.speaks is speaks


async def test_nothing_listens_there(unused_tcp_port_factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    found, network = await looked(f"http://127.0.0.1:{unused_tcp_port_factory()}")
    assert [one.result for one in found.values()] == [OK, FAIL, SKIP, SKIP, SKIP]
    assert "refuses connections" in found["tcp"].seen and "HTTPS_PROXY" in found["tcp"].advice
    assert not network.speaks


async def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_words: Any, **_more: Any) -> None:
        import socket

        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    found, _network = await looked("https://no-such-name.example")
    assert found["dns"].result == FAIL and "getent hosts no-such-name.example" in found["dns"].advice
    assert {one.result for name, one in found.items() if name != "dns"} == {SKIP}


async def test_tls_that_is_trusted_ends_soon_or_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    authority = Authority(tmp_path)
    async with answering(HEALTH, tls=authority.server("127.0.0.1")) as port:
        found, _network = await looked(f"https://127.0.0.1:{port}")
        assert found["tls"].result == FAIL and "SSL_CERT_FILE" in found["tls"].advice
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        network = Network(f"https://127.0.0.1:{port}", 5.0, now=time.time)
        trusted = {finding.name: finding async for finding in network.steps()}
    assert trusted["tls"].result == WARN and "valid for 1 day" in trusted["tls"].seen  # the authority of the tests gives two
    assert trusted["answer"].result == OK
    async with answering(HEALTH) as port:
        plain, _network = await looked(f"https://127.0.0.1:{port}")
    assert plain["tls"].result == FAIL and "http://" in plain["tls"].advice


def test_a_certificate_and_its_days() -> None:
    certificate = {"notAfter": "Mar 15 08:00:00 2027 GMT", "issuer": ((("organizationName", "An issuer"),),)}
    assert certificate_words(certificate, "TLSv1.3", NOW) == "TLSv1.3 · valid for 59 days (An issuer)"
    with pytest.raises(Trouble, match="valid for 1 day ") as ends:
        certificate_words(certificate, "TLSv1.3", NOW + 58 * 86400)
    assert ends.value.result == WARN and ends.value.advice


@pytest.mark.parametrize(("server", "result", "words"), [
    (NOW, OK, "as this machine's"), (NOW - 1, OK, "as this machine's"), (NOW + 3, OK, "3 s off"),
    (NOW + 30, WARN, "30 s behind"), (NOW - 30, WARN, "29 s ahead"), (NOW + 600, FAIL, "10 m behind"), (None, SKIP, "no date"),
])  # fmt: skip
def test_clocks(server: float | None, result: str, words: str) -> None:
    found = clock_finding(server, NOW, 0.2)
    assert found.result == result and words in found.seen
    assert bool(found.advice) is (result in (WARN, FAIL))


def test_checks_that_did_not_go_well() -> None:
    assert troubles_of('{"checks": {"db": "ok", "s3": "fail: no bucket"}}') == "(s3: fail: no bucket)"
    assert troubles_of("[1]") == troubles_of("nonsense") == troubles_of('{"checks": 3}') == ""


async def test_a_look_that_takes_too_long_is_a_failure() -> None:
    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    found = await look("server", "tcp", never(), 0.01)
    assert found.result == FAIL and "no answer within 0.01 s" in found.seen


def test_the_worst_of_all() -> None:
    def of(*results: str) -> str:
        return worst([Finding("server", "tcp", result, "") for result in results])

    assert (of(OK, SKIP), of(OK, WARN, SKIP), of(WARN, FAIL, OK), of()) == (OK, WARN, FAIL, OK)
