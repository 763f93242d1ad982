"""The end of Signal sessions that a person has: keys, sessions with linked devices, and sender keys of groups."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyaileys.auth.creds import KeyPair
from pyaileys.auth.state import AuthenticationState
from pyaileys.auth.utils import init_auth_creds
from pyaileys.proto import WAProto_pb2 as proto
from pyaileys.signal.repository import PreKeyBundle, PreKeyBundleKey, SignalError, SignalRepository
from pyaileys.signal.util import signal_pubkey

from .chain import curve
from .nodes import Node, at, content, node

if TYPE_CHECKING:
    from .device import Device


class Undelivered(Exception):
    """A message cannot reach that device as things are."""


class Unreadable(Exception):
    """What a client wrote does not decrypt."""


class _Keys:
    """pyaileys' key store over a dict."""

    def __init__(self) -> None:
        self.all: dict[tuple[str, str], Any] = {}

    async def get(self, key_type: str, ids: list[str]) -> dict[str, Any]:
        return {one: self.all.get((key_type, one)) for one in ids}

    async def set(self, data: Mapping[str, Mapping[str, Any | None]]) -> None:
        for kind, items in data.items():
            for one, value in items.items():
                self.all[kind, one] = value

    async def clear(self) -> None:
        self.all.clear()


def padded(plain: bytes) -> bytes:
    """As many bytes more as each of them says, 1 to 16."""
    count = secrets.randbelow(16) + 1
    return plain + bytes([count]) * count


def unpadded(plain: bytes) -> bytes:
    """Raises ValueError."""
    if not plain or not 1 <= plain[-1] <= min(16, len(plain)) or plain[-plain[-1] :] != plain[-1:] * plain[-1]:
        raise ValueError("padding that is none")
    return plain[: -plain[-1]]


def _base(session: bytes) -> bytes:
    """What tells one session from another."""
    return bytes(proto.RecordStructure.FromString(session).currentSession.aliceBaseKey)


class Sessions:
    """Of one person, with everybody's linked devices; each is known by its LID."""

    def __init__(self) -> None:
        self._creds, self._keys = init_auth_creds(), _Keys()
        self._repository = SignalRepository(AuthenticationState(self._creds, self._keys))
        self._given: set[tuple[str, str]] = set()
        self._earlier: dict[str, list[bytes]] = {}
        self._turn = asyncio.Lock()
        self._last_key = 0

    @property
    def identity(self) -> KeyPair:
        """Of the person's own phone."""
        return self._creds.signed_identity_key

    async def bundle(self) -> list[Node]:
        """What the server answers to somebody who wants to write to the phone; with a one-time key that is new."""
        self._last_key += 1
        pair, signed = curve.generate_keypair(), self._creds.signed_pre_key
        await self._keys.set({"pre-key": {str(self._last_key): {"public": pair.public, "private": pair.private}}})
        return [
            node("registration", self._creds.registration_id.to_bytes(4, "big")),
            node("type", b"\x05"),
            node("identity", self.identity.public),
            node("skey", [node("id", signed.key_id.to_bytes(3, "big")), node("value", signed.key_pair.public),
                          node("signature", signed.signature)]),
            node("key", [node("id", self._last_key.to_bytes(3, "big")), node("value", pair.public)]),
        ]  # fmt: skip

    async def encrypt(self, device: Device, message: Any) -> Node:
        """An `enc` for that device alone. Raises Undelivered before it has uploaded keys."""
        async with self._turn:  # there one session after the other is tried
            if not await self._repository.validate_session(device.lid):
                await self._repository.inject_outgoing_session(device.lid, _bundle_of(device))
            kind, sealed = await self._repository.encrypt_message(device.lid, data=padded(message.SerializeToString()))
        return node("enc", sealed, v=2, type=kind)

    async def encrypt_for_group(self, group: str, own: str, device: Device, message: Any) -> list[Node]:
        """The `enc`s of a message in a group; the first one to each device also brings the sender's key."""
        sealed, key = await self._repository.encrypt_group_message(
            group_jid=group, me_jid=own, data=padded(message.SerializeToString())
        )
        parts = [node("enc", sealed, v=2, type="skmsg")]
        if (group, device.lid) not in self._given:
            self._given.add((group, device.lid))
            told = proto.Message(senderKeyDistributionMessage=proto.Message.SenderKeyDistributionMessage(
                groupId=group, axolotlSenderKeyDistributionMessage=key
            ))  # fmt: skip
            parts.insert(0, await self.encrypt(device, told))
        return parts

    async def decrypt(self, device: Device, enc: Node, group: str = "") -> Any:
        """What an `enc` from that device says, a Message. Sender keys in it are kept. Raises Unreadable, ValueError."""
        assert isinstance(enc.content, bytes)
        if enc.attrs["type"] == "skmsg":
            plain = await self._repository.decrypt_group_message(
                group_jid=group, author_jid=device.lid, ciphertext=enc.content
            )
        else:
            plain = await self._opened(device, enc.attrs["type"], enc.content)
        message = proto.Message.FromString(unpadded(plain))
        if message.HasField("senderKeyDistributionMessage"):
            told = message.senderKeyDistributionMessage
            await self._repository.process_sender_key_distribution_message(
                told.groupId, author_jid=device.lid, distribution_bytes=told.axolotlSenderKeyDistributionMessage
            )
        return message

    async def _opened(self, device: Device, kind: str, sealed: bytes) -> bytes:
        """By the session of now or an earlier one: when both begin at once, each side goes on with the other's for a while.

        pyaileys keeps one session only; as in Signal's own library, one that works becomes that of now.
        """
        place = ("session", str(self._repository.jid_to_address(device.lid)))
        async with self._turn:
            now, earlier = self._keys.all.get(place), self._earlier.setdefault(place[1], [])
            for at, session in enumerate([now, *earlier]):
                self._keys.all[place] = session
                try:
                    plain = await self._repository.decrypt_message(device.lid, message_type=kind, ciphertext=sealed)
                except (SignalError, ValueError) as error:
                    self._keys.all[place] = now
                    if at == len(earlier):
                        raise Unreadable(f"{kind} of {device.lid}: {error}") from error
                    continue
                if at:
                    del earlier[at - 1]
                if now is not None and (at or _base(now) != _base(self._keys.all[place])):
                    earlier.insert(0, now)
                return bytes(plain)
        raise AssertionError("there is one try at least")

    def forget(self, device: Device) -> None:
        """As after a reinstallation: the next message begins a session of its own."""
        self._given = {(group, lid) for group, lid in self._given if lid != device.lid}
        address = str(self._repository.jid_to_address(device.lid))
        self._keys.all.pop(("session", address), None)
        self._earlier.pop(address, None)


def _bundle_of(device: Device) -> PreKeyBundle:
    """Of the keys that the device has uploaded, one that nobody had before. Raises Undelivered."""
    if device.keys is None:
        raise Undelivered(f"{device.jid} has uploaded no keys")

    def key(one: Node) -> PreKeyBundleKey:
        number, signature = int.from_bytes(content(one, "id"), "big"), at(one, "signature")
        return PreKeyBundleKey(number, signal_pubkey(content(one, "value")), content(signature) if signature else None)

    signed, one_time = at(device.keys, "skey"), device.take_key()
    assert signed is not None
    return PreKeyBundle(
        registration_id=int.from_bytes(content(device.keys, "registration"), "big"),
        identity_key=signal_pubkey(content(device.keys, "identity")),
        signed_pre_key=key(signed), pre_key=key(one_time) if one_time is not None else None,
    )  # fmt: skip
