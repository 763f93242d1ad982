"""Uploads on a virtual clock and an imagined store: when they are tried, what they hold up, when they end; and the pure rules."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ryze_tui.backend.errors import SecretError
from ryze_tui.backend.integrations import objects, queues, s3
from ryze_tui.backend.integrations.media import S3MediaStore
from ryze_tui.backend.integrations.queues import IN_ALL, JITTER, LONGEST, PER_INSTANCE, TROUBLED, WAITS, Queues
from ryze_tui.backend.integrations.s3 import Failure, in_words, target
from ryze_tui.backend.integrations.spool import Spool
from ryze_tui.backend.record import Record
from ryze_tui.backend.secrets import KeyRing
from ryze_tui.backend.store import schema
from ryze_tui.backend.store.database import Database
from ryze_tui.backend.store.uploads import Upload, UploadRows
from sqlalchemy import update

from .fakes import ACCOUNT, START, VirtualClock

RING = KeyRing([b"k" * 32])
BLOCK = {"enabled": True, "region": "", "bucket": "media", "accessKey": "AK", "endpoint": "https://s3.example",
         "pathPrefix": "wa"}  # fmt: skip
PHOTO = SimpleNamespace(kind="image", mimetype="image/jpeg", file_name="")


# -- names -------------------------------------------------------------------------------------------------------------


def test_a_key_says_when_and_what() -> None:
    assert objects.object_key("wa/in", "sales", "3EB0A1", START, PHOTO) == "wa/in/sales/2027/01/15/3EB0A1.jpg"
    assert objects.object_key("", "sales", "3EB0A1", START, PHOTO) == "sales/2027/01/15/3EB0A1.jpg"
    assert objects.folder("/../a b//é/.git/") == "_./a_b/_/_git/"


@settings(deadline=None)
@given(st.text(max_size=60), st.text(min_size=1, max_size=300), st.text(max_size=30), st.text(max_size=30))
def test_keys_are_safe_whatever_a_sender_says(prefix: str, message_id: str, mimetype: str, file_name: str) -> None:
    media = SimpleNamespace(kind="document", mimetype=mimetype, file_name=file_name)
    key = objects.object_key(prefix, "sales", message_id, START, media)
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") and len(key) < 700
    assert all(part and not part.startswith(".") for part in key.split("/"))
    assert target(BLOCK, {}).url(key) == f"https://s3.example/media/{key}"
    sent = objects.content_type(media) + objects.disposition(media)
    assert sent.isascii() and sent.isprintable()


@settings(deadline=None)
@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=200))
def test_two_messages_are_two_objects(one: str, other: str) -> None:
    keys = [objects.object_key("", "sales", message, START, PHOTO) for message in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


@pytest.mark.parametrize(
    ("kind", "mimetype", "name", "extension", "shown"),
    [
        ("ptt", "audio/ogg; codecs=opus", "", "ogg", "inline"), ("sticker", "image/webp", "", "webp", "inline"),
        ("document", "application/pdf", "bill.PDF", "pdf", "attachment; filename*=UTF-8''bill.PDF"),
        ("document", "x", "run.sh\r\nX: y", "bin", "attachment; filename*=UTF-8''run.sh%0D%0AX%3A%20y"),
        ("image", "image/svg+xml", "", "svg", "attachment"), ("document", "text/html", "", "html", "attachment"),
        ("image", "text/html", "a.exe", "html", "attachment; filename*=UTF-8''a.exe"), ("video", "", "", "bin", "attachment"),
    ],
)  # fmt: skip
def test_types(kind: str, mimetype: str, name: str, extension: str, shown: str) -> None:
    media = SimpleNamespace(kind=kind, mimetype=mimetype, file_name=name)
    assert (objects.extension(media), objects.disposition(media)) == (extension, shown)


@pytest.mark.parametrize(
    ("change", "base"),
    [
        ({}, "https://s3.example/media"), ({"endpoint": "http://[::1]:9000/x/"}, "http://[::1]:9000/x/media"),
        ({"endpoint": "https://u:p@s3.example:444/?a=b#c"}, "https://s3.example:444/media"),
        ({"endpoint": ""}, "https://media.s3.us-east-1.amazonaws.com"),
        ({"endpoint": "", "region": "eu-west-3"}, "https://media.s3.eu-west-3.amazonaws.com"),
        ({"endpoint": "", "region": "cn-north-1"}, "https://media.s3.cn-north-1.amazonaws.com.cn"),
        ({"endpoint": "", "bucket": "my.media"}, "https://s3.us-east-1.amazonaws.com/my.media"),
    ],
)  # fmt: skip
def test_where_a_configuration_leads(change: dict[str, Any], base: str) -> None:
    assert target(BLOCK | change, {}).base == base


@pytest.mark.parametrize(
    "change",
    [{"bucket": "a/b"}, {"bucket": "a?b"}, {"bucket": "x"}, {"bucket": "..x"}, {"region": "a.evil.example/"}, {"endpoint": "http://"},
     {"endpoint": "http://a:99999"}, {"endpoint": "http://[a"}],
)  # fmt: skip
def test_what_leads_nowhere_is_said(change: dict[str, Any]) -> None:
    with pytest.raises(Failure) as told:
        target(BLOCK | change, {})
    assert told.value.kind == s3.CONFIGURATION


def test_a_target_shows_no_secret() -> None:
    assert "geheim" not in repr(target(BLOCK, {"secretKey": "geheim"}))


SAID = "Error performing PUT https://u:geheim@s3.example/x?sig=geheim in 3ms - Server returned non-2xx status code: "


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (f"{SAID}403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code><StringToSign>geheim</StringToSign></Error>",
         s3.CREDENTIALS, "the store refused the credentials, or what they may do (403 SignatureDoesNotMatch)"),
        (f"{SAID}404 Not Found: <Error><Code>NoSuchBucket</Code></Error>", s3.BUCKET,
         "the bucket does not exist (404 NoSuchBucket)"),
        (f"{SAID}503 Slow Down: <Error><Code>SlowDown</Code></Error>", s3.TROUBLE, "the store answered 503 SlowDown"),
        (f"{SAID}301 Moved", s3.TROUBLE, "the store answered 301"),
        (f"{SAID}400 Bad Request: <Error><Code>EntityTooLarge</Code></Error>", s3.OBJECT,
         "the store refused the object (400 EntityTooLarge)"),
        (f"{SAID}403 Forbidden: gateway: x may not be dialled: it is private\n\nDebug source:\ngeheim", s3.ADDRESS,
         "x may not be dialled: it is private"),
        (f"{SAID}502 Bad Gateway: gateway: x could not be reached: nope", s3.UNREACHABLE, "x could not be reached: nope"),
        ("HTTP error: error sending request\n\nDebug source:\nuri: geheim, TunnelUnsuccessful", s3.UNREACHABLE,
         "the connection was refused or could not be made"),
        ("HTTP error: error sending request\n\nDebug source:\nInvalidCertificate(Expired)", s3.UNREACHABLE,
         "its certificate is not one that this machine trusts"),
        ("Generic S3 error: ETag Header missing\n\nDebug source:\nMetadata { source: MissingEtag }", s3.UNREACHABLE,
         "what answers there is no S3 store"),
        ("something new: geheim", s3.UNREACHABLE, "the connection broke"),
    ],
)  # fmt: skip
def test_errors_in_words_and_without_what_is_secret(text: str, kind: str, words: str) -> None:
    failure = in_words(text)
    assert (failure.kind, failure.words) == (kind, words)


def test_a_server_that_starts_does_not_pay_for_obstore() -> None:
    code = "import sys, ryze_tui.backend.server; print([name for name in sys.modules if 'obstore' in name])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


# -- whose turn it is --------------------------------------------------------------------------------------------------


def upload(n: int, instance: str = "a") -> Upload:
    return Upload(f"u{n}", instance, START, 1, f"k{n}", {})


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=150), st.sets(st.integers(0, 9)), st.lists(st.integers(0, 1000), max_size=300))
def test_queues_keep_their_limits_and_lose_nothing(owners: list[int], troubled: set[int], ends: list[int]) -> None:
    made = Queues()
    for n, owner in enumerate(owners):
        queue = made.queue(str(owner))
        queue.failures = int(owner in troubled)
        queue.waiting.append(upload(n, str(owner)))
    out: list[Any] = []
    seen: list[str] = []
    turns = iter([*ends, *[0] * 500])
    while True:
        while (taken := made.next()) is not None:
            out.append(taken)
            seen.append(taken[1].id)
        if not out:
            break
        assert len(out) <= IN_ALL and sum(one[2] for one in out) <= TROUBLED
        for queue in made.of.values():
            assert queue.in_flight <= (1 if queue.failures else PER_INSTANCE)
        queue, _upload, was = out.pop(next(turns) % len(out))
        made.done(queue, was)
    assert sorted(seen) == sorted(f"u{n}" for n in range(len(owners)))
    assert made.in_flight == 0 and all(queue.failures for queue in made.of.values())


def test_the_schedule() -> None:
    waits = [queues.wait(n, s3.UNREACHABLE, lambda: 0.5) for n in range(1, 9)]
    assert waits == [1, 5, 15, 60, 300, 600, 600, 600]
    assert [queues.wait(n, s3.CREDENTIALS, lambda: 0.5) for n in range(1, 5)] == [60, 300, 600, 600]
    assert queues.wait(1, "", lambda: 0.0) == 1 - JITTER


# -- the whole ---------------------------------------------------------------------------------------------------------


class Shop:
    """A store: `answer(key)` may raise, or wait."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.tried: list[tuple[float, str]] = []
        self.answer: Callable[[str], Awaitable[None]] | None = None
        self.clock: VirtualClock | None = None

    async def put(self, where: Any, key: str, content: bytes, headers: dict[str, str]) -> None:
        assert self.clock is not None
        self.tried.append((self.clock.monotonic(), key))
        if self.answer is not None:
            await self.answer(key)
        self.objects[f"{where.base}/{key}"] = content


