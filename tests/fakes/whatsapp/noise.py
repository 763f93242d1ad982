"""The server's side of Noise_XX_25519_AESGCM_SHA256 as WhatsApp speaks it, and the frames that it lies in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from google.protobuf.message import DecodeError
from pyaileys.auth.creds import KeyPair
from pyaileys.constants import NOISE_MODE, NOISE_WA_HEADER
from pyaileys.crypto import aes_decrypt_gcm, aes_encrypt_gcm, hkdf_sha256, sha256
from pyaileys.proto import WAProto_pb2 as proto

from .chain import curve

HEADER: Final = bytes(NOISE_WA_HEADER)
MOST: Final = (1 << 24) - 1
"""Bytes of a frame's body."""


class Refused(Exception):
    """What came is not what a client of WhatsApp sends."""


def frame(body: bytes) -> bytes:
    """Three bytes of length, then the body. Raises ValueError."""
    if len(body) > MOST:
        raise ValueError(f"{len(body)} bytes do not fit into a frame")
    return len(body).to_bytes(3, "big") + body


class Frames:
    """A stream cut into frames; before the first one comes the header, once."""

    def __init__(self) -> None:
        self._buffer, self._begun = bytearray(), False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bodies that are whole by now. Raises Refused."""
        self._buffer += data
        if not self._begun:
            if not HEADER.startswith(self._buffer[: len(HEADER)]):
                raise Refused(f"it begins with {bytes(self._buffer[:4])!r} and not with {HEADER!r}")
            if len(self._buffer) < len(HEADER):
                return
            del self._buffer[: len(HEADER)]
            self._begun = True
        while len(self._buffer) >= 3:
            end = 3 + int.from_bytes(self._buffer[:3], "big")
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[3:end])
            del self._buffer[:end]
            yield body


def _nonce(count: int) -> bytes:
    return count.to_bytes(12, "big")


class Noise:
    """One connection: `hello`, `finish`, then `seal` and `open` for each frame, in the order of the wire."""

    def __init__(self, static: KeyPair, chain: bytes) -> None:
        self._static, self._chain, self._ephemeral = static, chain, curve.generate_keypair()
        self._hash = self._salt = self._key = bytes(NOISE_MODE)
        self._count = self._sealed = self._opened = 0
        self._client = self._read_key = self._write_key = b""
        self._mix(HEADER)

    def hello(self, message: bytes) -> bytes:
        """A ClientHello (e) to the ServerHello (e, ee, s, es and the certificates). Raises Refused."""
        self._client = self._parsed(message).clientHello.ephemeral
        if len(self._client) != 32:
            raise Refused("a ClientHello without a key")
        self._mix(self._client)
        self._mix(self._ephemeral.public)
        self._agree(self._ephemeral.private, self._client)
        static = self._encrypt(self._static.public)
        self._agree(self._static.private, self._client)
        hello = proto.HandshakeMessage.ServerHello(
            ephemeral=self._ephemeral.public, static=static, payload=self._encrypt(self._chain)
        )
        return bytes(proto.HandshakeMessage(serverHello=hello).SerializeToString())

    def finish(self, message: bytes) -> tuple[bytes, Any]:
        """A ClientFinish (s, se and the payload) to the client's static key and its ClientPayload. Raises Refused."""
        parts = self._parsed(message).clientFinish
        static = self._decrypt(parts.static)
        self._agree(self._ephemeral.private, static)
        payload = proto.ClientPayload.FromString(self._decrypt(parts.payload))
        self._read_key, self._write_key = self._derived(b"")  # the client writes with the first one
        return static, payload

    def seal(self, plain: bytes) -> bytes:
        """The next frame to the client."""
        self._sealed += 1
        return bytes(aes_encrypt_gcm(plain, key=self._write_key, iv=_nonce(self._sealed - 1), aad=b""))

    def open(self, body: bytes) -> bytes:
        """The next frame from the client. Raises Refused."""
        self._opened += 1
        return self._opened_with(self._read_key, self._opened - 1, body, b"")

    def _mix(self, data: bytes) -> None:
        self._hash = sha256(self._hash + data)

    def _agree(self, private: bytes, public: bytes) -> None:
        try:
            shared = curve.shared_key(private, public)
        except ValueError as error:
            raise Refused(f"a key that is none: {error}") from None
        self._salt, self._key = self._derived(shared)
        self._count = 0

    def _derived(self, secret: bytes) -> tuple[bytes, bytes]:
        both = hkdf_sha256(ikm=secret, length=64, salt=self._salt)
        return both[:32], both[32:]

    def _encrypt(self, plain: bytes) -> bytes:
        sealed = bytes(aes_encrypt_gcm(plain, key=self._key, iv=_nonce(self._count), aad=self._hash))
        self._count += 1
        self._mix(sealed)
        return sealed

    def _decrypt(self, sealed: bytes) -> bytes:
        plain = self._opened_with(self._key, self._count, sealed, self._hash)
        self._count += 1
        self._mix(sealed)
        return plain

    @staticmethod
    def _opened_with(key: bytes, count: int, sealed: bytes, also: bytes) -> bytes:
        try:
            return bytes(aes_decrypt_gcm(sealed, key=key, iv=_nonce(count), aad=also))
        except (InvalidTag, ValueError):
            raise Refused("a frame that does not decrypt") from None

    @staticmethod
    def _parsed(message: bytes) -> Any:
        try:
            return proto.HandshakeMessage.FromString(message)
        except DecodeError:
            raise Refused("not a message of the handshake") from None
