"""Workers that talk to the double reach it, and nothing beyond this machine; each of the two ways is tried on its own."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.whatsapp import cage, seccomp, swap
from tests.fakes.whatsapp.chain import REAL_ROOT, Root
from tests.fakes.whatsapp.double import WhatsAppDouble

from .plain import running

pytestmark = pytest.mark.whatsapp

ROOM = Path(__file__).parents[2]


def _try(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOM, capture_output=True, text=True, timeout=30)


def allowed() -> bool:
    """Whether this machine lets us have network namespaces."""
    return _try("from tests.fakes.whatsapp import cage; cage.namespace()").returncode == 0


async def test_of_itself_it_takes_the_stricter_one(tmp_path: Path) -> None:
    async with WhatsAppDouble() as wa, running(wa, tmp_path) as plain:
        assert wa.keeper.kinds == ["namespace" if allowed() else "filter"]
        assert await plain.ask("reach", host="192.0.2.1", port=443) in ("Network is unreachable", "Permission denied")


async def test_where_namespaces_are_refused_it_takes_the_filter(tmp_path: Path) -> None:
    refusing = "echo 0 >/proc/sys/user/max_net_namespaces && echo 0 >/proc/sys/user/max_user_namespaces && exec \"$@\""
    before = ["unshare", "--user", "--map-root-user", "sh", "-c", refusing, "sh"] if allowed() else []
    async with WhatsAppDouble() as wa, running(wa, tmp_path, before=before) as plain:
        assert wa.keeper.kinds == ["filter"]
        assert await plain.ask("reach", host="192.0.2.1", port=443) == "Permission denied"


async def test_a_namespace_has_the_double_and_nothing_else(tmp_path: Path) -> None:
    if not allowed():  # the filter guards here, and the next test proves it
        async with WhatsAppDouble(cage="namespace") as wa:
            with pytest.raises(AssertionError, match="a network namespace was refused"):
                async with running(wa, tmp_path):
                    pass
        return
    with socket.create_server(("127.0.0.1", 0)) as ours:
        port = ours.getsockname()[1]
        async with WhatsAppDouble(cage="namespace") as wa, running(wa, tmp_path) as plain:
            assert await plain.ask("reach", host="192.0.2.1", port=443) == "Network is unreachable"
            assert await plain.ask("udp") == "Network is unreachable"
            assert await plain.ask("reach", host="127.0.0.1", port=wa.gate.port) == ""
            assert await plain.ask("reach", host="127.0.0.1", port=port) == "Connection refused"
            wa.reach(port)
            while await plain.ask("reach", host="127.0.0.1", port=port):
                await asyncio.sleep(0)


async def test_the_filter_has_loopback_and_nothing_else(tmp_path: Path) -> None:
    async with WhatsAppDouble(cage="filter") as wa, running(wa, tmp_path) as plain:
        assert await plain.ask("reach", host="192.0.2.1", port=443) == "Permission denied"
        assert await plain.ask("reach", host="2001:db8::1", port=443) == "Permission denied"
        assert await plain.ask("udp") == "Permission denied"
        assert await plain.ask("reach", host="127.0.0.1", port=wa.gate.port) == ""
        assert len(wa.keeper.judges[0].refused) == 3  # the first one tried whether the filter holds
        device = await wa.scan(wa.phone("5511999900001"), await plain.qr())
        await device.online()


async def test_without_a_proxy_of_its_own_the_library_comes_here_too(tmp_path: Path) -> None:
    async with WhatsAppDouble() as wa, running(wa, tmp_path, proxy="") as plain:
        device = await wa.scan(wa.phone("5511999900001"), await plain.qr())
        await device.online()


async def test_other_hosts_are_refused_by_the_proxy(tmp_path: Path) -> None:
    async with WhatsAppDouble() as wa:
        reader, writer = await asyncio.open_connection("127.0.0.1", wa.gate.port)
        writer.write(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 502")
        writer.close()
        assert wa.gate.foreign == [("example.com", 443)]


async def test_a_library_that_the_double_does_not_fit_is_not_started(tmp_path: Path) -> None:
    async with WhatsAppDouble() as wa:
        wa.keeper.told["old"] = Root().public.hex()  # as when a new version has another key
        process = await asyncio.create_subprocess_exec(
            *wa.command("tests.whatsapp.plain_worker"), cwd=tmp_path,
            stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        _, words = await process.communicate()
        assert process.returncode == 70
        assert b"0 times (nowhere) and not once, writable: the double does not fit this version of neonize" in words


def test_a_cage_that_leaks_is_noticed() -> None:
    """An address that answers, where the check expects silence."""
    leaks = _try(
        "import socket\nfrom tests.fakes.whatsapp import cage\n"
        "one = socket.create_server(('127.0.0.1', 0)); cage.NOWHERE = one.getsockname()\n"
        "try: cage.check('filter')\nexcept cage.Open as error: print(error)"
    )
    assert "not refused as it should be: made" in leaks.stdout, leaks.stderr


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_key_is_swapped_only_when_it_is_there_once(tmp_path: Path, times: int) -> None:
    old, new = os.urandom(32), os.urandom(32)
    (tmp_path / "library.so").write_bytes(b"x" * 100 + old * times + b"y" * 5000)
    done = _try(
        "import ctypes, mmap\nfrom tests.fakes.whatsapp import swap\n"
        f"file = open({str(tmp_path / 'library.so')!r}, 'r+b')\n"
        "memory = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)\n"
        f"old, new = bytes.fromhex({old.hex()!r}), bytes.fromhex({new.hex()!r})\n"
        "try: swap.swap('library.so', old, new)\nexcept swap.NotSwapped as error: print(error)\n"
        "print(memory.find(new), memory.find(old))"
    )
    said = done.stdout.splitlines()
    if times == 1:
        assert said == ["100 -1"], done.stderr
    else:
        assert f"library.so {times} times" in said[0] and said[1] == f"-1 {100 if times else -1}", done.stderr
    assert old * times in (tmp_path / "library.so").read_bytes()


def test_the_real_root_is_in_the_library_once_on_the_disk() -> None:
    """The file is never written to."""
    found = subprocess.run(
        [sys.executable, "-c", "import importlib.util; print(importlib.util.find_spec('neonize').origin)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    libraries = list(Path(found.stdout.strip()).parent.glob("*.so"))
    assert [one.read_bytes().count(REAL_ROOT) for one in libraries] == [1]


@pytest.mark.parametrize(
    ("address", "good"),
    [
        (b"\x01\x00/run/x", True), (b"\x00\x00", True), (b"", False), (b"\x02\x00", False), (b"\x10\x00" + bytes(10), False),
        (b"\x02\x00\x01\xbb" + bytes([127, 0, 0, 1]), True), (b"\x02\x00\x01\xbb" + bytes([127, 9, 9, 9]), True),
        (b"\x02\x00\x01\xbb" + bytes([8, 8, 8, 8]), False), (b"\x02\x00\x01\xbb" + bytes(4), False),
        (b"\x0a\x00\x01\xbb" + bytes(4) + bytes(15) + b"\x01", True), (b"\x0a\x00\x01\xbb" + bytes(20), False),
        (b"\x0a\x00\x01\xbb" + bytes(4) + bytes(10) + b"\xff\xff" + bytes([127, 0, 0, 1]), True),
        (b"\x0a\x00\x01\xbb" + bytes(4) + bytes(10) + b"\xff\xff" + bytes([8, 8, 8, 8]), False),
    ],
)  # fmt: skip
def test_which_addresses_are_this_machine(address: bytes, good: bool) -> None:
    assert seccomp.stays_here(address) is good


def test_every_jump_of_the_filter_lands_in_it() -> None:
    code = seccomp.program()
    for at, (kind, true, false, _) in enumerate(code):
        if kind == 0x15:
            assert at + 1 + max(true, false) < len(code)
    assert [kind for kind, *_ in code[-4:]] == [0x06] * 4
    assert cage.NOWHERE[0] == "192.0.2.1" and swap.occurrences("no such library", bytes(32)) == []
