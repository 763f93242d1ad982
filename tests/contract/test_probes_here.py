"""Trying a block out from this machine, against real parts: right, wrong, unreachable, silent; and nothing stays behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.client.http import RyzeClient
from ryze_tui.client.stream import Dialler, Socket
from ryze_tui.operations.account import Account
from ryze_tui.outside import s3
from ryze_tui.probes import chatwoot as chatwoot_probe
from ryze_tui.probes import from_here, from_server, proxy, store
from ryze_tui.probes.steps import BAD, GOOD, RUNNING, WARN, Step
from ryze_tui.probes.trial import Trial

from tests.fakes import weed
from tests.fakes.authority import Authority
from tests.fakes.chatwoot.data import AGENT, OUTSIDER
from tests.fakes.chatwoot.process import Chatwoot
from tests.fakes.proxy import counting_proxy
from tests.fakes.real_proxies import PASSWORD, USER, pproxy, proxy_py

from ..e2e.receivers import HANG, Receiver
from .harness import TOKEN, Api, running


async def tried(trial: Trial, seconds: float = 5.0, **more: Any) -> list[Step]:
    """What is left on the screen; every step was announced before, and none shows a secret."""
    seen = [step async for step in from_here.probe(trial, seconds=seconds, **more)]
    for secret in trial.secrets:
        assert not any(secret in step.words for step in seen)
    return settled(seen)


def settled(seen: list[Step]) -> list[Step]:
    """The results; each came after its RUNNING."""
    announced = [step.title for step in seen if step.result == RUNNING]
    results = [step for step in seen if step.result != RUNNING]
    assert set(announced) <= {step.title for step in results} | {"Proxy", "WhatsApp"}
    return results


def told(steps: list[Step]) -> list[tuple[str, str]]:
    """(step, result) of everything between where it was tried from and the verdict."""
    assert steps[0].title == "From" and "this machine" in steps[0].words and steps[-1].title == "Verdict"
    return [(step.name, step.result) for step in steps[1:-1]]


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """A port that accepts and says nothing."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.Event().wait()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