class Bench:
    def __init__(self, home: Path, *, limit: int = 10**9, free: int = 10**12) -> None:
        self.home, self.clock, self.shop = home, VirtualClock(), Shop()
        self.shop.clock = self.clock
        self.records = {name: self.record(name) for name in ("a", "b")}
        self.limit, self.free = limit, free

    def record(self, name: str) -> Record:
        made = Record(name, ACCOUNT, name, f"token-of-{name}", START, START, START)
        made.blocks = {"s3": dict(BLOCK)}
        return made

    async def __aenter__(self) -> Bench:
        async def secrets(_record: Record) -> dict[str, str]:
            return {"secretKey": "geheim"}

        class Lazy:
            take = put_back = staticmethod(lambda *_: ())

        self.database = Database(f"sqlite+aiosqlite:///{self.home / 'x.db'}")
        await self.database.open(Lazy())
        self.rows = UploadRows(self.database, RING)
        self.spool = Spool(self.home / "media", RING, limit=self.limit, free=lambda _: self.free)
        client: Any = self.shop
        self.media = S3MediaStore(self.rows, self.spool, client, secrets, self.records, self.clock, random=lambda: 0.5)
        await self.media.open()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.media.close()
        await self.database.close()

    async def keep(self, name: str, message: str, content: bytes = b"content") -> str:
        return await self.media.keep(self.records[name], message, PHOTO, content)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():
                await asyncio.sleep(0.001)

    async def rest(self) -> None:
        """Until nothing is under way."""
        await self.until(lambda: not self.media._tasks)

    def files(self) -> int:
        return len(list((self.home / "media").iterdir()))


