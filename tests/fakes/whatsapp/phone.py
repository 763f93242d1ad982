"""A phone that is not there, the first device of an account: reads QR texts, types pairing codes, signs who may be linked."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidTag
from pyaileys.auth.creds import KeyPair
from pyaileys.constants import WA_ADV_ACCOUNT_SIG_PREFIX, WA_ADV_DEVICE_SIG_PREFIX
from pyaileys.crypto import aes_decrypt_ctr, aes_decrypt_gcm, aes_encrypt_ctr, hkdf_sha256, hmac_sha256
from pyaileys.proto import WAProto_pb2 as proto

from .account import LABELS_ARE_IN, Old, Settings, history
from .chain import curve
from .nodes import SERVER, node, now
from .people import Person

if TYPE_CHECKING:
    from .device import Device
    from .double import WhatsAppDouble

PREFIX: Final = "https://wa.me/settings/linked_devices#"
ROUNDS: Final = 2 << 16
"""Of PBKDF2 between a pairing code and its key."""


class PairingRefused(Exception):
    """The phone does not accept this text or code, or the client did not accept the phone."""


@dataclass(frozen=True)
class QrText:
    """What a QR code says. `client`: one character, Chrome is 1."""

    ref: bytes
    noise: bytes
    identity: bytes
    secret: bytes
    client: str

    @classmethod
    def parse(cls, text: str) -> QrText:
        """With the prefix or, as it was once, without. Raises PairingRefused."""
        parts = text.removeprefix(PREFIX).split(",")
        if len(parts) not in (4, 5):
            raise PairingRefused(f"a QR text has 4 or 5 parts, not {len(parts)}")
        try:
            keys = [base64.b64decode(part, validate=True) for part in parts[1:4]]
        except binascii.Error:
            raise PairingRefused("a key in the QR text is not base64") from None
        if any(len(key) != 32 for key in keys):
            raise PairingRefused("a key in the QR text has not 32 bytes")
        return cls(parts[0].encode(), keys[0], keys[1], keys[2], parts[4] if len(parts) == 5 else "")


class Phone(Person):
    """The account's owner; also somebody who can be written to. `linked` counts the devices; `double` is where it is.

    `passkey`: WhatsApp links no device with it before somebody has shown one.
    """

    def __init__(self, number: str, name: str = "", *, platform: str = "android", business: str = "") -> None:
        super().__init__(number, name)
        self.platform, self.business, self.linked, self._key_index = platform, business, 0, 0
        self.double: WhatsAppDouble
        self.passkey = False
        self.settings = Settings(self.name)

    async def greet(self, device: Device) -> None:
        """To a device that is ready for the first time: the key of the settings, with which it learns the account's name."""
        await self.send(device, self.settings.key(), category="peer")

    async def history(self, device: Device, messages: Sequence[Old], **more: Any) -> str:
        """Old messages; `more`: kind, chunk, progress (see account.history). The id of what brings them."""
        return await self.send(device, history(messages, self.media, **more), category="peer")

    async def show_picture(self, picture: bytes) -> None:
        """Its owner takes another picture of himself, or none."""
        self.picture = picture
        for device in self.double.devices:
            if device.phone is self:
                await device.told_of_picture(self)

    async def label(self, ident: str, name: str, color: int = 0, *, deleted: bool = False) -> None:
        """Its owner makes a label, or changes it; the linked devices are told that there is something new."""
        edit = proto.SyncActionValue.LabelEditAction(name=name, color=color, deleted=deleted)
        await self._change(["label_edit", ident], labelEditAction=edit)

    async def put_label(self, ident: str, chat: Person, *, on: bool = True) -> None:
        """On a chat, or off it."""
        told = proto.SyncActionValue.LabelAssociationAction(labeled=on)
        await self._change(["label_jid", ident, chat.jid], labelAssociationAction=told)

    async def _change(self, index: list[str], **value: Any) -> None:
        self.settings.change(index, 3, **value)
        for device in self.double.devices:
            if device.phone is self:
                told = node("collection", name=LABELS_ARE_IN, version=self.settings.changes)
                await device.send(node("notification", [told], from_=SERVER, id=self.double.next_id(), type="server_sync",
                                       t=now()))  # fmt: skip

    def next_device(self) -> tuple[str, str]:
        """The JIDs of the next linked device, by number and by LID."""
        self.linked += 1
        return f"{self.number}:{self.linked}@s.whatsapp.net", f"{self.lid_user}:{self.linked}@lid"

    def sign(self, identity: bytes, secret: bytes) -> bytes:
        """An ADVSignedDeviceIdentityHMAC for the companion with that identity: what `pair-success` carries."""
        self._key_index += 1
        details = proto.ADVDeviceIdentity(rawId=secrets.randbits(31), timestamp=now(), keyIndex=self._key_index)
        raw = details.SerializeToString()
        signed = proto.ADVSignedDeviceIdentity(
            details=raw, accountSignatureKey=self.identity.public,
            accountSignature=curve.sign(self.identity.private, WA_ADV_ACCOUNT_SIG_PREFIX + raw + identity),
        ).SerializeToString()  # fmt: skip
        return bytes(proto.ADVSignedDeviceIdentityHMAC(details=signed, hmac=hmac_sha256(secret, signed)).SerializeToString())

    def signed_by(self, identity: bytes, answer: bytes) -> bool:
        """Whether the companion has signed in its turn."""
        theirs = proto.ADVSignedDeviceIdentity.FromString(answer)
        message = WA_ADV_DEVICE_SIG_PREFIX + theirs.details + identity + self.identity.public
        return bool(curve.verify(identity, message, theirs.deviceSignature))


