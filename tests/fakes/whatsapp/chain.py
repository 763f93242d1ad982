"""The certificates that a server of WhatsApp shows in its Noise handshake, signed by a root of the tests' own."""

from __future__ import annotations

import time
from typing import Any

from pyaileys.auth.creds import KeyPair
from pyaileys.constants import WA_CERT_PUBLIC_KEY
from pyaileys.crypto import DefaultCurve25519Provider
from pyaileys.proto import WAProto_pb2 as proto

curve = DefaultCurve25519Provider()
"""X25519, and signatures as Signal makes them."""

REAL_ROOT = bytes(WA_CERT_PUBLIC_KEY)
"""What the library is built with."""


class Root:
    """`public` takes the place of the key inside the library; nothing but tests ever has it."""

    def __init__(self) -> None:
        self._key: KeyPair = curve.generate_keypair()

    @property
    def public(self) -> bytes:
        """32 bytes."""
        return self._key.public

    def chain(self, leaf: bytes, *, begins: float | None = None, ends: float | None = None) -> bytes:
        """A CertChain for a server whose static Noise key is `leaf`. Times in Unix seconds; an hour ago, and in a day."""
        now = int(time.time())
        window = {
            "notBefore": now - 3600 if begins is None else int(begins), "notAfter": now + 86400 if ends is None else int(ends),
        }  # fmt: skip
        intermediate: KeyPair = curve.generate_keypair()

        def signed(signer: KeyPair, **details: Any) -> Any:
            raw = proto.CertChain.NoiseCertificate.Details(**details, **window).SerializeToString()
            return proto.CertChain.NoiseCertificate(details=raw, signature=curve.sign(signer.private, raw))

        chain = proto.CertChain(
            intermediate=signed(self._key, serial=1, issuerSerial=0, key=intermediate.public),
            leaf=signed(intermediate, serial=2, issuerSerial=1, key=leaf),
        )
        return bytes(chain.SerializeToString())
