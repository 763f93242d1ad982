"""One neonize client: brought up, listened to, and let go of. What it tells is in translate.py's words."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import socket
import sqlite3
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import neonize.events as ev
from neonize._binder import ProxySettings, gocode
from neonize.aioze.client import NewAClient
from neonize.proto.waCompanionReg.WAWebProtobufsCompanionReg_pb2 import DeviceProps
from neonize.utils.enum import ClientName, ClientType
from neonize.utils.log import log as library_log

from ..frames import Dial, Pair, Taken
from ..sessions import unsaved_of
from . import convert
from .channel import Channel
from .groups import Groups
from .unsaved import Unsaved

HELD_MOST: Final = 20_000
"""What may happen between the connection and the word that it is up."""
STOP_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.01
NAME_TRIES: Final = 10
NAME_PATIENCE: Final = 100
HISTORY_BATCH: Final = 50
HISTORY_PAUSE: Final = 0.25
"""Old messages come slowly: those that come now are not to wait behind them."""

library_log.setLevel(logging.ERROR)  # below that it writes QR codes
for _name in ("whatsmeow", "Whatsmeow", "neonize"):
    logging.getLogger(_name).setLevel(logging.ERROR)


def device_props(history: int) -> DeviceProps:
    """How the device shows itself, and how much it wants to know of what was said before."""
    props = DeviceProps(os="ryze-tui", platformType=DeviceProps.CHROME, requireFullSync=False)
    props.historySyncConfig.fullSyncDaysLimit = max(0, history)
    props.historySyncConfig.recentSyncDaysLimit = max(0, history)
    return props


class Client:
    """Of one Pair or Dial frame. `start` returns when it is on its way."""

    def __init__(self, channel: Channel, frame: Pair | Dial) -> None:
        self._channel, self._frame = channel, frame
        self._loop = asyncio.get_running_loop()
        self._held: list[tuple[str, dict[str, Any]]] | None = []
        self._silent = self._asked_code = False
        self._open = asyncio.Event()
        self._nowhere: socket.socket | None = None
        self._ups = 0
        self._own: frozenset[str] = frozenset()
        self._task: asyncio.Task[Any] | None = None
        self._more: set[asyncio.Task[None]] = set()
        self.seen: dict[str, tuple[str, bytes]] = {}
        """Messages that may be answered: id -> who wrote it, and what."""
        self.calls: dict[str, Any] = {}
        """Calls by id -> the caller exactly as WhatsApp names it, which is what a rejection must say."""
        self.groups = Groups(self._subject, self._pass_on, self._later)
        path = Path(frame.path)
        self._unsaved = Unsaved(unsaved_of(path))
        os.chdir(path.parent)  # the library takes a path as part of a URL: a bare name holds nothing that would mean something
        self.uuid = f"{frame.link}.{frame.attempt}"
        self.api = NewAClient(path.name, uuid=self.uuid, props=device_props(frame.history))
        self.api._stop_finalizer.detach()  # it would block the loop whenever the collector runs
        self._listen()

    # -- its life ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Dial."""
        if isinstance(self._frame, Dial) and not _has_device(Path(self._frame.path)):
            self.tell("gone", {})  # the library would begin a pairing
            return
        if isinstance(self._frame, Dial):
            self._unsaved.open()
        proxy = ProxySettings(self._frame.proxy) if self._frame.proxy else None
        self._task = await self.api.connect(proxy)
        self._task.add_done_callback(self._ended)

    def hush(self) -> None:
        """Nothing more is told."""
        self._silent = True

    async def stop(self) -> bool:
        """Let go; False when it does not within `STOP_SECONDS`."""
        self._silent = True
        for task in self._more:
            task.cancel()
        if self._task is None or self._task.done():
            self._unsaved.close()
            return True
        await asyncio.to_thread(gocode.Stop, self.uuid.encode())
        done, _ = await asyncio.wait({self._task}, timeout=STOP_SECONDS)
        self._unsaved.close()
        return bool(done)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        self.tell("failed", {"text": str(error) if error is not None else "the library gave the session up"})

    def tell(self, what: str, data: dict[str, Any]) -> None:
        """In the loop only."""
        if not self._silent:
            self._channel.event(self._frame.link, self._frame.attempt, what, data)

    def _tell_link(self, what: str, make: Callable[[Any], dict[str, Any]], event: Any) -> None:
        self.tell(what, make(event))

    def _tell_made(self, what: str, make: Callable[[Any], dict[str, Any] | None], event: Any) -> None:
        self._tell_traffic(what, make(event))

    def _tell_traffic(self, what: str, data: dict[str, Any] | None) -> None:
        if data is None:
            return
        if self._held is None:
            self.groups.take(what, data)
        elif len(self._held) < HELD_MOST:
            self._held.append((what, data))

    # -- what it hears -------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        self.api.event.qr(self._qr)
        # There is no public way to learn how a pairing ended (neonize 0.5.2); it is called in a thread of the library's.
        self.api._NewAClient__onLoginStatus = self._login
        self._on(ev.PairStatusEv, self._paired)
        self._on(ev.ConnectedEv, self._connected)
        self._on(ev.DisconnectedEv, self._down)
        for kind, what, made in convert.LINK:
            self._on(kind, partial(self._tell_link, what, made))
        if isinstance(self._frame, Pair):
            return
        for kind, what, make in convert.TRAFFIC:
            self._on(kind, partial(self._tell_made, what, make))
        self._on(ev.MessageEv, self._message)
        self._on(ev.PictureEv, self._pictured)
        for kind in (ev.CallOfferEv, ev.CallOfferNoticeEv):
            self._on(kind, self._ringing)
        if self._frame.history > 0:
            self._on(ev.HistorySyncEv, self._history)

    def _on(self, kind: Any, handle: Callable[[Any], None]) -> None:
        async def handler(_client: Any, event: Any) -> None:
            try:
                handle(event)
            except Exception as error:  # noqa: BLE001 - a message that nobody thought of; the next is none the worse
                sys.stderr.write(f"an event {kind.__name__} could not be read: {type(error).__name__}\n")

        self.api.event(kind)(handler)

    async def _qr(self, _client: Any, text: bytes) -> None:
        if isinstance(self._frame, Dial):
            self.tell("gone", {})
            return
        if self._nowhere is None:
            await self._stay()
        self.tell("qr", {"code": text.decode("ascii", "replace")})
        if self._frame.number and not self._asked_code:
            self._asked_code = True
            try:
                code = await self.api.PairPhone(self._frame.number, True, ClientName.LINUX, ClientType.CHROME)
            except Exception as error:  # noqa: BLE001 - neonize raises what it likes
                self.tell("code_refused", {"text": str(error)})
            else:
                self.tell("code", {"code": str(code)})

    async def _stay(self) -> None:
        """Have the library dial no more: after the phone's yes it would log in at once, and be killed amid its first exchange.

        The connection that there is stays. A port that is bound and not listened to is one that nobody else can take.
        """
        self._nowhere = socket.socket()
        self._nowhere.bind(("127.0.0.1", 0))
        await self.api.set_proxy_address(f"http://127.0.0.1:{self._nowhere.getsockname()[1]}")

    def _login(self, _uuid: int, status: int) -> None:
        name = ctypes.string_at(status).decode("ascii", "replace")
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self.tell, "login", {"name": name})

    def _paired(self, event: Any) -> None:
        if event.Status != ev.PairStatusEv.SUCCESS:
            self.tell("login", {"name": "error"})
            return
        jid = convert.jid(event.ID)
        self.tell("paired", {"jid": jid, "business": event.BusinessName, "platform": event.Platform})
        self._later(self._settle())

    async def _settle(self) -> None:
        """Until WhatsApp has ended the connection of the pairing, which is when the session may go on elsewhere."""
        while await asyncio.to_thread(gocode.IsConnected, self.uuid.encode()):  # noqa: ASYNC110 - the library has no event for it
            await asyncio.sleep(LOOK_SECONDS)
        self.tell("settled", {})

    def _later(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._more.add(task)
        task.add_done_callback(self._more.discard)

    def _connected(self, _event: Any) -> None:
        self._ups += 1
        if isinstance(self._frame, Pair):
            self.tell("settled", {})
        else:
            self._later(self._up(self._ups))

    async def _up(self, number: int) -> None:
        """A device that was just linked learns its own name a moment later."""
        me = await self.api.get_me()
        for _ in range(NAME_TRIES):
            if me.PushName or self._ups != number:
                break
            await asyncio.sleep(0.1)
            me = await self.api.get_me()
        if self._ups != number:
            return
        self.tell("up", {"jid": convert.jid(me.JID), "name": me.PushName, "business": me.BussinessName})
        self._own = frozenset({convert.jid(me.JID), convert.jid(me.LID)})
        held, self._held = self._held or [], None
        self._open.set()
        self._later(self._portrait(me.JID))
        for data in list(self._unsaved.waiting.values()):
            self.groups.take("message", data)
        for what, data in held:
            self.groups.take(what, data)

    async def _portrait(self, me: Any) -> None:
        try:
            url = (await self.api.get_profile_picture(convert.to_jid(convert.jid(me)))).URL
        except Exception as error:  # noqa: BLE001 - neonize raises what it likes
            if "profile picture" not in str(error):  # that there is none is an answer as well
                return
            url = ""
        self.tell("profile", {"picture": url})

    def _pictured(self, event: Any) -> None:
        if convert.jid(event.JID) in self._own:
            self._later(self._portrait(event.JID))

    async def _subject(self, group: str) -> str:
        return str((await self.api.get_group_info(convert.to_jid(group))).GroupName.Name)

    def _pass_on(self, what: str, data: dict[str, Any]) -> None:
        """It has its group's name; the line may have broken meanwhile."""
        if self._held is None:
            self.tell(what, data)
        elif what != "message":  # which `_up` tells again
            self._tell_traffic(what, data)

    async def named(self) -> None:
        """Until the account's name is known, or that takes too long."""
        for _ in range(NAME_PATIENCE):
            if (await self.api.get_me()).PushName:
                return
            await asyncio.sleep(0.1)

    def _down(self, _event: Any) -> None:
        self._ups += 1
        self._held = self._held or []
        self._open.clear()
        self.tell("down", {})

    def _message(self, event: Any) -> None:
        data = convert.message(event)
        if data is None:
            return
        self.remember(event.Info.ID, data["sender"] or data["sender_lid"], event.Message.SerializeToString())
        kept = self._unsaved.add(data)
        if self._held is None:  # else `_up` tells it
            self.groups.take("message", kept)

    def taken(self, frame: Taken) -> None:
        """The server has a message on its disk."""
        if frame.attempt == self._frame.attempt:
            self._unsaved.taken(frame.number)

    def _ringing(self, event: Any) -> None:
        meta = event.basicCallMeta
        self.calls[meta.callID] = getattr(meta, "from")
        while len(self.calls) > 100:
            del self.calls[next(iter(self.calls))]
        self._tell_traffic("call", convert.call(event, "offer"))

    def remember(self, ident: str, sender: str, content: bytes) -> None:
        """So that it can be answered."""
        self.seen[ident] = (sender, content if len(content) < 65536 else b"")
        while len(self.seen) > 500:
            del self.seen[next(iter(self.seen))]

    def _history(self, event: Any) -> None:
        self._later(self._tell_history(convert.history(event, self._frame.history)))

    async def _tell_history(self, messages: list[dict[str, Any]]) -> None:
        await self._open.wait()
        for position, data in enumerate(messages):
            self.tell("history", data)
            if position % HISTORY_BATCH == HISTORY_BATCH - 1:
                await asyncio.sleep(HISTORY_PAUSE)


def _has_device(path: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=2)) as database:
            return database.execute("SELECT 1 FROM whatsmeow_device").fetchone() is not None
    except sqlite3.Error:
        return False