class TypedCode:
    """One pairing by code, the phone's part: `wrapped` goes to the companion, `secret` opens what it answers."""

    def __init__(self, phone: Phone, code: str, companion: bytes) -> None:
        """`companion`: its ephemeral key, wrapped in the code: 32 bytes salt, 16 IV, 32 key. It takes 0.1 s."""
        self._phone, self._ephemeral = phone, curve.generate_keypair()
        plain = code.replace("-", "").upper()
        salt, iv, sealed = companion[:32], companion[32:48], companion[48:80]
        # with a wrong code it is a wrong key, and nobody knows before the bundle does not open
        self._companion = aes_decrypt_ctr(sealed, key=self._key(plain, salt), iv=iv)
        salt, iv = os.urandom(32), os.urandom(16)
        self.wrapped = salt + iv + aes_encrypt_ctr(self._ephemeral.public, key=self._key(plain, salt), iv=iv)

    @staticmethod
    def _key(code: str, salt: bytes) -> bytes:
        return hashlib.pbkdf2_hmac("sha256", code.encode(), salt, ROUNDS, 32)

    def secret(self, bundle: bytes, identity: bytes) -> bytes:
        """From the companion's bundle (32 bytes salt, 12 nonce, the rest) the secret of the pairing. Raises PairingRefused."""
        shared = curve.shared_key(self._ephemeral.private, self._companion)
        key = hkdf_sha256(ikm=shared, length=32, salt=bundle[:32], info=b"link_code_pairing_key_bundle_encryption_key")
        try:
            plain = aes_decrypt_gcm(bundle[44:], key=key, iv=bundle[32:44], aad=b"")
        except InvalidTag:
            raise PairingRefused("that is not the code that the client shows") from None
        identity_key: KeyPair = self._phone.identity
        if plain[:32] != identity or plain[32:64] != identity_key.public:
            raise PairingRefused("the bundle is of another pairing")
        both = shared + curve.shared_key(identity_key.private, identity) + plain[64:96]
        return bytes(hkdf_sha256(ikm=both, length=32, salt=b"", info=b"adv_secret"))
