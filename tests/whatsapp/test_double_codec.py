"""The double's own parts, without the library: frames, Noise, certificates, stanzas, QR texts, codes, Signal and media."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyaileys.crypto import aes_encrypt_gcm, hkdf_sha256, sha256
from pyaileys.proto import WAProto_pb2 as proto

from tests.fakes.whatsapp.chain import Root, curve
from tests.fakes.whatsapp.device import Device
from tests.fakes.whatsapp.media import KINDS, Media
from tests.fakes.whatsapp.nodes import Node, at, bare, children, content, decode, encode, node, shown
from tests.fakes.whatsapp.noise import HEADER, Frames, Noise, Refused, frame
from tests.fakes.whatsapp.phone import PREFIX, PairingRefused, Phone, QrText, TypedCode
from tests.fakes.whatsapp.signal import Sessions, padded, unpadded

_ONE = ["message", "enc", "iq", "type", "result", "x-unknown", "5511999900001", "-12.5", "ABCDEF", "ação", "\N{WAVING HAND SIGN}"]
_WORDS = st.one_of(st.sampled_from(_ONE), st.text(min_size=1, max_size=300).filter(lambda text: "@" not in text))
_JIDS = st.builds(
    lambda user, device, server: f"{user}{device}@{server}", st.integers(1, 10**15),
    st.sampled_from(["", ":1", ":99"]), st.sampled_from(["s.whatsapp.net", "lid"]),
)  # fmt: skip
_ATTRIBUTES = st.dictionaries(_WORDS, st.one_of(_WORDS, _JIDS), max_size=4)
_NODES = st.recursive(
    st.builds(Node, _WORDS, _ATTRIBUTES, st.one_of(st.none(), st.binary(min_size=1))),
    lambda inside: st.builds(Node, _WORDS, st.dictionaries(_WORDS, _WORDS, max_size=2), st.lists(inside, min_size=1, max_size=4)),
    max_leaves=12,
)


@given(_NODES)
def test_a_stanza_comes_back_as_it_was(one: Node) -> None:
    assert decode(encode(one)) == one


def test_shown_stanzas_hold_no_bytes() -> None:
    assert shown(Node("x", {"id": "1"}, [Node("key", {}, b"secret"), Node("none", {})])) == "<x id='1'><key>[6]</><none/></>"


@given(st.lists(st.binary(max_size=2000), max_size=8), st.lists(st.integers(1, 700), min_size=1, max_size=20))
def test_frames_come_whole_however_the_stream_is_cut(bodies: list[bytes], cuts: list[int]) -> None:
    stream, frames, got, turn = HEADER + b"".join(map(frame, bodies)), Frames(), [], 0
    while stream:
        size = cuts[turn % len(cuts)]
        got += frames.feed(stream[:size])
        stream, turn = stream[size:], turn + 1
    assert got == bodies


@given(st.binary(min_size=4, max_size=50).filter(lambda data: data[:4] != HEADER))
def test_a_stream_that_is_not_a_clients_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="begins with"):
        list(Frames().feed(data))


def test_a_frame_has_a_limit() -> None:
    assert frame(bytes(300))[:3] == b"\x00\x01\x2c"
    with pytest.raises(ValueError, match="16777216 bytes"):
        frame(bytes(1 << 24))


class _Client:
    """The other side of the handshake, written down from the Noise framework and not from noise.py."""

    def __init__(self) -> None:
        self.static, self.ephemeral = curve.generate_keypair(), curve.generate_keypair()
        name = b"Noise_XX_25519_AESGCM_SHA256\x00\x00\x00\x00"
        self.salt, self.key, self.hash, self.count = name, name, sha256(name + HEADER), 0

    def mix(self, data: bytes) -> None:
        self.hash = sha256(self.hash + data)

    def agree(self, private: bytes, public: bytes) -> None:
        both = hkdf_sha256(ikm=curve.shared_key(private, public), length=64, salt=self.salt)
        self.salt, self.key, self.count = both[:32], both[32:], 0

    def open(self, sealed: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        plain = AESGCM(self.key).decrypt(self.count.to_bytes(12, "big"), sealed, self.hash)
        self.count += 1
        self.mix(sealed)
        return plain

    def seal(self, plain: bytes) -> bytes:
        sealed = aes_encrypt_gcm(plain, key=self.key, iv=self.count.to_bytes(12, "big"), aad=self.hash)
        self.count += 1
        self.mix(sealed)
        return bytes(sealed)

    def hello(self) -> bytes:
        self.mix(self.ephemeral.public)
        hello = proto.HandshakeMessage.ClientHello(ephemeral=self.ephemeral.public)
        return bytes(proto.HandshakeMessage(clientHello=hello).SerializeToString())

    def answer(self, message: bytes, payload: bytes) -> tuple[bytes, bytes, bytes]:
        """The server's static key, its certificates, and the ClientFinish."""
        hello = proto.HandshakeMessage.FromString(message).serverHello
        self.mix(hello.ephemeral)
        self.agree(self.ephemeral.private, hello.ephemeral)
        static = self.open(hello.static)
        self.agree(self.ephemeral.private, static)
        chain = self.open(hello.payload)
        own = self.seal(self.static.public)
        self.agree(self.static.private, hello.ephemeral)
        finish = proto.HandshakeMessage.ClientFinish(static=own, payload=self.seal(payload))
        return static, chain, bytes(proto.HandshakeMessage(clientFinish=finish).SerializeToString())


