"""What a linked device sends goes where it is for: to people, who decrypt it, and to other linked devices as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .nodes import Node, at, bare, children, node, now

if TYPE_CHECKING:
    from .device import Device


async def carry(device: Device, message: Node) -> None:
    """A message of that device, which is acknowledged at the end. Raises Unreadable, ValueError."""
    double, number, to = device.phone.double, message.attrs["id"], message.attrs["to"]
    common = [one for one in children(message) if one.tag == "enc"]
    group = to if to.endswith("@g.us") else ""
    if message.attrs.get("category") == "peer":
        await device.phone.hear(device, number, common)
    for one in children(at(message, "participants") or node("none")):
        encs = [enc for enc in children(one) if enc.tag == "enc"] + common
        if (other := double.device(one.attrs["jid"])) is not None:
            await other.send(_for_device(device, other, message, encs))
        elif ":" not in one.attrs["jid"] and (person := double.find(one.attrs["jid"])) is not None:
            await person.hear(device, number, encs, group)
    if device.link is not None:
        await device.link.send(node("ack", class_="message", id=number, from_=to, t=now()))


def _for_device(device: Device, other: Device, message: Node, encs: list[Node]) -> Node:
    """As the server hands it on: from whom, instead of to whom."""
    to, phone = message.attrs["to"], device.phone
    source: dict[str, object]
    if to.endswith("@g.us"):
        source = {"from_": to, "participant": device.lid, "participant_pn": device.jid, "addressing_mode": "lid"}
    elif other.phone is phone:
        source = {"from_": device.jid, "recipient": to, "peer_recipient_pn": message.attrs.get("peer_recipient_pn")}
    else:
        source = {"from_": device.jid, "sender_lid": device.lid}
    identity = at(message, "device-identity")
    return node("message", [*encs, *([identity] if identity else [])], **source,
                id=message.attrs["id"], t=now(), type=message.attrs["type"], notify=phone.name)  # fmt: skip


async def carry_receipt(device: Device, receipt: Node) -> None:
    """To the devices of the account whose message it is for."""
    double, to = device.phone.double, receipt.attrs.get("participant") or receipt.attrs.get("to", "")
    group = receipt.attrs.get("to", "") if receipt.attrs.get("to", "").endswith("@g.us") else ""
    for other in double.devices:
        if other.phone is not device.phone and bare(to) in (other.phone.jid, other.phone.lid):
            kind = receipt.attrs.get("type")
            source = {"from_": group, "participant": device.lid} if group else {"from_": device.lid}
            await other.send(node("receipt", receipt.content if isinstance(receipt.content, list) else None, **source,
                                  id=receipt.attrs["id"], t=now(), type=None if kind == "inactive" else kind))  # fmt: skip
