"""The list of last time: what is in the file, what is not, and every file that is none."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui import paths, redact
from ryze_tui.api.instance import Instance
from ryze_tui.fleet import cache, history, keeping
from ryze_tui.fleet.model import FleetModel

URL, TOKEN = "http://127.0.0.1:9", "account-token-0123456789abcdef"
NOW = 1_790_000_000.0


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.delenv("RYZE_NO_CACHE", raising=False)
    return tmp_path


def fleet(count: int = 3) -> FleetModel:
    model = FleetModel()
    items = [
        Instance(
            f"i{n}", state="loggedout" if n == 0 else "connected", raw_state="connected", id=f"id{n}", blocks="WS···",
            token=f"instance-token-{n}-0123456789", number_jid=f"55119{n:05d}:3@s.whatsapp.net", streaming=True,
            since="2026-09-21T13:00:00Z" if n == 1 else "", reason="token: hunter22secret", profile_name="São João 日本",
            is_business=n == 2, business_name="Acme", webhook_url="https://user:password1@hooks.acme.com/wa?key=s3cr3t",
            webhook_events=2, created_at="2026-01-01T00:00:00Z",
        )
        for n in range(count)
    ]  # fmt: skip
    model.apply_list(items, asked_at=1, received_at=1, now=NOW - 5)
    return model


def keep(model: FleetModel, *, seen: float = NOW, token: str = TOKEN) -> Path:
    name = keeping.fingerprint(URL, token, make=True)
    keeping.write(cache.path(name), cache.KIND, seen=seen, lines=[cache.line_of(row) for row in model.rows.values()])
    return cache.path(name)


def shown(token: str = TOKEN) -> FleetModel | None:
    kept = cache.look(URL, token)
    return asyncio.run(cache.load(kept)) if kept is not None else None


def test_what_the_list_shows_comes_back_and_nothing_that_is_secret() -> None:
    redact.register("instance-token-1-0123456789")
    path, model = keep(fleet()), shown()
    assert model is not None and list(model.rows) == ["i0", "i1", "i2"] and model.counts["connected"] == 2
    assert not model.loaded
    row = model.rows["i1"]
    assert (row.state, row.number, row.item.profile_name, row.item.blocks, row.item.streaming) == (
        "connected", "5511900001", "São João 日本", "WS···", True,
    )  # fmt: skip
    assert (row.since, row.since_exact, row.heard, row.seen) == (1789995600.0, True, float("-inf"), NOW)
    assert (model.rows["i2"].item.business_name, model.rows["i2"].haystack) == ("Acme", "i2 5511900002 são joão 日本 acme")
    text = path.read_text()
    for secret in (TOKEN, "instance-token", "hooks.acme", "password1", "s3cr3t", "hunter22", "127.0.0.1", "id1"):
        assert secret not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_another_account_never_sees_it_and_the_name_alone_tells_nothing() -> None:
    path = keep(fleet())
    assert shown("another-token-0123456789") is None and cache.look("http://127.0.0.1:10", TOKEN) is None
    assert cache.look(URL + "/", TOKEN) is not None
    before = path.stem
    (paths.state_dir() / "fingerprint.key").unlink()
    assert shown() is None
    assert keeping.fingerprint(URL, TOKEN, make=True) != before  # the same token, another key: nothing to test a guess against
    assert stat.S_IMODE((paths.state_dir() / "fingerprint.key").stat().st_mode) == 0o600


def test_a_key_that_is_half_or_a_link_is_made_anew(home: Path) -> None:
    path = paths.state_dir() / "fingerprint.key"
    path.parent.mkdir(parents=True)
    elsewhere = home / "elsewhere"
    elsewhere.write_bytes(b"k" * 32)
    path.symlink_to(elsewhere)
    assert keeping.fingerprint(URL, TOKEN) == ""
    assert keeping.fingerprint(URL, TOKEN, make=True) and not path.is_symlink() and elsewhere.read_bytes() == b"k" * 32
    path.write_bytes(b"short")
    assert keeping.fingerprint(URL, TOKEN) == "" and keeping.fingerprint(URL, TOKEN, make=True)


@pytest.mark.parametrize("value", ["1", "yes"])
def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    keep(fleet())
    monkeypatch.setenv("RYZE_NO_CACHE", value)
    assert shown() is None and history.look(URL, TOKEN) is None


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    lines = data.split(b"\n")
    texts = {
        "empty": b"", "binary": os.urandom(5000), "cut": data[: len(data) // 2], "cut at a line": b"\n".join(lines[:-3]) + b"\n",
        "last byte": data[:-1], "another version": data.replace(b'"version": 1', b'"version": 2'),
        "another kind": data.replace(b'"kind": "list"', b'"kind": "tape"'),
        "no date": data.replace(b'"seen": ', b'"seen": "x", "y": '),
        "no rows": b"\n".join([lines[0], b'{"rows": 0}', b""]), "one array": b"[]\n" * 4, "deep": b"[" * 200_000 + b"\n\n\n",
        "a row missing": b"\n".join(lines[:1] + lines[2:]), "nul": b"\0" * 4096,
    }  # fmt: skip
    if how in texts:
        path.write_bytes(texts[how])
        return
    path.unlink()
    if how == "link":
        (path.parent / "real").write_bytes(data)
        path.symlink_to(path.parent / "real")
    elif how == "directory":
        path.mkdir()
    elif how == "fifo":
        os.mkfifo(path)
    elif how == "huge":
        with path.open("wb") as file:
            file.write(lines[0])
            file.truncate(cache.BYTES_MOST + 1)


HOW = ["empty", "binary", "cut", "cut at a line", "last byte", "another version", "another kind", "no date", "no rows",
       "one array", "deep", "a row missing", "nul", "link", "directory", "fifo", "huge", "gone"]  # fmt: skip


@pytest.mark.parametrize("how", HOW)
def test_a_file_that_is_not_what_it_should_be_is_none_and_is_replaced(how: str) -> None:
    path = keep(fleet())
    damage(path, how)
    assert shown() is None
    if how != "directory":
        keep(fleet())
        assert shown() is not None and not path.is_symlink()


def test_a_bad_line_costs_its_row_only() -> None:
    path = keep(fleet())
    lines = path.read_text().split("\n")
    lines[2] = '["i1", 5, null]'
    path.write_text("\n".join(lines))
    model = shown()
    assert model is not None and list(model.rows) == ["i0", "i2"]


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.integers(), max_size=2)


@given(st.lists(JSON, min_size=17, max_size=17), st.booleans())
def test_hostile_fields_are_read_as_those_of_the_network(values: list[object], valid: bool) -> None:
    if valid:
        values[0], values[1] = "a", "connected"
    row = cache.row_of(json.loads(json.dumps(values)), NOW)
    if row is not None:
        model = FleetModel()
        model.put(row)
        assert row.name and row.since <= NOW and len(row.item.blocks) == 5 and row.heard == float("-inf")
        json.loads(cache.line_of(row))


def test_lone_surrogates_and_escapes_survive_as_text_and_never_as_a_name() -> None:
    model = fleet(1)
    model.rows["i0"].reason = model.rows["i0"].item.profile_name = "\ud800\x1b]0;pwn\x07"
    keep(model)
    again = shown()
    assert again is not None and again.rows["i0"].item.profile_name == "\ud800\x1b]0;pwn\x07"
    values = json.loads(cache.line_of(model.rows["i0"]))
    assert cache.row_of(["\ud800", *values[1:]], NOW) is None


def test_older_news_do_not_replace_newer_ones_but_a_date_of_the_future_does_not_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW + 60)
    keep(fleet(3), seen=NOW)
    keep(fleet(1), seen=NOW - 60)
    kept = cache.look(URL, TOKEN)
    assert kept is not None and (len(kept.lines), kept.seen) == (3, NOW)
    keep(fleet(2), seen=NOW + 3600)
    keep(fleet(1), seen=NOW + 30)
    kept = cache.look(URL, TOKEN)
    assert kept is not None and len(kept.lines) == 1


def test_the_accounts_not_used_for_longest_are_forgotten() -> None:
    for n in range(keeping.FILES_MOST + 3):
        path = keep(fleet(1), token=f"token-of-account-{n}")
        os.utime(path, (n, n))
    keep(fleet(1), token="token-of-the-last-account")
    assert len(list(path.parent.iterdir())) == keeping.FILES_MOST
    assert shown("token-of-account-0") is None and shown("token-of-the-last-account") is not None


def test_ten_thousand_rows_are_read_in_slices() -> None:
    keep(fleet(10_000))
    kept = cache.look(URL, TOKEN)
    assert kept is not None
    waits: list[float] = []

    async def read() -> None:
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        async def beat() -> None:
            last = loop.time()
            while not done.is_set():
                await asyncio.sleep(0)
                waits.append(loop.time() - last)
                last = loop.time()

        beating = asyncio.create_task(beat())
        model = await cache.load(kept)
        done.set()
        await beating
        assert len(model.rows) == 10_000

    asyncio.run(read())
    assert len(waits) > 10  # others ran in between