def failing(kind: str) -> Callable[[str], Awaitable[None]]:
    async def answer(_key: str) -> None:
        raise Failure(kind, f"because {kind}")

    return answer


async def test_a_store_that_is_down_is_tried_with_one_at_a_time_and_all_go_when_it_is_back(tmp_path: Path) -> None:
    async with Bench(tmp_path) as bench:
        bench.shop.answer = failing(s3.UNREACHABLE)
        urls = [await bench.keep("a", f"m{n}") for n in range(10)]
        await bench.rest()
        begun = len(bench.shop.tried)
        assert begun <= PER_INSTANCE + 1
        for wait in (1, 5, 15, 60, 300, 600, 600):
            bench.clock.advance(wait - 0.01)
            await bench.rest()
            assert len(bench.shop.tried) == begun
            bench.clock.advance(0.02)
            await bench.rest()
            begun += 1
            assert len(bench.shop.tried) == begun
        assert bench.media.health() == "fail: uploads of 1 of 2 instances wait for a store (it cannot be reached)"
        assert bench.media.waiting(bench.records["a"]).count == 10
        bench.shop.answer = None
        bench.clock.advance(601)
        await bench.until(lambda: len(bench.shop.objects) == 10)
        await bench.rest()
        assert set(urls) == set(bench.shop.objects) and bench.files() == 0 and await bench.rows.all() == []
        assert bench.media.health() == "ok" and bench.spool.used == 0