# -- proxy -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@asynccontextmanager
async def whatsapp(authority: Authority) -> AsyncIterator[proxy.Target]:
    """What stands for web.whatsapp.com: it says in TLS who it is."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=authority.server("127.0.0.1"))
    yield proxy.Target("127.0.0.1", server.sockets[0].getsockname()[1])
    server.close()


def proxied(protocol: str, port: int, **more: Any) -> dict[str, Any]:
    about = {"protocol": protocol, "host": "127.0.0.1", "port": str(port), "username": USER, "password": PASSWORD}
    return {"enabled": True} | about | more


async def look(body: dict[str, Any], target: proxy.Target, seconds: float = 5.0) -> list[Step]:
    return settled([step async for step in proxy.steps(body, seconds, target)])


async def refuses(port: int) -> None:
    """Until nobody listens there: workers of a proxy that was killed let go of the port a moment after it."""
    async with asyncio.timeout(10):
        while True:
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                return
            writer.transport.abort()
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", ["pproxy-socks5", "pproxy-http", "proxy.py-http", "proxy.py-https"])
async def test_real_proxies(kind: str, tmp_path: Path, authority: Authority) -> None:
    certificate = authority.certificate("127.0.0.1") if kind.endswith("https") else None
    made = pproxy(tmp_path) if kind.startswith("pproxy") else proxy_py(tmp_path, certificate)
    protocol = kind.partition("-")[2]
    async with whatsapp(authority) as target:
        with made as real:
            right = await look(proxied(protocol, real.port), target)
            assert [step.result for step in right] == [GOOD] * len(right), right
            assert [step.name for step in right][-2:] == ["connect", "target"] and all(" ms" in step.words for step in right)
            wrong = await look(proxied(protocol, real.port, password="wrong-one"), target)
            assert (wrong[-1].name, wrong[-1].result) == ("auth", BAD) and "refused the user name or password" in wrong[-1].words
        await refuses(real.port)
        gone = await look(proxied(protocol, real.port), target)
        assert (gone[-1].name, gone[-1].result) == ("tcp", BAD)
        assert gone[-1].words.endswith("cannot be reached: Connection refused")


async def test_a_proxy_that_hangs_and_one_that_is_given_up(authority: Authority) -> None:
    async with silent() as port, whatsapp(authority) as target:
        late = await look(proxied("http", port), target, 0.2)
        assert late[-1].name == "connect" and "did not answer within 0.2 seconds" in late[-1].words
        async with aclosing(proxy.steps(proxied("http", port), 60, target)) as steps:
            async for step in steps:
                if (step.name, step.result) == ("connect", RUNNING):
                    break
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "probe a proxy"], "nothing goes on"


async def test_whoever_answers_there_is_not_whatsapp(authority: Authority) -> None:
    async with counting_proxy(USER, PASSWORD) as made, whatsapp(authority) as target:
        elsewhere = proxy.Target("localhost", target.port)  # its certificate is for 127.0.0.1
        made.resolves["localhost"] = ("127.0.0.1", target.port)
        steps = await look(proxied("socks5", made.port), elsewhere)
        assert (steps[-1].name, steps[-1].result) == ("target", BAD) and "cannot prove who it is" in steps[-1].words


async def test_the_whole_look_at_a_proxy_says_what_to_do() -> None:
    async with counting_proxy(USER, PASSWORD) as made:
        steps = await tried(Trial("proxy", "sales", proxied("socks5", made.port, password="wrong-one")))
        assert told(steps)[-1] == ("auth", BAD) and steps[-1].words == "It does not work. Check user name and password."
        assert made.asked == [], "WhatsApp was not asked for"


# -- S3 ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weeds() -> Iterator[weed.Weed]:
    import obstore

    with weed.running() as made:
        obstore.put(s3.open_store(s3.target(made.block(), {"secretKey": weed.SECRET})), "first", b"x")  # makes the bucket
        yield made


def names(made: weed.Weed) -> list[str]:
    import obstore

    client = s3.open_store(s3.target(made.block(), {"secretKey": weed.SECRET}))
    return [one["path"] for page in obstore.list(client) for one in page if "probe" in one["path"]]


async def test_a_store(weeds: weed.Weed) -> None:
    steps = await tried(Trial("s3", "sales", weeds.block()))
    assert told(steps) == [("put", GOOD), ("get", GOOD), ("delete", GOOD)] and steps[-1].words == "It works."
    for change, words in (
        ({"secretKey": "wrong-secret-0123"}, "the credentials"), ({"accessKey": "AKIDUNKNOWN"}, "the credentials"),
        ({"endpoint": "http://127.0.0.1:9"}, "refuses connections"), ({"bucket": "a/../b"}, "bucket's name"),
        ({"bucket": "other", "accessKey": weed.LIMITED, "secretKey": weed.LIMITED_SECRET}, "what they may do"),
        ({"endpoint": weeds.url.replace("http", "https")}, "TLS"),
    ):  # fmt: skip
        steps = await tried(Trial("s3", "sales", weeds.block(**change)))
        assert told(steps) == [("put", BAD)] and words in steps[1].words, (change, steps)
        assert "Check endpoint, bucket" in steps[-1].words
    steps = await tried(Trial("s3", "sales", weeds.block(accessKey=weed.WRITER, secretKey=weed.WRITER_SECRET)))
    assert told(steps) == [("put", GOOD), ("get", BAD), ("delete", GOOD)] and "allowed to read" in steps[-1].words
    assert names(weeds) == []


async def test_a_store_that_hangs(weeds: weed.Weed) -> None:
    async with silent() as port:
        steps = await tried(Trial("s3", "sales", weeds.block(endpoint=f"http://127.0.0.1:{port}")), 0.3)
        assert told(steps) == [("put", BAD), ("delete", BAD)] and "no answer within" in steps[1].words
        assert "may still be there: remove it" in steps[2].words and "wa/ryze-tui-probe-" in steps[2].words


async def test_a_look_at_a_store_that_is_given_up_removes_its_object(weeds: weed.Weed) -> None:
    async with aclosing(store.steps(weeds.block())) as steps:
        async for step in steps:
            if (step.name, step.result) == ("get", RUNNING):
                assert len(names(weeds)) == 1
                break
    assert names(weeds) == []


async def test_so_does_a_look_whose_task_is_cancelled(weeds: weed.Weed) -> None:
    began = asyncio.Event()

    async def collect() -> None:
        async for step in from_here.probe(Trial("s3", "sales", weeds.block())):
            if (step.name, step.result) == ("get", RUNNING):
                assert len(names(weeds)) == 1
                began.set()

    task = asyncio.create_task(collect())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names(weeds) == []


# -- webhook -----------------------------------------------------------------------------------------------------------


def hooked(url: str, **more: Any) -> Trial:
    body = {"label": "default", "enabled": True, "url": url, "authorization": "Bearer abc123"}
    return Trial("webhook", "sales", body | more, "banned")


async def test_a_receiver() -> None:
    async with Receiver() as receiver:
        steps = await tried(hooked(receiver.url + "/in?key=1", byEvents=True))
        assert told(steps) == [("post", GOOD)] and "answered 200: ok" in steps[1].words
        (sight,) = receiver.got
        assert (sight.path, sight.event) == ("/in/instance.state?key=1", "instance.state")
        assert (sight.data["state"], sight.data["test"], sight.data["instance"]) == ("temp_banned", True, "sales")
        receiver.mood = lambda number, key, body: "422"
        steps = await tried(hooked(receiver.url))
        assert told(steps) == [("post", BAD)] and "answered 422: no" in steps[1].words
        receiver.mood = lambda number, key, body: "410"
        assert "nothing at that path" in (await tried(hooked(receiver.url)))[1].words
        receiver.mood = lambda number, key, body: "garbage"
        assert "does not speak HTTP" in (await tried(hooked(receiver.url)))[1].words
        receiver.mood = lambda number, key, body: HANG
        assert "no answer within 0.2 s" in (await tried(hooked(receiver.url), 0.2))[1].words
        url = receiver.url
    assert "refuses connections" in (await tried(hooked(url)))[1].words


async def test_a_secret_that_a_receiver_repeats_is_not_shown() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        secret = next(line for line in head.split("\r\n") if line.lower().startswith("authorization"))
        body = json.dumps({"\x1b[31mgot": secret.partition(": ")[2]}).encode()
        writer.write(b"HTTP/1.1 401 X\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for secret in ("Bearer a-long-secret-0123456789", "key"):
            steps = await tried(hooked(url, authorization=secret))
            assert "wants another Authorization" in steps[1].words and "\x1b" not in steps[1].words


# -- Chatwoot ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chatwoot() -> Iterator[Chatwoot]:
    with Chatwoot() as made:
        yield made


async def test_a_chatwoot(chatwoot: Chatwoot) -> None:
    async def ask(seconds: float = 5.0, **more: Any) -> list[Step]:
        return await tried(Trial("chatwoot", "sales", chatwoot.body(**more) | {"enabled": True}), seconds)

    before = chatwoot.state["inboxes"]
    steps = await ask()
    assert told(steps) == [("token", GOOD), ("account", GOOD), ("inbox", GOOD)] and "it would be made" in steps[3].words
    assert "Agent" in steps[1].words and chatwoot.state["inboxes"] == before, "only looked"
    steps = await ask(chatwootApiToken="wrong-token-0123456789")
    assert told(steps) == [("token", BAD)] and "does not know the API token" in steps[1].words
    steps = await ask(chatwootApiToken=OUTSIDER)
    assert told(steps)[-1] == ("account", BAD) and "may not use account 5" in steps[2].words
    assert "/app/accounts/" in steps[-1].words
    steps = await ask(chatwootAccountId=77)
    assert told(steps)[-1] == ("account", BAD) and "there is no account 77" in steps[2].words
    steps = await ask(chatwootApiToken=AGENT)
    assert told(steps)[-1] == ("inbox", BAD) and "not an administrator's" in steps[3].words
    assert "refuses connections" in (await ask(chatwootBaseUrl="http://127.0.0.1:9"))[1].words
    chatwoot.faults({"match": "profile", "do": "html", "times": 1})
    assert "no Chatwoot" in (await ask())[1].words
    for step, path in enumerate(("profile", "inboxes"), 1):
        chatwoot.faults({"match": path, "do": "json", "times": 1})
        steps = await ask()
        assert "no Chatwoot" in steps[step].words and "does not work" in steps[-1].words
    chatwoot.faults({"match": "inboxes", "do": "hang", "times": 1})
    assert "no answer within 0.3 s" in (await ask(0.3))[2].words
    chatwoot.faults({"match": "profile", "do": "fail", "status": 502, "times": 1})
    assert "answered 502" in (await ask())[1].words


async def test_an_agent_may_use_an_inbox_that_is_there(chatwoot: Chatwoot) -> None:
    body = {"name": "WhatsApp", "channel": {"type": "api", "webhook_url": "http://127.0.0.1:9/"}}
    headers = {"api_access_token": chatwoot.body()["chatwootApiToken"]}
    assert chatwoot._http.post(f"{chatwoot.url}/api/v1/accounts/5/inboxes", json=body, headers=headers).status_code == 200
    steps = settled([step async for step in chatwoot_probe.steps(chatwoot.body(chatwootApiToken=AGENT))])
    assert (steps[-1].name, steps[-1].result) == ("inbox", WARN) and "there is one of this name" in steps[-1].words


# -- stream ------------------------------------------------------------------------------------------------------------


async def test_a_stream(plain: Api) -> None:
    token = (await plain.new("sales", websocketEnabled=True))["token"]
    client = RyzeClient(plain.url, token)

    async def dial(name: str) -> Socket:
        return await Dialler(client)(f"/ws/{name}", token)

    trial = Trial("websocket", "sales", {"enabled": True})
    steps = await tried(trial, dial=dial)
    assert told(steps) == [("upgrade", GOOD), ("heartbeat", GOOD)] and "a ping came back" in steps[2].words
    await plain.ok("POST", "/api/events/websocket/sales", {"enabled": False})
    steps = await tried(trial, dial=dial)
    assert told(steps) == [("upgrade", BAD)] and "WebSocket is not enabled" in steps[1].words
    assert "switched on?" in steps[-1].words
    async with silent() as port:
        client = RyzeClient(f"http://127.0.0.1:{port}", token)
        steps = await tried(trial, 0.2, dial=dial)
        assert told(steps) == [("upgrade", BAD)] and "no answer within 0.2 s" in steps[1].words
    client = RyzeClient("http://127.0.0.1:9", token)
    assert "refuses connections" in (await tried(trial, dial=dial))[1].words


# -- through an account ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extensions", [True, False])
async def test_an_account_knows_who_can_try(
    extensions: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    async with running(tmp_path, extensions=extensions) as api, counting_proxy(USER, PASSWORD) as made:
        await api.new("sales", websocketEnabled=True)
        account = Account(api.url, TOKEN)
        assert (await account.check()).ok
        configuring = account.configuring
        assert configuring is not None and configuring.tries is extensions
        trial = Trial("proxy", "sales", proxied("socks5", made.port))
        steps = [step async for step in from_server.probe(configuring, trial) if step.result != RUNNING]
        if extensions:
            assert (steps[-2].name, steps[-1].words) == ("target", "It works.")
        else:
            assert "an extension of ours" in steps[-1].words
        steps = await tried(Trial("websocket", "sales", {}), dial=configuring.stream)
        assert told(steps) == [("upgrade", GOOD), ("heartbeat", GOOD)]
        used = [call.path for call in account.calls if call.path.startswith("/ws/")]
        assert used == ["/ws/sales"] and not any(PASSWORD in str(call) for call in account.calls)
        await account.close()
