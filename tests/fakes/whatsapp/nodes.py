"""Stanzas of WhatsApp, built and read; pyaileys has the codec."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from pyaileys.wabinary import BinaryNode as Node
from pyaileys.wabinary import decode_binary_node as decode
from pyaileys.wabinary import encode_binary_node as encode

__all__ = ["SERVER", "Node", "at", "bare", "children", "content", "decode", "encode", "node", "now", "shown"]

SERVER: Final = "@s.whatsapp.net"
"""A JID without a user, and not the bare token, which clients drop."""


def node(tag: str, inside: Sequence[Node] | bytes | None = None, **attributes: object) -> Node:
    """One stanza. `from_` stands for `from`, `call_id` for `call-id` (see `_HYPHENS`); what is None is left out."""
    named = {_HYPHENS.get(key, key.rstrip("_")): str(value) for key, value in attributes.items() if value is not None}
    return Node(tag, named, inside if isinstance(inside, bytes) or inside is None else list(inside))


_HYPHENS: Final = {"call_id": "call-id", "call_creator": "call-creator", "key_index": "key-index"}


def now() -> int:
    """Unix seconds, as in `t`."""
    return int(time.time())


def children(parent: Node) -> list[Node]:
    """Of a node with bytes or nothing in it there are none."""
    return parent.content if isinstance(parent.content, list) else []


def at(parent: Node | None, *path: str) -> Node | None:
    """The first child of that name, its child, and so on."""
    for tag in path:
        parent = next((child for child in children(parent) if child.tag == tag), None) if parent is not None else None
    return parent


def content(parent: Node | None, *path: str) -> bytes:
    """The bytes in a node below. Raises KeyError when it has none."""
    found = at(parent, *path)
    if found is None or not isinstance(found.content, bytes):
        raise KeyError(f"no bytes at {'/'.join(path)} in {shown(parent) if parent else 'nothing'}")
    return found.content


def bare(jid: str) -> str:
    """Without the device."""
    user, _, server = jid.partition("@")
    return f"{user.split(':')[0]}@{server}"


def shown(one: Node, depth: int = 3) -> str:
    """For a failed test's output: bytes are lengths, so that it holds no keys."""
    attributes = "".join(f" {key}={value!r}" for key, value in one.attrs.items())
    if isinstance(one.content, list):
        inside = "".join(shown(child, depth - 1) for child in one.content[:4]) if depth else ""
        more = f"(+{len(one.content) - 4})" if len(one.content) > 4 else ""
        return f"<{one.tag}{attributes}>{inside}{more}</>"
    return f"<{one.tag}{attributes}>[{len(one.content)}]</>" if one.content else f"<{one.tag}{attributes}/>"
