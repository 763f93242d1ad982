"""Media in a real S3 (SeaweedFS in a process of its own): through the gateway, byte for byte; outages, wrong keys, refusals."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import jsonschema_rs
import pytest
from ryze_tui.api.openapi import document
from ryze_tui.backend.integrations.s3 import Client, target
from ryze_tui.backend.record import Record

from ..fakes import weed
from ..fakes.weed import ACCESS, SECRET, Weed
from .harness import Api, running


class Photo:
    kind, mimetype, file_name = "image", "image/jpeg", ""


@pytest.fixture(scope="module")
def store() -> Iterator[Weed]:
    with weed.running() as made:
        yield made


@pytest.fixture(autouse=True)
def a_misleading_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the server's own environment says of S3 and proxies is not for its users."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "SERVERS", "AWS_SECRET_ACCESS_KEY": "servers-own", "AWS_SESSION_TOKEN": "servers-own",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "eu-west-1",
        "AWS_SKIP_SIGNATURE": "true", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true", "AWS_ALLOW_HTTP": "false",
        "AWS_PROXY_URL": "http://127.0.0.1:9", "AWS_PROXY_EXCLUDES": "*", "NO_PROXY": "*", "no_proxy": "*",
        "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


def record_of(api: Api, name: str = "sales") -> Record:
    return next(one for one in api.backend.catalog.by_id.values() if one.name == name)


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


async def spooled(api: Api) -> int:
    return len(list((api.backend.settings.data_dir / "media").iterdir()))


async def in_store(api: Api, store: Weed, url: str) -> bytes:
    """The object behind a URL that was told."""
    where = target(store.block(), {"secretKey": SECRET})
    assert url.startswith(f"{where.base}/")
    return await Client(api.backend.egress, api.backend.gateway).get(where, url.removeprefix(f"{where.base}/"))


async def empty(api: Api) -> None:
    async with asyncio.timeout(20):
        while await spooled(api):
            await asyncio.sleep(0.01)


async def test_media_is_in_the_store_under_the_url_that_was_told(api: Api, store: Weed) -> None:
    await api.new("sales")
    await api.ok("POST", "/api/instance/s3/sales", store.block())
    media, record = api.backend.media_store, record_of(api)
    assert media.wants(record)
    content = os.urandom(300_000)
    url = await media.keep(record, "3EB0A1/é", Photo(), content)
    assert re.fullmatch(rf"{store.url}/media/wa/sales/\d{{4}}/\d\d/\d\d/3EB0A1___[0-9a-f]{{8}}\.jpg", url), url
    await empty(api)
    assert await in_store(api, store, url) == content
    assert (await api.call("GET", "/health")).json()["checks"]["s3"] == "ok"


async def test_the_headers_are_kept_with_the_object(api: Api, store: Weed) -> None:
    class Page:
        kind, mimetype, file_name = "document", "text/html", "a \"é\".html"

    await api.new("sales")
    await api.ok("POST", "/api/instance/s3/sales", store.block())
    url = await api.backend.media_store.keep(record_of(api), "m1", Page(), b"<script>")
    await empty(api)
    from obstore import get_async

    client = Client(api.backend.egress, api.backend.gateway)
    where = target(store.block(), {"secretKey": SECRET})
    found = await get_async(await client._store(where), url.removeprefix(f"{where.base}/"))
    assert found.attributes["Content-Type"] == "text/html"
    assert found.attributes["Content-Disposition"] == "attachment; filename*=UTF-8''a%20%22%C3%A9%22.html"


async def test_a_wrong_secret_is_shown_and_the_right_one_lets_everything_go(api: Api, store: Weed) -> None:
    await api.new("sales")
    await api.ok("POST", "/api/instance/s3/sales", store.block(secretKey="wrong-secret-wrong-secret"))
    media, record = api.backend.media_store, record_of(api)
    urls = [await media.keep(record, f"wrong-{n}", Photo(), b"%d" % n) for n in range(10)]
    await until(lambda: media.health() != "ok")
    checks = (await api.call("GET", "/health")).json()
    assert checks["checks"]["s3"] == "fail: uploads of 1 of 1 instances wait for a store (it refuses the credentials)"
    assert checks["status"] == "ok"
    tested = await api.ok("POST", "/api/instance/s3/sales/test")
    assert tested["message"] == "S3 test failed" and "SignatureDoesNotMatch" in tested["steps"][0]["error"]
    assert tested["waiting"]["lastError"] and tested["waiting"]["count"]
    assert "wrong-secret" not in str(tested) and ACCESS not in str(tested)
    await api.ok("POST", "/api/instance/s3/sales", store.block())
    await empty(api)
    assert [await in_store(api, store, url) for url in urls] == [b"%d" % n for n in range(10)]
    await until(lambda: media.health() == "ok")


async def test_trying_a_configuration_out(api: Api, store: Weed) -> None:
    await api.new("sales")
    assert await api.refused("POST", "/api/instance/s3/sales/test") == (409, "S3 is not enabled")
    tried = await api.ok("POST", "/api/instance/s3/sales/test", store.block())
    assert [(one["name"], one["ok"], one["error"]) for one in tried["steps"]] == [
        ("put", True, ""), ("get", True, ""), ("delete", True, ""),
    ]  # fmt: skip
    assert tried["message"] == "S3 test passed"
    jsonschema_rs.validate(document("1", simulated=True)["components"]["schemas"]["S3Tested"], tried)
    assert (await api.ok("GET", "/api/instance/getS3/sales"))["s3"]["enabled"] is False, "tried, not stored"
    await api.ok("POST", "/api/instance/s3/sales", store.block())
    assert (await api.ok("POST", "/api/instance/s3/sales/test"))["message"] == "S3 test passed"
    kept = store.block()
    del kept["secretKey"]
    assert (await api.ok("POST", "/api/instance/s3/sales/test", kept))["message"] == "S3 test passed", "the stored secret"
    for change, says in (
        ({"accessKey": "AKIDUNKNOWN", "secretKey": "x"}, "credentials"), ({"bucket": "a/../b"}, "bucket's name"),
        ({"endpoint": "http://127.0.0.1:9"}, "could not be reached"), ({"endpoint": store.url.replace("http", "https")}, "TLS"),
        ({"endpoint": "http://169.254.169.254"}, "metadata"), ({"accessKey": "", "secretKey": ""}, "credentials"),
    ):  # fmt: skip
        steps = (await api.ok("POST", "/api/instance/s3/sales/test", store.block(**change)))["steps"]
        assert [one["name"] for one in steps] == ["put"] and not steps[0]["ok"] and says in steps[0]["error"], (change, steps)


async def test_a_refused_address_is_never_dialled(tmp_path: Path) -> None:
    dialled = 0

    async def count(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal dialled
        dialled += 1
        writer.close()

    listener = await asyncio.start_server(count, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with running(tmp_path, private_targets=False) as api:
        await api.new("sales")
        block = {"enabled": True, "bucket": "media", "accessKey": "a", "secretKey": "b", "endpoint": f"http://127.0.0.1:{port}"}
        await api.ok("POST", "/api/instance/s3/sales", block)
        steps = (await api.ok("POST", "/api/instance/s3/sales/test"))["steps"]
        assert "may not be dialled" in steps[0]["error"]
        media = api.backend.media_store
        assert await media.keep(record_of(api), "m", Photo(), b"x")
        await until(lambda: "may not be dialled" in (media.health() or ""))
    listener.close()
    assert dialled == 0


@asynccontextmanager
async def in_between(store: Weed) -> AsyncIterator[tuple[str, list[bool]]]:
    """A way to the store that can be down: (endpoint, [up])."""
    up, open_ones = [False], set[asyncio.Task[None]]()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not up[0]:
            return writer.transport.abort()
        there, back = await asyncio.open_connection("127.0.0.1", store.port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
            sink.close()

        ways = {asyncio.create_task(pump(reader, back)), asyncio.create_task(pump(there, writer))}
        open_ones.update(ways)
        await asyncio.wait(ways)
        return None

    listener = await asyncio.start_server(carry, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", up
    finally:
        listener.close()
        for one in open_ones:
            one.cancel()


async def test_a_store_that_is_down_delays_its_own_uploads_only(api: Api, store: Weed) -> None:
    async with in_between(store) as (endpoint, up):
        for name, where in (("down", endpoint), ("sales", store.url)):
            await api.new(name)
            await api.ok("POST", f"/api/instance/s3/{name}", store.block(endpoint=where))
        media = api.backend.media_store
        for n in range(30):
            assert await media.keep(record_of(api, "down"), f"d{n}", Photo(), b"down")
        urls = [await media.keep(record_of(api), f"s{n}", Photo(), b"%d" % n) for n in range(30)]
        async with asyncio.timeout(10):
            while await spooled(api) > 30:
                await asyncio.sleep(0.01)
        assert await in_store(api, store, urls[-1]) == b"29"
        assert "1 of 2" in (media.health() or "")
        up[0] = True
        await empty(api)
        assert media.health() == "ok"


async def test_switched_off_or_deleted_drops_what_waits(api: Api, store: Weed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    media = api.backend.media_store
    for name in ("off", "gone"):
        await api.new(name)
        await api.ok("POST", f"/api/instance/s3/{name}", store.block(endpoint="http://127.0.0.1:9"))
        for n in range(6):
            assert await media.keep(record_of(api, name), f"m{n}", Photo(), b"x")
    gone = record_of(api, "gone")
    await until(lambda: "2 of 2" in (media.health() or ""))
    await api.ok("POST", "/api/instance/s3/off", {"enabled": False})
    await api.ok("DELETE", "/api/instance/delete/gone")
    await empty(api)
    assert media.health() is None
    assert await media.keep(gone, "late", Photo(), b"x") == "" and not await spooled(api)
    assert await api.backend.media_store._rows.all() == []
    assert "media that waited for S3 are dropped" in caplog.text and SECRET not in caplog.text


async def test_no_room_means_no_url_and_a_line(tmp_path: Path, store: Weed, caplog: pytest.LogCaptureFixture) -> None:
    async with running(tmp_path, media_spool_bytes=1000) as api:
        await api.new("sales")
        await api.ok("POST", "/api/instance/s3/sales", store.block(endpoint="http://127.0.0.1:9"))
        media, record = api.backend.media_store, record_of(api)
        assert await media.keep(record, "m1", Photo(), b"x" * 900)
        assert await media.keep(record, "m2", Photo(), b"x" * 101) == ""
        assert "sales: the media of message m2 is not stored in S3, its event goes without: 900 of 1000 bytes wait" in caplog.text
        assert await media.keep(record, "m3", Photo(), b"x" * 100)


async def test_a_restart_goes_on_and_removes_what_nobody_was_told_of(tmp_path: Path, store: Weed) -> None:
    async with running(tmp_path) as api:
        await api.new("sales")
        await api.ok("POST", "/api/instance/s3/sales", store.block(endpoint="http://127.0.0.1:9"))
        urls = [await api.backend.media_store.keep(record_of(api), f"r{n}", Photo(), b"private-%d" % n) for n in range(3)]
        directory = api.backend.settings.data_dir / "media"
    files = list(directory.iterdir())
    assert len(files) == 3 and directory.stat().st_mode & 0o777 == 0o700
    assert all(one.stat().st_mode & 0o777 == 0o600 and b"private" not in one.read_bytes() for one in files)
    (directory / "orphan").write_bytes(b"half of something")
    async with running(tmp_path) as api:
        assert not (directory / "orphan").exists()
        await until(lambda: "1 of 1" in (api.backend.media_store.health() or ""))
        await api.ok("POST", "/api/instance/s3/sales", store.block())
        await empty(api)
        found = [await in_store(api, store, url.replace("http://127.0.0.1:9", store.url)) for url in urls]
        assert found == [b"private-0", b"private-1", b"private-2"]


async def test_it_is_an_extension(plain: Api) -> None:
    await plain.new("sales")
    assert await plain.refused("POST", "/api/instance/s3/sales/test", {}) == (404, "Not found")
