"""One line of one client: the handshake, the frames, its login or its pairing."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from .answers import answer
from .carrying import carry, carry_receipt
from .device import Device
from .nodes import SERVER, Node, at, content, decode, encode, node, now, shown
from .noise import Frames, Noise, Refused, frame
from .phone import PairingRefused, Phone, TypedCode

if TYPE_CHECKING:
    from .double import WhatsAppDouble

ANSWER_SECONDS = 20.0


class Link:
    """`refs`: those of the QR texts that can be scanned now; `number`: who asked for a code; `device` once it has logged in."""

    def __init__(self, double: WhatsAppDouble, socket: ServerConnection) -> None:
        self.double, self._socket = double, socket
        self.refs: list[bytes] = []
        self.number, self.device = "", None  # type: str, Device | None
        self.ended = asyncio.Event()
        self._code: Node | None = None
        self._code_ref, self._refused = b"", False
        self._noise: Noise | None = None
        self._client, self._identity = b"", b""
        self._waiting: dict[str, asyncio.Future[Node]] = {}
        self._finish: asyncio.Future[Node] | None = None
        self._sending = asyncio.Lock()  # the order of the counters is the order on the wire
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def _deaf(self) -> bool:
        """Who was refused asks once more what it had asked before its line broke; who was unlinked sends stanzas of nobody."""
        device = self.device
        return self._refused or (device is not None and (device.mute or device not in self.double.devices))

    # ------------------------------------------------------------------ the wire

    async def run(self) -> None:
        """Until it ends."""
        frames, noise, step = Frames(), Noise(self.double.static, self.double.chain), 0
        try:
            async for data in self._socket:
                if self.double.silent:
                    continue
                assert isinstance(data, bytes)
                for body in frames.feed(data):
                    step += 1
                    if step == 1:
                        await self._socket.send(frame(noise.hello(body)))
                    elif step == 2:
                        self._client, payload = noise.finish(body)
                        self._noise = noise
                        await self._greet(payload)
                    else:
                        plain = noise.open(body)
                        if not self._deaf:
                            await self._heard(decode(plain))
        except (ConnectionClosed, Refused) as error:
            self.double.log(f"a line ended: {type(error).__name__} {error}")
        finally:
            self.ended.set()
            for task in list(self._tasks):
                task.cancel()
            for future in (*self._waiting.values(), self._finish):
                if future is not None:
                    future.cancel()
            if self.device is not None:
                self.device.went(self)

    async def send(self, stanza: Node) -> None:
        """One frame per message of the socket: clients misread a frame that is in two. Says nothing when the line has ended."""
        assert self._noise is not None
        async with self._sending:
            self.double.log(f"> {shown(stanza)}")
            try:
                await self._socket.send(frame(self._noise.seal(encode(stanza))))
            except ConnectionClosed:
                self.double.log("(it had ended)")

    async def ask(self, inside: Node, **attributes: object) -> Node:
        """A query of the server's and its answer. Raises TimeoutError; cancelled when the line ends."""
        number = self.double.next_id()
        self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.send(node("iq", [inside], from_=SERVER, id=number, type="set", **attributes))
                return await self._waiting[number]
        finally:
            del self._waiting[number]

    def cut(self) -> None:
        """Without a word."""
        self._socket.transport.abort()

    async def stream_error(self, code: int | None, *inside: Node) -> None:
        """The last stanza, then the end."""
        await self.send(node("stream:error", inside or None, code=code))
        await self.hang_up()

    async def hang_up(self) -> None:
        """Close, but give the client time: whatsmeow drops what it has not handled yet when the socket closes."""
        try:
            await asyncio.wait_for(self.ended.wait(), self.double.linger)
        except TimeoutError:
            await self._socket.close()

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Beside what is read; what it raises fails the test."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self.ended.is_set():
            self.double.fault(f"{type(error).__name__}: {error}")

    # ------------------------------------------------------------------- stanzas

    async def _greet(self, payload: Any) -> None:
        """The payload says who comes: a client to be paired, or a device."""
        if payload.HasField("devicePairingData"):
            self._identity = payload.devicePairingData.eIdent
            self.later(self.offer())
            return
        device = self.double.device(f"{payload.username}:{payload.device}@s.whatsapp.net")
        known = device is not None and device.noise == self._client
        refusal = self.double.refusal or (device.refusal if device and known else {"reason": 401, "location": "fake"})
        if refusal is not None:
            self._refused = True
            await self.send(node("failure", **refusal))
            self.later(self.hang_up())
            return
        assert device is not None
        if (older := device.link) is not None:  # the same session twice: the older one has to go
            older.later(older.stream_error(None, node("conflict", type="replaced")))
        self.device = device
        await device.came(self)

    async def _heard(self, stanza: Node) -> None:
        self.double.log(f"< {shown(stanza)}")
        if stanza.tag == "iq" and stanza.attrs.get("type") in ("result", "error"):
            future = self._waiting.get(stanza.attrs.get("id", ""))
            if future is not None and not future.done():
                future.set_result(stanza)
        elif stanza.tag == "iq":
            self.later(self._answer(stanza))
        elif self.device is not None:
            if stanza.tag == "message":
                self.later(carry(self.device, stanza))
            elif stanza.tag in ("receipt", "call"):
                await self.send(node("ack", class_=stanza.tag, id=stanza.attrs.get("id"), from_=stanza.attrs.get("to"),
                                     type=stanza.attrs.get("type")))  # fmt: skip
            if stanza.tag == "receipt":
                await carry_receipt(self.device, stanza)
            await self.device.tell(stanza)

    async def _answer(self, query: Node) -> None:
        if query.attrs.get("to") in self.double.mute_groups:
            return
        inside = await answer(self, query)
        kind = "error" if inside and inside[0].tag == "error" else "result"
        to = query.attrs.get("to", SERVER)
        await self.send(node("iq", inside or None, from_=SERVER if to == "s.whatsapp.net" else to,
                             id=query.attrs.get("id"), type=kind))  # fmt: skip

    # ------------------------------------------------------------------- pairing

    async def offer(self) -> None:
        """References for QR texts; for a second time: the client shows another text at once, and the old ones are no good."""
        self.refs = [b"2@" + base64.b64encode(secrets.token_bytes(60)) for _ in range(self.double.ref_count)]
        await self.ask(node("pair-device", [node("ref", ref) for ref in self.refs]), xmlns="md")

    async def pair(self, phone: Phone, secret: bytes, identity: bytes = b"") -> Device:
        """The phone agrees: pair-success, the client's signature, and the restart. Raises PairingRefused."""
        identity = identity or self._identity
        if phone.passkey:
            await self._want_passkey()
            raise PairingRefused("WhatsApp wants a passkey of this account")
        jid, lid = phone.next_device()
        reply = await self.ask(node("pair-success", [
            node("device-identity", phone.sign(identity, secret)), node("device", jid=jid, lid=lid),
            node("platform", name=phone.platform), *([node("biz", name=phone.business)] if phone.business else []),
        ]), xmlns="md", t=now())  # fmt: skip
        if reply.attrs.get("type") == "error":
            error = at(reply, "error")
            raise PairingRefused(f"the client refused: {error.attrs if error else reply.attrs}")
        if not phone.signed_by(identity, content(reply, "pair-device-sign", "device-identity")):
            raise PairingRefused("the client's signature is not good")
        device = Device(jid, lid, phone, self._client, identity)
        self.double.devices.append(device)
        if self.double.skip_restart:
            self.cut()
        else:
            self.later(self._restart())
        return device

    async def _want_passkey(self) -> None:
        """What an authenticator is to sign, in the words of WebAuthn. (whatsmeow pair-passkey.go)"""
        challenge = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
        options = {"challenge": challenge, "timeout": 60000, "rpId": "whatsapp.com", "allowCredentials": [],
                   "userVerification": "required", "extensions": {}}  # fmt: skip
        inside = node("passkey_request_options", json.dumps(options).encode())
        await self.send(node("notification", [inside], from_=SERVER, id=self.double.next_id(), type="passkey_prologue_request",
                             t=now()))  # fmt: skip

    async def _restart(self) -> None:
        await asyncio.sleep(self.double.restart_delay)
        await self.stream_error(515)

    def asked_for_code(self, hello: Node) -> list[Node]:
        """The first step of a pairing by code, from the client."""
        if self.double.code_refusal is not None:
            code, text = self.double.code_refusal
            return [node("error", code=code, text=text)]
        self.number = hello.attrs["jid"].split("@")[0]
        self._code, self._code_ref = hello, b"3@" + base64.b64encode(secrets.token_bytes(30))
        return [node("link_code_companion_reg", [node("link_code_pairing_ref", self._code_ref)], stage="companion_hello")]

    def finished_code(self, finish: Node) -> list[Node]:
        """The last step, from the client."""
        if self._finish is not None and not self._finish.done():
            self._finish.set_result(finish)
        return []

    async def type_code(self, phone: Phone, code: str) -> Device:
        """The phone's step between the two, and then the pairing. Raises PairingRefused, TimeoutError."""
        wrapped = content(self._code, "link_code_pairing_wrapped_companion_ephemeral_pub")
        typed = await asyncio.to_thread(TypedCode, phone, code, wrapped)
        self._finish = asyncio.get_running_loop().create_future()
        await self.send(node("notification", [node("link_code_companion_reg", [
            node("link_code_pairing_wrapped_primary_ephemeral_pub", typed.wrapped),
            node("primary_identity_pub", phone.identity.public),
            node("link_code_pairing_ref", self._code_ref),
        ], stage="primary_hello")], from_=SERVER, id=self.double.next_id(), type="link_code_companion_reg", t=now()))  # fmt: skip
        async with asyncio.timeout(ANSWER_SECONDS):
            finish = await self._finish
        identity = content(finish, "companion_identity_public")
        secret = typed.secret(content(finish, "link_code_pairing_wrapped_key_bundle"), identity)
        return await self.pair(phone, secret, identity)
