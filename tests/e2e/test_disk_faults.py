"""Full disks, directories that cannot be written, damaged databases, few descriptors: in words; nothing acknowledged lost."""

from __future__ import annotations

import contextlib
import os
import random
import re
import resource
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from ..terminal.process import private_dirs
from ..terminal.server import Server
from .driver import COMMAND, Console
from .watching import assert_no_crash, assert_responsive

pytestmark = [pytest.mark.e2e, pytest.mark.long]
COUNT: Final = 40
WITHOUT_POWERS: Final = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
"""Permissions bind root as everybody else."""


@contextlib.contextmanager
def limited(pid: int, kind: int, most: int) -> Iterator[None]:
    """The running process may have no more of it, until the block is left."""
    before = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (most, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, kind, before)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a server with instances, settings and secrets, stopped in order."""
    home = tmp_path_factory.mktemp("made")
    with Server(home, speed=50, rate_limit=0) as server:
        for n in range(COUNT):
            hook = {"webhookEnabled": True, "webhookURL": f"http://127.0.0.1:9/{n}", "webhookAuthorization": f"secret-{n}"}
            server.create(f"n{n:02}", **hook)
        server.paired("linked")
        assert server.stop() == 0
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "server", ignore=shutil.ignore_patterns("*.sock")))


def refused(server: Server) -> str:
    """It must not start; what it says instead."""
    began = server.log.stat().st_size if server.log.exists() else 0
    server.spawn()
    assert server.process.stdout is not None
    try:
        assert server.process.wait(30) == 2, server.log.read_text()[began:]
    finally:
        server.process.kill()
        server.http.close()
        server.process.stdout.close()
    said = server.log.read_text()[began:]
    assert "Traceback" not in said and said.strip(), said
    return said


def header(data: bytearray, _rng: random.Random) -> bytearray:
    data[:100] = b"x" * 100
    return data


def half(data: bytearray, _rng: random.Random) -> bytearray:
    return data[: len(data) // 2]


def pages(data: bytearray, rng: random.Random) -> bytearray:
    for _page in range(6):
        at = rng.randrange(1, len(data) // 4096) * 4096
        data[at : at + 4096] = rng.randbytes(4096)
    return data


def bits(data: bytearray, rng: random.Random) -> bytearray:
    for _bit in range(2000):
        data[rng.randrange(100, len(data))] ^= 1 << rng.randrange(8)
    return data


def garbage(data: bytearray, rng: random.Random) -> bytearray:
    return bytearray(rng.randbytes(len(data)))


def zeros(data: bytearray, _rng: random.Random) -> bytearray:
    return bytearray(len(data))


def nothing(_data: bytearray, _rng: random.Random) -> bytearray:
    return bytearray()


@pytest.mark.parametrize("damage", [header, half, pages, bits, garbage, zeros, nothing], ids=lambda one: one.__name__)
def test_a_damaged_database_is_refused_with_advice_and_left_alone(
    home: Path, damage: Callable[[bytearray, random.Random], bytearray]
) -> None:
    path = home / "server" / "ryze.db"
    sound = path.read_bytes()
    broken = bytes(damage(bytearray(sound), random.Random(5)))
    path.write_bytes(broken)
    server = Server(home, rate_limit=0)
    said = refused(server)
    assert "restore a copy" in said and "database" in said, said
    assert path.read_bytes() == broken, "it is somebody's only copy"
    path.write_bytes(sound)
    with server:
        assert len(server.instances()) == COUNT + 1


def test_a_database_that_is_gone_is_not_taken_for_a_new_one(home: Path) -> None:
    path = home / "server" / "ryze.db"
    moved = path.rename(home / "moved.db")
    server = Server(home, rate_limit=0)
    assert "is gone" in (said := refused(server)) and "restore a copy" in said
    assert not path.exists()
    moved.rename(path)
    with server:
        assert len(server.instances()) == COUNT + 1


def test_one_can_begin_afresh_on_purpose(home: Path) -> None:
    for path in (home / "server").iterdir():
        if path.name.startswith("ryze.db"):
            path.unlink()
    with Server(home, rate_limit=0) as server:
        assert server.instances() == {}


def test_a_key_that_is_gone_or_another_is_refused_and_nothing_is_changed(home: Path) -> None:
    path, key = home / "server" / "ryze.db", home / "server.key"
    before, text = path.read_bytes(), key.read_text()
    key.unlink()
    assert "key" in refused(Server(home))
    assert not key.exists(), "a new one would be the end of every secret"
    assert path.read_bytes() == before
    key.write_text(text)
    key.chmod(0o600)
    with Server(home, rate_limit=0) as server:
        assert len(server.instances()) == COUNT + 1


def test_a_data_directory_that_cannot_be_written_is_said_at_once(home: Path) -> None:
    (home / "server").chmod(0o500)
    try:
        server = Server(home)
        server._argv[:0] = WITHOUT_POWERS
        said = refused(server)
        assert "cannot be written" in said or "readonly" in said or "read-only" in said or "unable to open" in said, said
        assert str(home / "server") in said and "--data-dir" in said, said
    finally:
        (home / "server").chmod(0o700)
    with Server(home, rate_limit=0) as again:
        assert len(again.instances()) == COUNT + 1


def test_a_disk_that_is_full_refuses_and_loses_nothing(home: Path) -> None:
    kept: dict[str, str] = {}
    with Server(home, rate_limit=0, speed=50) as server:
        for _round in range(3):
            size = max(path.stat().st_size for path in (home / "server").glob("ryze.db*"))
            with limited(server.process.pid, resource.RLIMIT_FSIZE, 1 if _round == 2 else size):
                answers = []
                for n in range(60):
                    name = f"full-{_round}-{n}"
                    body = {"name": name, "webhookURL": "http://127.0.0.1:9/" + "x" * 900}
                    reply = server.http.post("/api/instance/new", json=body)
                    answers.append(reply.status_code)
                    if reply.status_code < 300:
                        kept[name] = reply.json()["instance"]["token"]
                    else:
                        assert reply.status_code == 500 and reply.json()["error"]["message"], reply.text
                assert answers[-1] == 500, "it is full"
                assert server.instances().keys() >= kept.keys(), "reading goes on"
                while _round == 2 and server.http.get("/health").json()["checks"]["db"] == "ok":
                    time.sleep(0.2)  # looked at every three seconds
            end = time.monotonic() + 20
            while server.http.post("/api/instance/new", json={"name": f"room-{_round}"}).status_code >= 300:
                assert time.monotonic() < end, "there is room again"
                time.sleep(0.1)
            kept[f"room-{_round}"] = ""
        server.kill()
    with Server(home, rate_limit=0) as server:
        items = server.instances()
        before = {f"n{n:02}" for n in range(COUNT)} | {"linked"}
        assert items.keys() == kept.keys() | before, "what was refused is not there either"
        assert all(items[name]["token"] == token for name, token in kept.items() if token)
        assert "Traceback" not in server.log.read_text()


def test_a_server_without_descriptors_comes_back_by_itself(home: Path) -> None:
    with Server(home, rate_limit=0) as server:
        there = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        with contextlib.ExitStack() as stack, limited(server.process.pid, resource.RLIMIT_NOFILE, there + 8):
            for _one in range(60):
                stack.enter_context(contextlib.closing(socket.create_connection(address, 5)))
            time.sleep(0.3)
            assert server.process.poll() is None
        said = server.log.read_text()
        assert said.count("connections have to wait") == 1 and "Traceback" not in said, said[:2000]
        end = time.monotonic() + 15
        while True:
            with contextlib.suppress(Exception):
                if len(server.instances()) == COUNT + 1:
                    break
            assert time.monotonic() < end, server.log.read_text()[-2000:]
        server.create("after")
        server.kill()
    with Server(home, rate_limit=0) as server:
        assert "after" in server.instances()


def test_a_console_on_a_full_disk_goes_on(home: Path, tmp_path: Path) -> None:
    with Server(home, rate_limit=0, speed=20) as server, Console(server.url, server.token, tmp_path / "c", (160, 24)) as console:
        console.ready()
        with limited(console.pid, resource.RLIMIT_FSIZE, 0):
            server.simulate("linked", "unlink")
            console.wait_for("⚠1 logged out")
            console.put_cursor("n01")
            console.press("d")
            console.type_name("Delete", "n01")
            console.wait_for(lambda _: "n01" not in server.instances(), 15, what="the deletion")
            console.press("L", "esc", "e", "esc")
            console.settle(1)
            assert_responsive(console)
        console.press("ctrl+q")
        console.wait_exit()
        console.assert_clean()
    assert_no_crash(tmp_path / "c")


def test_a_console_with_few_descriptors_opens_fewer_streams(home: Path, tmp_path: Path) -> None:
    few = ["prlimit", "--nofile=80:80", *COMMAND]
    with Server(home, rate_limit=0, speed=20, extensions=False) as server:
        for n in range(COUNT):
            server.call("POST", f"/api/events/websocket/n{n:02}", json={"enabled": True, "events": []})
        with Console(server.url, server.token, tmp_path / "c", (160, 24), argv=few) as console:
            console.ready("POLLING")
            console.settle(3)
            assert len(os.listdir(f"/proc/{console.pid}/fd")) < 60
            server.call("DELETE", "/api/instance/delete/n39")
            for key in ("e", "esc", "E", "esc", "L", "esc", "P", "esc", "?", "esc", "c", "esc"):
                console.press(key)
                console.settle(0.2)
            console.wait_for("40 of 40", 40, what="the list")
            assert_responsive(console)
            console.press("ctrl+q")
            console.wait_exit()
            console.assert_clean()
    assert_no_crash(tmp_path / "c")


@pytest.mark.parametrize("limit", [5, 12])
def test_a_console_whose_limit_is_lowered_later_says_so_and_goes_on(home: Path, tmp_path: Path, limit: int) -> None:
    with Server(home, rate_limit=0, speed=20) as server, Console(server.url, server.token, tmp_path / "c", (160, 24)) as console:
        console.ready()
        with limited(console.pid, resource.RLIMIT_NOFILE, limit):
            console.press("?")
            console.wait_for(f"limit is {limit}; ")
            for key in ("?", "e", "J", "E", "L", "P", "T", "c", "m", ":", "B"):
                console.press(key)
                console.settle(0.2)
                console.press("esc", "esc")
                console.settle(0.2)
            console.wait_for("of 41")
            console.put_cursor("n01")
            console.press("d")
            console.type_name("Delete", "n01")
            console.wait_for("of 40")
            assert_responsive(console)
        console.press("ctrl+q")
        assert console.wait_exit() == 0
        console.assert_clean()
    assert_no_crash(tmp_path / "c")


def test_a_console_without_descriptors_when_the_server_comes_back_says_so_until_it_has_some(home: Path, tmp_path: Path) -> None:
    with Server(home, rate_limit=0, speed=20, extensions=False) as server:
        for n in range(COUNT):
            server.call("POST", f"/api/events/websocket/n{n:02}", json={"enabled": True, "events": []})
        with Console(server.url, server.token, tmp_path / "c", (160, 40)) as console:
            console.ready("POLLING")
            few = min(set(range(100)) - {int(name) for name in os.listdir(f"/proc/{console.pid}/fd")})
            with limited(console.pid, resource.RLIMIT_NOFILE, 12):
                server.kill()
                server.start()
                console.wait_for("OFFLINE", 20)
                console.wait_for(re.compile(r"more\s+files and\s+connections"), 20)
                assert_responsive(console)
            console.ready("POLLING")
            assert few > 12
            console.press("ctrl+q")
            console.wait_exit()
            console.assert_clean()
    assert_no_crash(tmp_path / "c")


def test_a_console_whose_directories_cannot_be_written_works(home: Path, tmp_path: Path) -> None:
    where = tmp_path / "c"
    private_dirs(where)
    for path in where.iterdir():
        path.chmod(0o500)
    try:
        argv = [*WITHOUT_POWERS, *COMMAND]
        served = Server(home, rate_limit=0, speed=20)
        with served as server, Console(server.url, server.token, where, (160, 24), argv=argv) as console:
            console.ready()
            console.put_cursor("n00")
            console.press("d")
            console.type_name("Delete", "n00")
            console.wait_for(lambda _: "n00" not in server.instances(), 15, what="the deletion")
            assert_responsive(console)
            console.press("q")
            console.wait_exit()
            console.assert_clean()
    finally:
        for path in where.iterdir():
            path.chmod(0o700)
    assert_no_crash(where)


