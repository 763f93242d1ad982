"""A filter of the kernel by which a process reaches loopback alone: each connect is asked about, and UDP is not to be had.

It is for machines that refuse network namespaces (an unprivileged container). The filtered process hands the end where questions
arrive to the test, which answers them (`Judge`). Linux on x86_64; standard library alone.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import fcntl
import ipaddress
import os
import platform
import select
import struct
from typing import Final

_SECCOMP, _PRCTL_NO_NEW_PRIVILEGES = 317, 38
_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
_ARCHITECTURE: Final = 0xC000003E
_ALLOW, _ASK, _KILL, _ERROR = 0x7FFF0000, 0x7FC00000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _AND, _RETURN = 0x20, 0x15, 0x54, 0x06
_SOCKET, _CONNECT, _SENDTO, _SENDMSG, _SENDMMSG, _URING = 41, 42, 44, 46, 307, 425
_FAST_OPEN: Final = 0x20000000
_RECEIVE, _ANSWER = 0xC0502100, 0xC0182101
_CONTINUE: Final = 1

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, constant."""


def _argument(index: int) -> int:
    return 16 + 8 * index


def program() -> list[Instruction]:
    """In the order of classic BPF; the last four are where it ends."""
    lines: list[tuple[int, str, str, int]] = [
        (_LOAD, "", "", 4), (_EQUAL, "", "kill", _ARCHITECTURE), (_LOAD, "", "", 0),
        (_EQUAL, "ask", "", _CONNECT), (_EQUAL, "refuse", "", _URING),
        (_EQUAL, "", "+8", _SOCKET),
        (_LOAD, "", "", _argument(0)), (_EQUAL, "allow", "", 1), (_EQUAL, "allow", "", 16),  # unix, netlink
        (_EQUAL, "+1", "", 2), (_EQUAL, "", "refuse", 10), (_LOAD, "", "", _argument(1)),
        (_AND, "", "", 0xF), (_EQUAL, "allow", "refuse", 1),  # of internet's only streams
    ]  # fmt: skip
    for call, flags in ((_SENDTO, 3), (_SENDMSG, 2), (_SENDMMSG, 3)):  # a connect in disguise
        lines += [(_EQUAL, "", "+3", call), (_LOAD, "", "", _argument(flags)), (_AND, "", "", _FAST_OPEN),
                  (_EQUAL, "allow", "refuse", 0)]  # fmt: skip
    ends = {"allow": _ALLOW, "ask": _ASK, "refuse": _ERROR | errno.EACCES, "kill": _KILL}
    places = {name: len(lines) + at for at, name in enumerate(ends)}

    def jump(at: int, to: str) -> int:
        if not to:
            return 0
        return int(to) if to[0] == "+" else places[to] - at - 1

    return [
        *((code, jump(at, true), jump(at, false), value) for at, (code, true, false, value) in enumerate(lines)),
        *((_RETURN, 0, 0, value) for value in ends.values()),
    ]


def install() -> int:
    """For this thread and everything it starts from now on, for good. Returns the descriptor of the questions. Raises OSError."""
    if platform.machine() != "x86_64":
        raise OSError(errno.ENOTSUP, f"the filter is written for x86_64, not {platform.machine()}")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PRCTL_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")
    code = b"".join(struct.pack("HBBI", *line) for line in program())
    kept = ctypes.create_string_buffer(code, len(code))
    filled = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(kept))
    questions = libc.syscall(_SECCOMP, _SET_MODE_FILTER, _NEW_LISTENER, ctypes.create_string_buffer(filled, len(filled)))
    if questions < 0:
        raise OSError(ctypes.get_errno(), f"the filter was refused: {os.strerror(ctypes.get_errno())}")
    return int(questions)


def stays_here(address: bytes) -> bool:
    """Whether a `sockaddr` leads to this machine and no farther."""
    if len(address) < 2:
        return False
    family = struct.unpack_from("=H", address)[0]
    if family == 1 or family == 0:
        return True
    if family == 2 and len(address) >= 8:
        return ipaddress.IPv4Address(address[4:8]).is_loopback
    if family == 10 and len(address) >= 24:
        there = ipaddress.IPv6Address(address[8:24])
        return (there.ipv4_mapped or there).is_loopback
    return False


class Judge:
    """Answers the questions of one filtered process in the test's loop. `refused`: the addresses, as they were asked for."""

    def __init__(self, questions: int) -> None:
        self.refused: list[bytes] = []
        self._questions = questions
        asyncio.get_running_loop().add_reader(questions, self._hear)

    def close(self) -> None:
        """Whoever still asks gets an error."""
        if self._questions >= 0:
            asyncio.get_running_loop().remove_reader(self._questions)
            os.close(self._questions)
            self._questions = -1

    def _hear(self) -> None:
        poll = select.poll()
        poll.register(self._questions, select.POLLIN)
        happened = poll.poll(0)
        if happened and happened[0][1] & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
            self.close()
            return
        question = bytearray(80)
        try:
            fcntl.ioctl(self._questions, _RECEIVE, question)
            number, thread = struct.unpack_from("=QI", question)
            _, place, size = struct.unpack_from("=QQQ", question, 32)
            address = self._read(thread, place, size)
            good = stays_here(address)
            if not good:
                self.refused.append(address)
            answer = struct.pack("=QqiI", number, 0, 0 if good else -errno.EACCES, _CONTINUE if good else 0)
            fcntl.ioctl(self._questions, _ANSWER, bytearray(answer))
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EINTR):  # the asker is dead
                raise

    @staticmethod
    def _read(thread: int, place: int, size: int) -> bytes:
        with open(f"/proc/{thread}/mem", "rb", buffering=0) as memory:
            memory.seek(place)
            return memory.read(min(size, 128))
