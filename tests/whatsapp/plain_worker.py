"""A program around one neonize client and nothing else: commands come in lines of JSON at a descriptor, events go out there."""

from __future__ import annotations

import asyncio
import base64
import ctypes
import json
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from neonize._binder import ProxySettings
from neonize.aioze import events as kinds
from neonize.aioze.client import NewAClient
from neonize.proto import Neonize_pb2 as neonize
from neonize.utils.enum import Presence, ReceiptType
from neonize.utils.jid import build_jid

EVENTS = (
    "Connected", "Disconnected", "LoggedOut", "PairStatus", "StreamReplaced", "TemporaryBan", "ConnectFailure", "ClientOutdated",
    "StreamError", "CallOffer", "CallTerminate", "GroupInfo", "ChatPresence", "Message", "Receipt", "KeepAliveTimeout",
    "HistorySync",
)  # fmt: skip


class Worker:
    """The client and its line to the test."""

    def __init__(self, writer: asyncio.StreamWriter, database: str, proxy: str) -> None:
        self._writer, self._proxy = writer, proxy
        self._loop = asyncio.get_running_loop()
        self._messages: dict[str, Any] = {}
        self.client = NewAClient(database, uuid="plain")

        async def qr(_client: Any, text: bytes) -> None:
            self.tell("qr", text=text.decode())

        self.client.event.qr(qr)
        for kind in EVENTS:
            self.client.event(getattr(kinds, f"{kind}Ev"))(self._handler(kind))
        # there is no public way to hear how a pairing ended
        self.client._NewAClient__onLoginStatus = lambda _, status: self._loop.call_soon_threadsafe(
            lambda text: self.tell("status", text=text), ctypes.string_at(status).decode()
        )

    def _handler(self, kind: str) -> Any:
        async def handle(_client: Any, event: Message) -> None:
            what = kind
            if kind == "Message":
                self._messages[event.Info.ID] = event
                what = "Peer" if event.Info.Category == "peer" else kind
            self.tell(what, data=MessageToDict(event, preserving_proto_field_name=True))

        return handle

    def tell(self, what: str, **more: object) -> None:
        """A line to the test."""
        self._writer.write(json.dumps({"what": what, **more}).encode() + b"\n")

    async def do(self, number: int, name: str, more: dict[str, Any]) -> None:
        """One command and its result."""
        try:
            result = await getattr(self, f"do_{name}")(**more)
        except Exception as error:
            self.tell("failed", asked=number, kind=type(error).__name__, words=str(error))
        else:
            self.tell("done", asked=number, result=result)

    async def do_connect(self) -> None:
        """Its end is an event."""
        task = await self.client.connect(ProxySettings(proxy_address=self._proxy) if self._proxy else None)

        def ended(one: asyncio.Task[Any]) -> None:
            error = None if one.cancelled() else one.exception()
            self.tell("ended", kind=type(error).__name__ if error else "", words=str(error or ""))

        task.add_done_callback(ended)

    async def do_code(self, number: str) -> str:
        return str(await self.client.PairPhone(number, True))

    async def do_state(self) -> list[bool]:
        return [bool(await self.client.is_connected), bool(await self.client.is_logged_in)]

    async def do_text(self, to: str, text: str) -> str:
        return str((await self.client.send_message(_jid(to), text)).ID)

    async def do_image(self, to: str, data: str, caption: str) -> str:
        return str((await self.client.send_image(_jid(to), base64.b64decode(data), caption=caption)).ID)

    async def do_document(self, to: str, data: str, name: str) -> str:
        sent = await self.client.send_document(_jid(to), base64.b64decode(data), filename=name, mimetype="application/pdf")
        return str(sent.ID)

    async def do_download(self, id: str) -> str:
        return base64.b64encode(await self.client.download_any(self._messages[id].Message)).decode()

    async def do_read(self, id: str) -> None:
        source = self._messages[id].Info.MessageSource
        await self.client.mark_read(id, chat=source.Chat, sender=source.Sender, receipt=ReceiptType.READ)

    async def do_reject(self, caller: str, call_id: str) -> None:
        await self.client.reject_call(_jid(caller), call_id)

    async def do_presence(self) -> None:
        await self.client.send_presence(Presence.AVAILABLE)

    async def do_name(self) -> str:
        return str((await self.client.get_me()).PushName)

    async def do_picture(self, of: str) -> str:
        return str((await self.client.get_profile_picture(_jid(of))).URL)

    async def do_groups(self) -> list[list[str]]:
        return [[f"{one.JID.User}@{one.JID.Server}", one.GroupName.Name] for one in await self.client.get_joined_groups()]

    async def do_known(self, number: str) -> bool:
        return bool((await self.client.is_on_whatsapp(number))[0].IsIn)

    async def do_blocklist(self) -> str:
        return str(await self.client.get_blocklist())

    async def do_logout(self) -> None:
        await self.client.logout()

    async def do_reach(self, host: str, port: int) -> str:
        """What a connection there comes to."""
        try:
            with socket.create_connection((host, port), timeout=5):
                return ""
        except OSError as error:
            return type(error).__name__ if error.errno is None else str(os.strerror(error.errno))

    async def do_udp(self) -> str:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.sendto(b"x", ("192.0.2.1", 53))
        except OSError as error:
            return str(os.strerror(error.errno or 0))
        return ""


def _jid(text: str) -> neonize.JID:
    user, _, server = text.partition("@")
    return build_jid(user, server or "s.whatsapp.net")


async def main(descriptor: int, database: str, proxy: str) -> None:
    """Until the test closes the line."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(64))  # each connection keeps a thread for good
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=descriptor), limit=1 << 26)
    worker = Worker(writer, database, proxy)
    worker.tell("ready")
    running = set()
    while line := await reader.readline():
        said = json.loads(line)
        task = loop.create_task(worker.do(said.pop("asked"), said.pop("do"), said))
        running.add(task)
        task.add_done_callback(running.discard)


if __name__ == "__main__":
    async def whole() -> None:
        """asyncio.run would wait for the threads of a pairing that came to nothing, for ever."""
        await main(int(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
        os._exit(0)

    asyncio.run(whole())
