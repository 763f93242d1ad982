"""No private, link-local or metadata address is reached by any field of any block where that is not allowed.

Names resolve to what the table says, and connections other than the test's own to its server are noted and refused.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ryze_tui.api.blocks import BLOCKS
from ryze_tui.api.openapi import document
from ryze_tui.backend.settings import Settings

from .harness import Api, running
from .test_webhooks import until

PUBLIC, OTHER = "93.184.216.34", "93.184.216.35"
NAMES: dict[str, list[list[str]]] = {
    "public.example": [[PUBLIC]], "private.example": [["10.0.0.5"]], "metadata.example": [["169.254.169.254"]],
    "mixed.example": [["192.168.0.7", PUBLIC, "169.254.169.254", "::1"]], "six.example": [["fd00:ec2::254"]],
    "rebind.example": [[PUBLIC], ["127.0.0.1"], ["169.254.169.254"]], "localhost": [["127.0.0.1"]], "localhost.": [["127.0.0.1"]],
    "sub.localhost": [["127.0.0.1"]], "mapped.example": [["::ffff:127.0.0.1"]], "nat64.example": [["64:ff9b::a9fe:a9fe"]],
}
"""Host -> its addresses, question by question."""

HOSTS = [
    "127.0.0.1", "127.1", "127.9.8.7", "2130706433", "0177.0.0.1", "0x7f000001", "0x7f.1", "017700000001", "localhost",
    "localhost.", "LOCALHOST", "sub.localhost", "[::1]", "[::]", "0.0.0.0", "0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "[fd12::1]",
    "[fe80::1]", "[fe80::1%25eth0]", "169.254.169.254", "169.254.170.2", "0xa9fea9fe", "2852039166", "[::ffff:169.254.169.254]",
    "[fd00:ec2::254]", "100.100.100.200", "224.0.0.1", "255.255.255.255", "[ff02::1]", "private.example", "metadata.example",
    "six.example", "mapped.example", "nat64.example",
    "public.example@127.0.0.1", "user:password@169.254.169.254", "①②⑦.⓪.⓪.①", "127。0。0。1", "unknown.example",
]  # fmt: skip
LOOKS_LIKE_ONE = re.compile(r"url|host|endpoint|uri|address|server|domain|target", re.IGNORECASE)


class Net:
    """The only way from this process to anywhere: what is dialled that is not the server under test is kept and refused."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.dialled: list[str] = []
        self.asked: list[str] = []
        self.server = 0
        real_connect, real_names = socket.socket.connect, socket.getaddrinfo

        def connect(sock: socket.socket, address: Any) -> None:
            if sock.family == socket.AF_UNIX or (address[0] in ("127.0.0.1", "::1") and address[1] == self.server):
                return real_connect(sock, address)
            self.dialled.append(str(address[0]))
            raise ConnectionRefusedError(111, "Connection refused")

        def getaddrinfo(host: Any, port: Any, *more: Any, **named: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else str(host)
            if (answers := NAMES.get(name.lower())) is None:
                # What is written in digits, in whatever way, needs nobody to look it up.
                return real_names(host, port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
            found = answers[min(self.asked.count(name), len(answers) - 1)]
            self.asked.append(name)
            return [
                (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (one, port, 0, 0)) if ":" in one
                else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found
            ]

        patch.setattr(socket.socket, "connect", connect)
        patch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Net]:
    yield Net(monkeypatch)


async def started(api: Api, net: Net) -> None:
    net.server = int(api.url.rpartition(":")[2])
    await api.paired("sales")


# -- every field -------------------------------------------------------------------------------------------------------


async def provoke(api: Api) -> None:
    """Everything that makes a server use what was configured: a new link, an event, a message with media."""
    await api.call("POST", "/api/instance/reconnect/sales")
    await api.until("sales", "connected")
    await api.sim("sales", "message", **{"from": "5511999990009", "mediaType": "image", "mediaBase64": "AAAA"})


async def webhook_url(api: Api, host: str) -> None:
    await api.call("POST", "/api/events/webhook/sales", {"enabled": True, "url": f"http://{host}:8080/x"})
    answer = await api.call("POST", "/api/events/webhook/sales/deliveries/test")
    assert answer.status_code in (404, 409) or answer.json()["message"] == "Test failed", answer.text
    assert "8080/x" not in answer.text and "password" not in answer.text
    tried = await api.call("POST", "/api/events/webhook/sales/test", {"label": "other", "url": f"http://{host}:8080/x"})
    assert tried.status_code == 400 or tried.json()["message"] == "Webhook test failed", tried.text
    assert "8080/x" not in tried.text and "password" not in tried.text
    await api.call("POST", "/api/events/webhook/sales", {"enabled": False})


async def s3_endpoint(api: Api, host: str) -> None:
    body = {"enabled": True, "bucket": "b", "accessKey": "k", "secretKey": "s", "region": "r", "endpoint": f"http://{host}:9000"}
    tried = await api.call("POST", "/api/instance/s3/sales/test", body)
    assert tried.status_code == 400 or tried.json()["message"] == "S3 test failed", tried.text
    await api.call("POST", "/api/instance/s3/sales", body)
    await provoke(api)
    await api.call("POST", "/api/instance/s3/sales", {"enabled": False})


async def proxy_host(api: Api, host: str) -> None:
    for protocol in ("http", "socks5"):
        body = {"enabled": True, "host": host.strip("[]"), "port": "1080", "protocol": protocol}
        tried = await api.call("POST", "/api/instance/proxy/sales/test", body)
        assert tried.status_code == 400 or not tried.json()["proxy"]["works"], tried.text
        stored = (await api.call("POST", "/api/instance/proxy/sales", body)).status_code == 200
        answer = await api.call("POST", "/api/instance/proxy/sales/test")
        assert answer.status_code == 409 or not answer.json()["proxy"]["works"], answer.text
        if stored:  # a link with a proxy goes through it or not at all
            await api.call("POST", "/api/instance/reconnect/sales")
            await api.until("sales", "disconnected")
        assert (await api.call("GET", "/api/instance/connect/sales")).status_code in (200, 500)
    await api.call("POST", "/api/instance/proxy/sales", {"enabled": False})
    await provoke(api)


async def chatwoot_url(api: Api, host: str) -> None:
    body = {"chatwootBaseUrl": f"http://{host}:3000", "chatwootAccountId": 1, "chatwootApiToken": "t", "inboxName": "i"}
    tried = await api.call("POST", "/api/chatwoot/test/sales", body)
    assert tried.status_code == 400 or tried.json()["message"] == "Chatwoot test failed", tried.text
    answer = await api.call("POST", "/api/chatwoot/set/sales", body)
    assert answer.status_code >= 400, answer.text
    await api.call("DELETE", "/api/chatwoot/delete/sales")


async def media_url(api: Api, host: str) -> None:
    body = {"number": "5511999990009", "mediaType": "image", "mediaUrl": f"http://{host}/x.png"}
    answer = await api.call("POST", "/api/message/media/sales", body)
    assert answer.status_code >= 400, answer.text


FIELDS: dict[str, Callable[[Api, str], Awaitable[None]]] = {
    "webhook.url": webhook_url, "s3.endpoint": s3_endpoint, "proxy.host": proxy_host, "chatwoot.chatwootBaseUrl": chatwoot_url,
    "mediaUrl": media_url,
}
"""Every field that says where to go, and what makes the server go there; one that is not there yet is tried all the same."""


SLOW = ("s3.endpoint", "proxy.host")
"""Each try is a new link and a message with media: of the tricks some."""


def test_every_field_that_says_where_to_go_is_in_the_table() -> None:
    found = {f"{kind}.{name}" for kind, block in BLOCKS.items() for name in block.model_fields if LOOKS_LIKE_ONE.search(name)}
    made = document("1", simulated=True)
    known = {name for block in BLOCKS.values() for name in block.model_fields}
    known |= {str(info.json_schema_extra["create_name"]) for block in BLOCKS.values() for info in block.model_fields.values()
              if isinstance(info.json_schema_extra, dict)}  # fmt: skip
    bodies = [operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
              for path in made["paths"].values() for operation in path.values() if "requestBody" in operation]  # fmt: skip
    for body in bodies:
        found |= {name for name in made["components"]["schemas"][body].get("properties", {})
                  if LOOKS_LIKE_ONE.search(name) and name not in known}  # fmt: skip
    assert found <= set(FIELDS), "a new field that says where to go: add it to FIELDS, then every trick below is tried with it"
    assert {name for name in FIELDS if "." in name} <= found


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.long, id="all"), pytest.param(4, id="some")])
@pytest.mark.parametrize("field", FIELDS)
async def test_no_field_reaches_what_it_may_not(field: str, every: int, tmp_path: Path, net: Net) -> None:
    async with running(tmp_path, private_targets=False) as api:
        await started(api, net)
        for host in HOSTS[:: every if field not in SLOW else 6]:
            try:
                await FIELDS[field](api, host)
            except AssertionError as error:
                raise AssertionError(f"{field} = {host}") from error
        await until(lambda: not api.backend.outbox._lanes.waiting)
    assert net.dialled == []


