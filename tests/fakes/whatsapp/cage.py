"""A process is put where it reaches loopback and nothing else: a network namespace of its own. Standard library alone."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
from typing import Final

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1
NOWHERE: Final = ("192.0.2.1", 443)
"""An address of documentation: nobody has it."""


class Open(Exception):
    """The cage does not hold: nothing may run in it."""


def namespace() -> None:
    """From now on this process has a network of its own, with loopback up. Only while it has one thread. Raises OSError."""
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(_NEW_NET) != 0:
        if libc.unshare(_NEW_USER | _NEW_NET) != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"a network namespace was refused: {os.strerror(code)}")
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        request = bytearray(struct.pack("16sH14x", b"lo", 0))
        fcntl.ioctl(one, _GET_FLAGS, request)
        name, flags = struct.unpack_from("16sH", request)
        fcntl.ioctl(one, _SET_FLAGS, struct.pack("16sH14x", name, flags | _UP))


def listen(port: int) -> socket.socket:
    """A socket of this namespace; whoever gets its descriptor can accept there, from wherever it is."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", port))
    one.listen(128)
    one.setblocking(False)
    return one


def check(kind: str) -> None:
    """That nothing leads out, by trying. Raises Open."""
    if kind == "namespace":
        others = [name for _, name in socket.if_nameindex() if name != "lo"]
        if others:
            raise Open(f"the namespace has more than loopback: {', '.join(others)}")
    with socket.socket() as one:
        one.settimeout(1.0)
        try:
            code = one.connect_ex(NOWHERE)
        except TimeoutError:
            code = errno.ETIMEDOUT
    expected = errno.ENETUNREACH if kind == "namespace" else errno.EACCES
    if code != expected:
        raise Open(f"a connection to {NOWHERE[0]} was not refused as it should be: {os.strerror(code) if code else 'made'}")