async def test_a_slow_store_leaves_the_others_their_places(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def slow(key: str) -> None:
        if key.startswith("wa/a/"):
            await gate.wait()

    async with Bench(tmp_path) as bench:
        bench.shop.answer = slow
        for n in range(2 * IN_ALL):
            await bench.keep("a", f"m{n}")
        await bench.keep("b", "m")
        await bench.until(lambda: len(bench.shop.objects) == 1)
        assert len(bench.shop.tried) == PER_INSTANCE + 1
        gate.set()
        await bench.until(lambda: len(bench.shop.objects) == 2 * IN_ALL + 1)


async def test_an_object_that_is_refused_holds_up_nothing_and_ends_after_a_week(tmp_path: Path) -> None:
    async def picky(key: str) -> None:
        if "poison" in key:
            raise Failure(s3.OBJECT, "too large")

    async with Bench(tmp_path) as bench:
        bench.shop.answer = picky
        await bench.keep("a", "poison")
        for n in range(5):
            await bench.keep("a", f"m{n}")
        await bench.until(lambda: len(bench.shop.objects) == 5)
        await bench.rest()
        assert bench.media.health() == "ok" and bench.files() == 1
        for _day in range(int(LONGEST / WAITS[-1]) + 10):
            bench.clock.advance(WAITS[-1])
            await bench.rest()
        tries = [when for when, key in bench.shop.tried if "poison" in key]
        assert len(tries) > 900 and tries[-1] <= LONGEST + WAITS[-1]
        assert bench.files() == 0 and await bench.rows.all() == [] and bench.spool.used == 0


async def test_a_bucket_down_for_a_week_ends_in_nothing_left(tmp_path: Path) -> None:
    async with Bench(tmp_path) as bench:
        bench.shop.answer = failing(s3.TROUBLE)
        await bench.keep("a", "m")
        await bench.rest()
        for _step in range(int(LONGEST / WAITS[-1]) + 10):
            bench.clock.advance(WAITS[-1])
            await bench.rest()
        assert bench.files() == 0 and await bench.rows.all() == [] and bench.media.health() == "ok"


async def test_another_configuration_is_tried_at_once_under_the_same_key(tmp_path: Path) -> None:
    async with Bench(tmp_path) as bench:
        bench.shop.answer = failing(s3.CREDENTIALS)
        url = await bench.keep("a", "m")
        await bench.rest()
        bench.shop.answer = None
        bench.records["a"].blocks = {"s3": BLOCK | {"bucket": "other"}}
        bench.media.changed(bench.records["a"], "s3")
        await bench.until(lambda: bool(bench.shop.objects))
        assert list(bench.shop.objects) == [url.replace("/media/", "/other/")]


def switched_off(bench: Bench, name: str) -> None:
    bench.records[name].blocks = {"s3": BLOCK | {"enabled": False}}


async def test_what_waited_is_dropped_when_it_is_switched_off_and_what_is_new_goes_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Bench(tmp_path) as bench:
        bench.shop.answer = failing(s3.TROUBLE)
        for name in ("a", "a", "b"):
            await bench.keep(name, f"m{bench.files()}")
        await bench.rest()
        bench.media.changed(bench.records["a"], "webhooks")  # of no concern
        switched_off(bench, "a")
        bench.media.changed(bench.records["a"], "s3")
        await bench.rest()
        assert "a: 2 media that waited for S3 are dropped" in caplog.text
        assert [one.instance_id for one in await bench.rows.all()] == ["b"] and bench.files() == 1
        assert await bench.keep("a", "m9") == "" and bench.media.health() is not None
        bench.media.changed(bench.records["a"], "s3")  # it has no queue any more
        bench.records["b"].gone = True
        bench.media.changed(bench.records["b"], "")
        await bench.rest()
        assert bench.files() == 0 and bench.spool.used == 0 and bench.media.health() is None


async def test_switched_off_while_it_is_written_or_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Bench(tmp_path) as bench:
        add = bench.rows.add

        async def off_meanwhile(upload: Upload) -> None:
            await add(upload)
            switched_off(bench, "a")

        async def off_and_fail(_key: str) -> None:
            switched_off(bench, "b")
            raise Failure(s3.TROUBLE, "down")

        monkeypatch.setattr(bench.rows, "add", off_meanwhile)
        assert await bench.keep("a", "m1") == "", "nobody is told of an object that will not be there"
        monkeypatch.undo()
        bench.shop.answer = off_and_fail
        await bench.keep("b", "m2")
        await bench.rest()
        assert bench.files() == 0 and await bench.rows.all() == [] and bench.spool.used == 0


async def test_what_waited_for_a_store_that_was_switched_off_meanwhile_goes_at_the_start(tmp_path: Path) -> None:
    async with Bench(tmp_path) as bench:
        bench.shop.answer = failing(s3.UNREACHABLE)
        await bench.keep("a", "m1")
        await bench.keep("b", "m2")
        await bench.rest()
    later = Bench(tmp_path)
    switched_off(later, "a")
    del later.records["b"]
    async with later:
        await later.until(lambda: not later.files())
        await later.rest()
        assert later.shop.tried == [] and await later.rows.all() == [] and later.spool.used == 0


async def test_a_new_configuration_ends_the_rest_and_an_old_one_does_not_end_the_new(tmp_path: Path) -> None:
    async with Bench(tmp_path) as bench:
        bench.shop.answer = failing(s3.TROUBLE)
        await bench.keep("a", "m1")
        await bench.rest()
        bench.media.changed(bench.records["a"], "s3")
        await bench.rest()
        tried = len(bench.shop.tried)
        assert tried == 2
        bench.clock.advance(1.01)  # what the first failure had to wait, which is no matter now
        await bench.rest()
        assert len(bench.shop.tried) == tried
        bench.clock.advance(5)
        await bench.rest()
        assert len(bench.shop.tried) == tried + 1
        bench.shop.answer = None
        bench.media.changed(bench.records["a"], "s3")
        await bench.rest()
        assert bench.media.health() == "ok"
        bench.media.changed(bench.records["a"], "s3")  # with nothing that waits
        assert bench.media.waiting(bench.records["a"]).count == 0


@pytest.mark.parametrize("trouble", ["full", "read-only", "no rows"])
async def test_what_cannot_be_kept_has_no_url_and_leaves_nothing(
    tmp_path: Path, trouble: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async with Bench(tmp_path, free=10**6 if trouble == "full" else 10**12) as bench:
        if trouble == "read-only":
            def refuse(*_args: object, **_more: object) -> int:
                raise OSError(28, "No space left on device")

            monkeypatch.setattr("ryze_tui.backend.integrations.spool.os.fsync", refuse)
        elif trouble == "no rows":
            await bench.database.close()
        assert await bench.keep("a", "m1") == ""
        await bench.rest()
        assert bench.spool.used == 0 and bench.files() == 0 and "a: the media of message m1 is not stored in S3" in caplog.text


async def test_lost_files_and_files_of_nobody_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Bench(tmp_path) as bench:
        bench.shop.answer = failing(s3.UNREACHABLE)
        for n in range(3):
            await bench.keep("a", f"m{n}", b"x" * 10)
        first = (await bench.rows.all())[0]
        await bench.database.write([(update(schema.uploads).where(schema.uploads.c.id != first.id).values(data="spoiled"), {})])
        assert await bench.keep("a", "whole")
    (tmp_path / "media" / first.id).unlink()
    (tmp_path / "media" / "orphan").write_bytes(b"x")
    async with Bench(tmp_path) as bench:
        await bench.until(lambda: len(bench.shop.objects) == 1)
        await bench.rest()
        assert "3 uploads are lost" in caplog.text and bench.files() == 0 and bench.spool.used == 0


async def test_what_is_on_the_disk_is_sealed_to_its_place(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "media", RING, limit=10**6)
    spool.open({})
    spool.write("one", b"private")
    assert spool.read("one") == b"private" and b"private" not in (tmp_path / "media" / "one").read_bytes()
    (tmp_path / "media" / "one").rename(tmp_path / "media" / "two")
    with pytest.raises(SecretError):
        spool.read("two")
    assert (tmp_path / "media" / "two").stat().st_mode & 0o777 == 0o600


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_bytes_are_sealed_as_texts_are(data: bytes) -> None:
    other = KeyRing([b"n" * 32, b"k" * 32])
    sealed = RING.encrypt_bytes(data, "t", "r", "c")
    assert RING.decrypt_bytes(sealed, "t", "r", "c") == other.decrypt_bytes(sealed, "t", "r", "c") == data
    for wrong in (sealed[:-1], sealed[:20], b"", b"k1:zz:" + sealed):
        with pytest.raises(SecretError):
            RING.decrypt_bytes(wrong, "t", "r", "c")