INLINE = {"webhookURL": "http://%s:8080/x", "s3Endpoint": "http://%s:9000", "proxyHost": "%s", "chatwootBaseUrl": "http://%s:3000"}


@pytest.mark.long
async def test_nor_does_any_field_of_a_creation(tmp_path: Path, net: Net) -> None:
    async with running(tmp_path, private_targets=False) as api:
        await started(api, net)
        for number, host in enumerate(HOSTS):
            fields = {name: text % host.strip("[]") if name == "proxyHost" else text % host for name, text in INLINE.items()}
            on = {"webhookEnabled": True, "s3Enabled": True, "proxyEnabled": True, "chatwootEnabled": True, "s3Bucket": "b",
                  "proxyPort": "1", "proxyProtocol": "http", "chatwootAccountId": 1, "chatwootApiToken": "t"}  # fmt: skip
            await api.call("POST", "/api/instance/new", {"name": f"n{number}"} | on | fields)
            await api.call("DELETE", f"/api/instance/logout/n{number}")
            await api.call("POST", f"/api/events/webhook/n{number}/deliveries/test")
    assert net.dialled == []


# -- names -------------------------------------------------------------------------------------------------------------


async def tried(api: Api, url: str) -> str:
    """What a test delivery to that URL says."""
    await api.ok("POST", "/api/events/webhook/sales", {"enabled": True, "url": url})
    answer: str = (await api.ok("POST", "/api/events/webhook/sales/deliveries/test"))["delivery"]["answer"]
    return answer


