"""What a phone shares with the devices linked to it: the key of its settings, its name among them, and old conversations."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyaileys.appstate.keys import expand_app_state_keys
from pyaileys.appstate.processor import HashState, generate_content_mac, generate_patch_mac
from pyaileys.crypto.aes import aes_encrypt_cbc_pkcs7
from pyaileys.media import encrypt_media_bytes
from pyaileys.proto import WAProto_pb2 as proto

from .nodes import Node, node, now

if TYPE_CHECKING:
    from .media import Media
    from .people import Person

NAME_IS_IN: Final = "critical_block"
LABELS_ARE_IN: Final = "regular"
INLINE_BYTES: Final = 10_000
"""History that is larger goes through the store of media."""


@dataclass(frozen=True)
class Old:
    """A message from before the pairing; `mine`: the account wrote it. `when`: Unix seconds."""

    chat: Person
    text: str
    mine: bool = False
    when: int = 1_700_000_000
    id: str = ""


class Settings:
    """Of one account, sealed with a key that devices get from the phone: its name as one snapshot, its labels as changes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._id, self._key = secrets.token_bytes(6), secrets.token_bytes(32)
        self._patches: list[bytes] = []
        self._labels, self._macs = HashState(), dict[bytes, bytes]()

    def key(self) -> Any:
        """The message that brings it."""
        data = proto.Message.AppStateSyncKeyData(
            keyData=self._key, timestamp=now() * 1000,
            fingerprint=proto.Message.AppStateSyncKeyFingerprint(rawId=secrets.randbits(31), deviceIndexes=[0, 1]),
        )  # fmt: skip
        one = proto.Message.AppStateSyncKey(keyId=proto.Message.AppStateSyncKeyId(keyId=self._id), keyData=data)
        return _peer("APP_STATE_SYNC_KEY_SHARE", appStateSyncKeyShare=proto.Message.AppStateSyncKeyShare(keys=[one]))

    @property
    def changes(self) -> int:
        """How many there are."""
        return len(self._patches)

    def collection(self, name: str, whole: bool, media: Media, since: int = 0) -> Node:
        """What the server answers to a device that wants this part of the settings; it knows the changes up to `since`."""
        if name == LABELS_ARE_IN and self._patches:
            patches = [node("patch", patch) for patch in self._patches[0 if whole else since :]]
            return node("collection", [node("patches", patches)], name=name, version=self.changes)
        if not whole or name != NAME_IS_IN:
            return node("collection", name=name, version=0)
        sealed = encrypt_media_bytes(self._snapshot().SerializeToString(), media_type="md-app-state")
        blob = proto.ExternalBlobReference(
            mediaKey=sealed.media_key, directPath=media.plain(sealed.enc_bytes), fileSizeBytes=sealed.file_length,
            fileSha256=sealed.file_sha256, fileEncSha256=sealed.file_enc_sha256,
        )  # fmt: skip
        return node("collection", [node("snapshot", blob.SerializeToString())], name=name, version=1)

    def change(self, index: list[str], version: int, **value: Any) -> None:
        """One more of the changes: a SyncActionValue with that index."""
        keys, record = expand_app_state_keys(self._key), self._record(index, version, **value)
        mutation = proto.SyncdMutation(operation=0, record=record)
        self._labels.version += 1
        self._labels.update_hash([mutation], lambda mac, _: self._macs.get(mac))
        self._macs[record.index.blob] = record.value.blob[-32:]
        patch = proto.SyncdPatch(
            mutations=[mutation], keyId=proto.KeyId(id=self._id), version=proto.SyncdVersion(version=self._labels.version),
            snapshotMac=self._labels.generate_snapshot_mac(LABELS_ARE_IN, keys.snapshot_mac),
        )  # fmt: skip
        patch.patchMac = generate_patch_mac(patch, LABELS_ARE_IN, keys.patch_mac, self._labels.version)
        self._patches.append(patch.SerializeToString())

    def _record(self, index: list[str], version: int, **value: Any) -> Any:
        keys, name = expand_app_state_keys(self._key), json.dumps(index).encode()
        said = proto.SyncActionValue(timestamp=now() * 1000, **value)
        action = proto.SyncActionData(index=name, value=said, padding=b"", version=version).SerializeToString()
        iv = os.urandom(16)
        sealed = iv + aes_encrypt_cbc_pkcs7(action, key=keys.value_encryption, iv=iv)
        return proto.SyncdRecord(
            index=proto.SyncdIndex(blob=hmac.digest(keys.index, name, hashlib.sha256)),
            value=proto.SyncdValue(blob=sealed + generate_content_mac(0, sealed, self._id, keys.value_mac)),
            keyId=proto.KeyId(id=self._id),
        )

    def _snapshot(self) -> Any:
        keys = expand_app_state_keys(self._key)
        record = self._record(["setting_pushName"], 1, pushNameSetting=proto.SyncActionValue.PushNameSetting(name=self.name))
        state = HashState(version=1)
        state.update_hash_from_records([record])
        return proto.SyncdSnapshot(
            version=proto.SyncdVersion(version=1), records=[record], keyId=proto.KeyId(id=self._id),
            mac=state.generate_snapshot_mac(NAME_IS_IN, keys.snapshot_mac),
        )  # fmt: skip


def history(
    messages: Sequence[Old], media: Media, *, kind: str = "INITIAL_BOOTSTRAP", chunk: int = 1, progress: int = 100
) -> Any:
    """The message that brings old ones; `kind`: a HistorySyncType."""
    chats: dict[str, list[Old]] = {}
    for one in messages:
        chats.setdefault(one.chat.jid, []).append(one)
    whole = proto.HistorySync(
        syncType=kind, chunkOrder=chunk, progress=progress,
        conversations=[
            proto.Conversation(id=jid, messages=[proto.HistorySyncMsg(message=_old(one), msgOrderId=at)
                                                 for at, one in enumerate(old)])
            for jid, old in chats.items()
        ],
        pushnames=[proto.Pushname(id=one.chat.jid, pushname=one.chat.name) for one in messages],
    )  # fmt: skip
    # clients require the kind, and pyaileys leaves a 0 out: it is written once more, as field 1
    kinds = dict(proto.HistorySync.HistorySyncType.items())
    packed = zlib.compress(bytes([0x08, kinds[kind]]) + whole.SerializeToString())
    told = proto.Message.HistorySyncNotification(syncType=kind, chunkOrder=chunk, progress=progress, fileLength=len(packed))
    if len(packed) <= INLINE_BYTES:
        told.initialHistBootstrapInlinePayload = packed
    else:
        sealed = encrypt_media_bytes(packed, media_type="md-msg-hist")
        told.mediaKey, told.directPath = sealed.media_key, media.plain(sealed.enc_bytes)
        told.fileSha256, told.fileEncSha256 = sealed.file_sha256, sealed.file_enc_sha256
    return _peer("HISTORY_SYNC_NOTIFICATION", historySyncNotification=told)


def _old(one: Old) -> Any:
    key = proto.MessageKey(remoteJid=one.chat.jid, fromMe=one.mine, id=one.id or f"3EB0{secrets.token_hex(8).upper()}")
    text, name = proto.Message(conversation=one.text), "" if one.mine else one.chat.name
    return proto.WebMessageInfo(key=key, message=text, messageTimestamp=one.when, pushName=name)


def _peer(kind: str, **more: Any) -> Any:
    return proto.Message(protocolMessage=proto.Message.ProtocolMessage(type=kind, **more))
