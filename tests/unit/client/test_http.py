"""RyzeClient against a server that answers as badly as it can: only RyzeError comes out, in words, without secrets."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys

import pytest
from ryze_tui import redact
from ryze_tui.api.errors import BadReply, NoAnswer, RateLimited, Refused, RyzeError, TokenRefused, Unreachable
from ryze_tui.client import http, transport
from ryze_tui.client.http import RyzeClient
from ryze_tui.client.stream import Dialler
from ryze_tui.client.transport import Bounds

from tests.fakes.hostile import Answer, drip, endless, raw, reply, serving, silence
from tests.fakes.virtual import Manual

TOKEN = "the-very-secret-token"
ENVELOPE = b'{"success":false,"error":{"message":"Instance not found"}}'


@pytest.fixture(autouse=True)
def _bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hasty only where the answer never comes, or a busy machine would be taken for such a server."""
    answer = getattr(request.node, "callspec", None) and request.node.callspec.params.get("answer")
    seconds = 0.3 if answer in (drip, silence) else 30.0
    monkeypatch.setattr(http, "LISTING", Bounds(seconds=seconds, silence=seconds * 0.7, most=1 << 20))
    redact.register(TOKEN)


async def error_of(answer: Answer, method: str = "list_text", *arguments: object) -> RyzeError:
    async with serving(answer) as server:
        client = RyzeClient(server.url, TOKEN)
        try:
            with pytest.raises(RyzeError) as caught:
                await getattr(client, method)(*arguments)
        finally:
            await client.close()
        (call,) = client.calls
        assert call.message
        assert TOKEN not in f"{call}{caught.value.message}"
        return caught.value


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (reply("500 Oops", b"<html><h1>Internal \x1b[31m Server Error</h1>", Content_Type="text/html"), BadReply, "500"),
        (reply("500 Oops", ENVELOPE), Refused, "Instance not found"),
        (reply("404 No", b'{"error":"plain text"}'), Refused, "plain text"),
        (reply("404 No", b'{"message":"top level"}'), Refused, "top level"),
        (reply("401 No", b'{"success":false,"error":{"message":"Invalid token"}}'), TokenRefused, "Invalid token"),
        (reply("401 No", b"<html>"), TokenRefused, "refused the token"),
        (reply("302 Found", b"", Location="http://evil.example/?token=x"), BadReply, "redirects to http://evil.example (302)"),
        (reply("302 Found", b"", Location="/elsewhere"), BadReply, "redirects elsewhere"),
        (reply("302 Found", b"", Location="http://[evil"), BadReply, "redirects elsewhere"),
        (reply("500 Oops", b"<html><title>It is &lt;broken&gt;\n</title>"), BadReply, "500: “It is <broken>”; something in it"),
        (reply("503 No", b"no healthy \x1b[31mupstream\nmore"), BadReply, "503: “no healthy ␛[31mupstream”; something before it"),
        (reply("502 No", b"\xff\xfe\x00"), BadReply, "502 without saying why"),
        (reply("200 OK", b" <!DOCTYPE html><title>Log in</title>"), BadReply, "a web page came instead of an answer: “Log in”"),
        (reply("200 OK", b"x" * (2 << 20)), BadReply, "longer than"),
        (endless, BadReply, "longer than"),
        (drip, NoAnswer, "began to answer, but was not done in time"),
        (silence, NoAnswer, "did not answer in time"),
        (raw(b""), NoAnswer, "broke off"),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), NoAnswer, "does not speak HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), NoAnswer, "broke off its answer"),
        (raw(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300_000), NoAnswer, ""),
        (reply("200 OK", gzip.compress(b"{}" * 10_000_000), Content_Encoding="gzip"), BadReply, "compressed"),
        (reply("429 Slow", b'{"error":{"message":"Rate limit exceeded."}}', Retry_After="7"), RateLimited, "Rate limit"),
    ],
)
async def test_bad_answers(answer: Answer, kind: type[RyzeError], words: str) -> None:
    error = await error_of(answer)
    assert type(error) is kind, error
    assert words in error.message
    assert "\x1b" not in error.message


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"3", b'"x"', b"\xff\xfe", b"<html>", pytest.param(b"[" * 100_000, id="deep"),
     pytest.param(b'{"a":' * 5000, id="deep-objects")],
)
@pytest.mark.parametrize(
    ("method", "arguments"),
    [("health", ()), ("connect", ("a",)), ("reconnect", ("a",)), ("logout", ("a",)), ("delete", ("a",)),
     ("create", ({"name": "a"},))],
)
async def test_answers_that_are_not_objects(body: bytes, method: str, arguments: tuple[object, ...]) -> None:
    async with serving(reply("200 OK", body)) as server:
        client = RyzeClient(server.url, TOKEN)
        try:
            with pytest.raises(BadReply, match=r"JSON|web page"):
                await getattr(client, method)(*arguments)
        finally:
            await client.close()