def _shaken() -> tuple[Noise, _Client, Any]:
    static, client = curve.generate_keypair(), _Client()
    server = Noise(static, b"certificates")
    payload = proto.ClientPayload(username=5511999900001, device=3).SerializeToString()
    shown_static, chain, finish = client.answer(server.hello(client.hello()), payload)
    assert (shown_static, chain) == (static.public, b"certificates")
    theirs, told = server.finish(finish)
    assert theirs == client.static.public
    return server, client, told


@settings(max_examples=20)
@given(st.lists(st.binary(max_size=300), max_size=5))
def test_both_sides_of_noise_agree(plain: list[bytes]) -> None:
    server, client, told = _shaken()
    assert (told.username, told.device) == (5511999900001, 3)
    keys = hkdf_sha256(ikm=b"", length=64, salt=client.salt)
    for count, data in enumerate(plain):
        sealed = aes_encrypt_gcm(data, key=keys[:32], iv=count.to_bytes(12, "big"), aad=b"")
        assert server.open(sealed) == data
        assert server.seal(data) == aes_encrypt_gcm(data, key=keys[32:], iv=count.to_bytes(12, "big"), aad=b"")


@settings(max_examples=30)
@given(st.binary(max_size=200))
def test_noise_refuses_whatever_is_no_handshake(data: bytes) -> None:
    server = Noise(curve.generate_keypair(), b"")
    with pytest.raises(Refused):
        server.hello(data)
    server, _, _ = _shaken()
    with pytest.raises(Refused):
        server.open(data)


def test_a_chain_is_signed_down_to_the_leaf() -> None:
    root, leaf = Root(), curve.generate_keypair().public
    chain = proto.CertChain.FromString(root.chain(leaf, begins=1000, ends=2000))
    middle = proto.CertChain.NoiseCertificate.Details.FromString(chain.intermediate.details)
    last = proto.CertChain.NoiseCertificate.Details.FromString(chain.leaf.details)
    assert curve.verify(root.public, chain.intermediate.details, chain.intermediate.signature)
    assert curve.verify(middle.key, chain.leaf.details, chain.leaf.signature)
    assert (last.key, last.issuerSerial, middle.issuerSerial) == (leaf, middle.serial, 0)
    assert (last.notBefore, last.notAfter, middle.notAfter) == (1000, 2000, 2000)
    assert not curve.verify(Root().public, chain.intermediate.details, chain.intermediate.signature)


_KEY = st.binary(min_size=32, max_size=32)


@given(st.text("abcdefXYZ0129+/=@", min_size=1, max_size=150), _KEY, _KEY, _KEY, st.sampled_from("19ce"), st.booleans())
def test_qr_texts_are_read(ref: str, noise: bytes, identity: bytes, secret: bytes, client: str, prefix: bool) -> None:
    keys = ",".join(base64.b64encode(key).decode() for key in (noise, identity, secret))
    read = QrText.parse((PREFIX if prefix else "") + f"{ref},{keys},{client}")
    assert read == QrText(ref.encode(), noise, identity, secret, client)
    assert QrText.parse(f"{ref},{keys}").client == ""


@given(st.text(max_size=200))
def test_other_texts_are_refused_in_words(text: str) -> None:
    with pytest.raises(PairingRefused):
        QrText.parse(text)


def test_what_a_client_signs_is_checked() -> None:
    phone, companion = Phone("5511999900001"), curve.generate_keypair()
    container = proto.ADVSignedDeviceIdentityHMAC.FromString(phone.sign(companion.public, bytes(32)))
    signed = proto.ADVSignedDeviceIdentity.FromString(container.details)
    assert signed.accountSignatureKey == phone.identity.public
    message = b"\x06\x01" + signed.details + companion.public + phone.identity.public
    signed.deviceSignature = curve.sign(companion.private, message)
    assert phone.signed_by(companion.public, signed.SerializeToString())
    signed.deviceSignature = curve.sign(curve.generate_keypair().private, message)
    assert not phone.signed_by(companion.public, signed.SerializeToString())


def test_a_code_that_is_another_does_not_open_the_bundle() -> None:
    phone = Phone("5511999900001")
    typed = TypedCode(phone, "abcd-1234", bytes(80))
    assert len(typed.wrapped) == 80
    with pytest.raises(PairingRefused, match="not the code"):
        typed.secret(bytes(156), bytes(32))


@given(st.binary(max_size=100))
def test_padding_goes_on_and_off(data: bytes) -> None:
    assert unpadded(padded(data)) == data and 1 <= len(padded(data)) - len(data) <= 16