async def test_of_a_name_only_what_may_be_dialled_is(tmp_path: Path, net: Net) -> None:
    async with running(tmp_path, private_targets=False) as api:
        await started(api, net)
        assert await tried(api, "http://mixed.example/x") == "Connection refused"
    assert net.dialled == [PUBLIC]


async def test_a_name_that_changes_between_the_check_and_the_connection(tmp_path: Path, net: Net) -> None:
    async with running(tmp_path, private_targets=False) as api:
        await started(api, net)
        assert await tried(api, "http://rebind.example/x") == "Connection refused"
        assert (net.dialled, net.asked) == ([PUBLIC], ["rebind.example"]), "it was asked once, and what was checked was dialled"
        assert "this server itself" in await tried(api, "http://rebind.example/x")
        assert "metadata" in await tried(api, "http://rebind.example/x")
    assert net.dialled == [PUBLIC]


async def test_what_was_written_while_it_was_allowed_is_not_dialled_after_a_restart_without(tmp_path: Path, net: Net) -> None:
    async with running(tmp_path, private_targets=True) as api:
        await started(api, net)
        assert await tried(api, "http://10.0.0.5/x") == "Connection refused"
        assert net.dialled == ["10.0.0.5"]
    async with running(tmp_path, private_targets=False) as api:
        net.server = int(api.url.rpartition(":")[2])
        assert "private network" in (await api.ok("POST", "/api/events/webhook/sales/deliveries/test"))["delivery"]["answer"]
    assert net.dialled == ["10.0.0.5"]


async def test_metadata_is_never_dialled_even_where_private_addresses_are(tmp_path: Path, net: Net) -> None:
    async with running(tmp_path, private_targets=True) as api:
        await started(api, net)
        for host in ("169.254.169.254", "metadata.example", "six.example", "nat64.example", "0xa9fea9fe", "[::ffff:a9fe:a9fe]"):
            assert "may not be dialled" in await tried(api, f"http://{host}/latest/meta-data/"), host
    assert net.dialled == []


@pytest.mark.parametrize(("host", "allowed"), [
    ("127.0.0.1", True), ("::1", True), ("localhost", True), ("127.5.5.5", True), ("0.0.0.0", False), ("::", False),
    ("192.168.1.4", False), ("server.example", False),
])  # fmt: skip
def test_private_addresses_are_for_servers_that_only_this_machine_reaches(host: str, allowed: bool) -> None:
    assert Settings(data_dir=Path("/nowhere"), host=host).allow_private is allowed
    assert urlsplit(f"//{'[' + host + ']' if ':' in host else host}").hostname


async def test_nor_does_a_link_in_a_text_whose_preview_is_wanted(net: Net) -> None:
    """The engine that shows previews fetches the page itself (`tests/whatsapp` has that engine whole)."""
    from ryze_tui.backend.egress import Egress
    from ryze_tui.backend.engine.whatsapp.preview import Previews

    egress = Egress(allow_private=False)
    previews = Previews(egress)
    for host in HOSTS:
        assert await previews.of(f"look at http://{host}/x") == ({}, b""), host
    await egress.close()
    assert net.dialled == []