CODELESS = [b"{}", b'{"status":3,"qrCode":["x"]}', b'{"pairingCode":"TOO-LONG-CODE"}', b'{"qrCode":"a\\u001b[2Jb"}',
            b'{"qrCode":"\\ud800"}', '{{"qrCode":"{}"}}'.format("\u00fc" * 2000).encode(), b'{"qrCode":"' + b"x" * 1501 + b'"}',
            b'{"qrCode":"2@\\u00e9"}']


@pytest.mark.parametrize("body", CODELESS)
async def test_a_connect_without_a_usable_code(body: bytes) -> None:
    assert isinstance(await error_of(reply("200 OK", body), "connect", "a"), BadReply)


async def test_nobody_there() -> None:
    async with serving(silence) as server:
        url = server.url
    client = RyzeClient(url, TOKEN)
    with pytest.raises(Unreachable, match="refuses connections"):
        await client.list_text()
    await client.close()


async def test_a_knock_asks_nothing_and_is_not_logged() -> None:
    async with serving(silence) as server:
        client = RyzeClient(server.url, TOKEN)
        await client.knock()
    with pytest.raises(Unreachable, match="refuses connections"):
        await client.knock()
    await client.close()
    assert not server.requests
    assert not client.calls


async def test_a_name_that_is_not_known() -> None:
    client = RyzeClient("http://no-such-host.invalid", TOKEN)
    with pytest.raises(Unreachable):
        await client.health()
    await client.close()


async def test_a_server_that_only_ever_says_go_on_is_not_listened_to_without_end() -> None:
    sent = 0

    async def go_on(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 400)
            await writer.drain()
            sent += 10_000

    async with serving(go_on) as server:
        client = RyzeClient(server.url, TOKEN)
        with pytest.raises(NoAnswer, match="broke off its answer"):
            await client.list_text()
        await client.close()
    assert sent < 10 << 20, "it was read until the deadline, with no time for keys"


async def test_a_body_in_parts_of_a_byte_leaves_turns_to_others() -> None:
    async def parts(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 9000 + b"0\r\n\r\n")
        await writer.drain()

    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with serving(parts) as server:
        client = RyzeClient(server.url, TOKEN)
        with pytest.raises(RyzeError):
            await client.health()  # imports, and the connection
        task = asyncio.create_task(others())
        assert await client.list_text() == " " * 9000
        task.cancel()
        await client.close()
    assert turns > 40, "all of it was taken in one turn"


async def test_cookies_are_not_kept() -> None:
    """The contract has none; a server that sets new ones in each answer would fill the memory, and every request."""
    async with serving(reply("200 OK", b"{}", Set_Cookie="a=b; Path=/; Max-Age=9999")) as server:
        client = RyzeClient(server.url, TOKEN)
        for _again in range(3):
            await client.health()
        await client.close()
    assert len(server.requests) == 3 and not [head for head in server.requests if "cookie" in head.lower()]