@pytest.mark.parametrize("data", [b"", b"x\x00", b"x\x03\x03", b"\x11" * 17])
def test_padding_that_is_none(data: bytes) -> None:
    with pytest.raises(ValueError, match="padding"):
        unpadded(data)


async def _key_upload(sessions: Sessions) -> Node:
    """What a client uploads, from the other end's own bundle."""
    parts = {one.tag: one for one in await sessions.bundle()}
    return node("iq", [parts["registration"], parts["identity"], node("list", [parts["key"]]), parts["skey"]])


@pytest.mark.parametrize("one_time", [True, False], ids=["with a one-time key", "when they are used up"])
async def test_two_ends_understand_each_other(one_time: bool) -> None:
    here, there = Sessions(), Sessions()
    of_there = Device("2:1@s.whatsapp.net", "2:1@lid", Phone("2222222"), b"", b"")
    of_there.upload(await _key_upload(there))
    if not one_time:
        assert of_there.take_key() is not None and of_there.take_key() is None
    of_here = Device("1@s.whatsapp.net", "1:0@lid", Phone("1111111"), b"", b"")
    for turn in range(3):
        enc = await here.encrypt(of_there, proto.Message(conversation=f"to {turn}"))
        assert enc.attrs["type"] == ("msg" if turn else "pkmsg")
        assert (await there.decrypt(of_here, enc)).conversation == f"to {turn}"
        enc = await there.encrypt(of_here, proto.Message(conversation=f"back {turn}"))
        assert (await here.decrypt(of_there, enc)).conversation == f"back {turn}"
    for turn in range(3):
        encs = await here.encrypt_for_group("9@g.us", "1@lid", of_there, proto.Message(conversation=f"all {turn}"))
        assert [one.attrs["type"] for one in encs] == (["skmsg"] if turn else ["msg", "skmsg"])
        assert [(await there.decrypt(of_here, one, "9@g.us")).conversation for one in encs][-1] == f"all {turn}"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.booleans(), max_size=8))
def test_two_ends_that_begin_at_once_understand_each_other(turns: list[bool]) -> None:
    async def talk() -> None:
        here, there = Sessions(), Sessions()
        of_here = Device("1:1@s", "1:1@lid", Phone("1111111"), b"", b"")
        of_there = Device("2:1@s", "2:1@lid", Phone("2222222"), b"", b"")
        of_here.upload(await _key_upload(here))
        of_there.upload(await _key_upload(there))
        out = await here.encrypt(of_there, proto.Message(conversation="from here"))
        back = await there.encrypt(of_here, proto.Message(conversation="from there"))
        assert (out.attrs["type"], back.attrs["type"]) == ("pkmsg", "pkmsg")
        assert (await there.decrypt(of_here, out)).conversation == "from here"
        assert (await here.decrypt(of_there, back)).conversation == "from there"
        for turn, forth in enumerate(turns):
            sender, hearer, of_hearer, of_sender = (
                (here, there, of_there, of_here) if forth else (there, here, of_here, of_there)
            )
            enc = await sender.encrypt(of_hearer, proto.Message(conversation=f"{turn}"))
            assert (await hearer.decrypt(of_sender, enc)).conversation == f"{turn}"

    asyncio.run(talk())


@settings(max_examples=15)
@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=5000))
def test_media_come_back_as_they_were(kind: str, data: bytes) -> None:
    media = Media()
    message = proto.Message(**{KINDS[kind].field: media.keep(data, kind, mimetype="a/b")})
    carried = media.carried(message)
    assert carried is not None and (carried.kind, carried.data, carried.part.mimetype) == (kind, data, "a/b")
    assert media.carried(proto.Message(conversation="none")) is None


async def test_the_store_speaks_http() -> None:
    media = Media()
    server = await asyncio.start_server(media.serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    path = media.plain(b"a picture")
    for request, status, body in (
        (f"GET {path} HTTP/1.1\r\n\r\n", 200, b"a picture"), ("GET /v/none HTTP/1.1\r\n\r\n", 404, b""),
        ("POST /elsewhere HTTP/1.1\r\nContent-Length: 2\r\n\r\nxx", 404, b""),
    ):  # fmt: skip
        writer.write(request.encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert head.startswith(f"HTTP/1.1 {status} ") and f"Content-Length: {len(body)}" in head
        assert await reader.readexactly(len(body)) == body
    writer.close()
    server.close()


def test_stanzas_are_read_in_words() -> None:
    one = node("iq", [node("a", [node("b", b"data", call_id="1")])], from_="x", nothing=None)
    assert one.attrs == {"from": "x"} and children(at(one, "a", "b") or one) == []
    assert content(one, "a", "b") == b"data" and at(one, "a", "b").attrs == {"call-id": "1"}  # type: ignore[union-attr]
    assert at(one, "a", "c", "d") is None and bare("55:3@s.whatsapp.net") == "55@s.whatsapp.net"
    with pytest.raises(KeyError, match="no bytes at a/c"):
        content(one, "a", "c")