async def test_the_token_travels_in_its_header_only_and_health_goes_without() -> None:
    async with serving(reply("200 OK", b'{"extensions":["x",3],"engine":"simulated"}')) as server:
        client = RyzeClient(server.url, TOKEN)
        health = await client.health()
        await client.list_text(["a b", "c/d"])
        await client.close()
    assert (health.extensions, health.simulated) == (frozenset({"x"}), True)
    first, second = server.requests
    assert TOKEN not in first
    assert second.startswith("GET /api/instance/list?instanceName=a%20b,c%2Fd HTTP/1.1")
    assert second.count(TOKEN) == 1
    assert f"token: {TOKEN}" in second


def test_httpx_comes_in_parts_between_which_keys_are_answered_and_without_its_program() -> None:
    story = """
import asyncio, sys
from ryze_tui.client import transport

async def first():
    steps = 0
    def step():
        nonlocal steps
        steps += 1
        loop.call_soon(step)
    loop = asyncio.get_running_loop()
    loop.call_soon(step)
    httpx = await transport._httpx()
    return steps, httpx.AsyncClient is not None, sorted({"click", "rich", "pygments"} & sys.modules.keys())

print(*asyncio.run(first()))
"""
    done = subprocess.run([sys.executable, "-c", story], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == [str(len(transport.PARTS)), "True", "[]"]


async def test_calls_are_logged_with_a_curl_that_holds_no_secret() -> None:
    async with serving(reply("201 Made", b'{"instance":{"name":"a","status":"disconnected"}}')) as server:
        client = RyzeClient(server.url, TOKEN)
        await client.create({"name": "a'b", "token": "own-token-of-the-instance", "websocketEnabled": True})
        await client.close()
    (call,) = client.calls
    assert (call.method, call.path, call.status) == ("POST", "/api/instance/new", 201)
    assert call.curl.startswith("curl -sS -X POST ")
    assert '"token: $RYZE_TOKEN"' in call.curl
    assert "own-token" not in call.curl


async def test_after_a_429_nothing_is_sent_until_its_time() -> None:
    async with serving(reply("429 Slow", b"{}", Retry_After="60")) as server:
        client = RyzeClient(server.url, TOKEN)
        for _n in range(3):
            with pytest.raises(RateLimited) as caught:
                await client.list_text()
        await client.close()
    assert len(server.requests) == 1
    assert 59 < caught.value.retry_after <= 60


async def test_a_patient_call_waits_for_its_turn_and_is_sent_again_after_a_429() -> None:
    answers = [reply("429 Slow", b"{}", Retry_After="7"), reply("200 OK", b'{"instances":[]}')]

    async def next_one(writer: asyncio.StreamWriter) -> None:
        await (answers.pop(0) if len(answers) > 1 else answers[0])(writer)

    async with serving(next_one) as server:
        clock = Manual()
        client = RyzeClient(server.url, TOKEN, clock=clock)
        client.patience = 30
        began = clock.now
        await client.list_text()
        assert (len(server.requests), clock.now - began) == (2, 7)
        for _n in range(69):  # 70 a minute are for such work while the server tells nothing of its limits
            await client.list_text()
        assert clock.now - began == 60, "the 429 was one of them"
        await client.close()
    assert len(server.requests) == 71


async def test_a_patient_call_gives_up_in_the_end() -> None:
    async with serving(reply("429 Slow", b"{}", Retry_After="7")) as server:
        client = RyzeClient(server.url, TOKEN, clock=Manual())
        client.patience = 0
        with pytest.raises(RateLimited):
            await client.list_text()
        await client.close()
    assert len(server.requests) == 1 + http.PUT_OFF


async def test_create_reads_the_token_where_it_may_be() -> None:
    own = b'{"instance":{"name":"a","token":"t1"}}'
    for body in (own, b'{"instance":{"name":"a"},"data":{"token":"t1"}}', b'{"data":{"token":"t1"}}'):
        async with serving(reply("200 OK", body)) as server:
            client = RyzeClient(server.url, TOKEN)
            item, _message = await client.create({"name": "a", "websocketEnabled": True})
            await client.close()
        assert (item.name, item.token, item.streaming) == ("a", "t1", True)


async def test_pairing_codes_in_the_forms_seen() -> None:
    for text in ("ABCD1234", "abcd-1234", " ABCD-1234 "):
        async with serving(reply("200 OK", f'{{"pairingCode":"{text}"}}'.encode())) as server:
            client = RyzeClient(server.url, TOKEN)
            assert (await client.connect("a", "5511")).pairing_code == "ABCD-1234"
            await client.close()
        assert "number=5511" in server.requests[0]


async def test_connected_already() -> None:
    async with serving(reply("200 OK", b'{"status":"connected","message":"Instance already connected"}')) as server:
        client = RyzeClient(server.url, TOKEN)
        assert (await client.connect("a")).connected
        await client.close()


async def test_names_that_cannot_be_sent_are_our_error_and_nothing_is_sent() -> None:
    async with serving(reply("200 OK", b"{}")) as server:
        client = RyzeClient(server.url, TOKEN)
        for call in (client.connect, client.reconnect, client.logout, client.delete):
            with pytest.raises(RyzeError):
                await call("a\ud800")
        for arguments in (["a", "b\ud800"], ["\udfff"]):
            with pytest.raises(RyzeError):
                await client.list_text(arguments)
        with pytest.raises(RyzeError):
            await client.connect("a", "\ud800")
        await client.close()
    assert not server.requests


async def test_create_believes_neither_a_name_nor_a_token_that_cannot_be_sent() -> None:
    for body in (rb'{"instance":{"name":"\ud800","token":"\ud800"}}', rb'{"data":{"token":"\r\n"}}', b'{"instance":{"name":7}}'):
        async with serving(reply("200 OK", body)) as server:
            client = RyzeClient(server.url, TOKEN)
            item, _message = await client.create({"name": "a"})
            await client.close()
        assert (item.name, item.token) == ("a", "")


async def test_a_429_that_is_not_about_requests_blocks_nothing_else() -> None:
    """WhatsApp's own throttling, or too many sockets: the server says that requests are left."""
    answer = reply("429 No", b'{"error":{"message":"slow down"}}', X_RateLimit_Limit="100", X_RateLimit_Remaining="60")
    async with serving(answer) as server:
        client = RyzeClient(server.url, "the-token-of-it")
        with pytest.raises(RateLimited):
            await client.connect("a")
        assert client.budgets.of(client.token).blocked() == 0
        with pytest.raises(RateLimited):
            await Dialler(client)("/ws", client.token)
        assert client.budgets.of(client.token).blocked() == 0


async def test_a_message_is_in_no_log_also_where_the_server_repeats_it() -> None:
    text = "nobody's business"
    answer = reply(400, b'{"success":false,"error":{"message":"cannot send: nobody\'s business"}}')
    async with serving(answer) as server:
        client = RyzeClient(server.url, TOKEN)
        with pytest.raises(Refused) as caught:
            await client.send_text("sales", "5511999990000", text)
        await client.close()
    (call,) = client.calls
    assert "cannot send" in call.message and text not in f"{call}{caught.value}{caught.value.message}"


@pytest.mark.parametrize(
    ("body", "ident"),
    [
        (b'{"success":true,"message":"ok","status":"sent","messageId":"3EB0"}', "3EB0"),
        (b'{"success":true,"data":{"messageId":"3EB1","status":"sent"}}', "3EB1"),
        (b'{"success":true,"data":{"id":"3EB2"}}', "3EB2"), (b'{"success":true,"data":[1],"messageId":7}', ""),
    ],
)  # fmt: skip
async def test_the_id_of_a_message_wherever_the_server_puts_it(body: bytes, ident: str) -> None:
    async with serving(reply(200, body)) as server:
        client = RyzeClient(server.url, TOKEN)
        assert (await client.send_text("sales", "5511999990000", "hello")).id == ident
        await client.close()
