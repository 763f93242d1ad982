"""Cases of one client with the library's place taken by `Library`: run by test_client.py, in a process that may load neonize.

What WhatsApp does at will is in the tests on the double; here is what it does rarely, at once, or too often.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import neonize.events as ev
import pytest
from neonize.proto.Neonize_pb2 import JID
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message
from ryze_tui.backend.engine.whatsapp.frames import Ask, Dial, Drop, Frame, Pair, Pong, Taken
from ryze_tui.backend.engine.whatsapp.worker import client as module
from ryze_tui.backend.engine.whatsapp.worker import convert, sessions
from ryze_tui.backend.engine.whatsapp.worker.client import Client
from ryze_tui.backend.engine.whatsapp.worker.sessions import Sessions

ME = convert.to_jid("5511999990000@s.whatsapp.net")
ME_HIDDEN = convert.to_jid("77@lid")
GROUP = "120363@g.us"


class Library:
    """neonize's client and its Go part, as far as ours uses them; what happens is said with `happens`."""

    last: Library

    def __init__(self, name: str, *, uuid: str, props: Any) -> None:
        Library.last = self
        self.name, self.uuid, self.props = name, uuid, props
        self.handlers: dict[Any, Callable[..., Any]] = {}
        self.event = _Events(self.handlers)
        self._stop_finalizer = SimpleNamespace(detach=lambda: None)
        self.line: asyncio.Task[None] | None = None
        self.over = asyncio.Event()
        self.lets_go = True
        self.proxies: list[Any] = []
        self.names = ["Shop"]
        self.asked_me = 0
        self.picture: str | Exception = "https://pictures.invalid/1"
        self.pictures = 0
        self.group = asyncio.Event()
        self.codes: list[str] = []
        self.code: str | Exception = "ABCD1234"
        self.still_connected = 0

    async def connect(self, proxy: Any) -> asyncio.Task[None]:
        self.proxies.append(proxy)
        self.line = asyncio.get_running_loop().create_task(self._run())
        return self.line

    async def _run(self) -> None:
        await self.over.wait()

    async def happens(self, kind: Any, event: Any = None) -> None:
        await self.handlers[kind](self, event)
        await settle()

    async def get_me(self) -> Any:
        self.asked_me += 1
        name = self.names.pop(0) if len(self.names) > 1 else self.names[0]
        return SimpleNamespace(PushName=name, JID=ME, LID=ME_HIDDEN, BussinessName="")

    async def get_profile_picture(self, _who: JID) -> Any:
        self.pictures += 1
        if isinstance(self.picture, Exception):
            raise self.picture
        return SimpleNamespace(URL=self.picture)

    async def get_group_info(self, _group: JID) -> Any:
        await self.group.wait()
        return SimpleNamespace(GroupName=SimpleNamespace(Name="Bakers"))

    async def set_proxy_address(self, address: str) -> None:
        self.proxies.append(address)

    async def PairPhone(self, number: str, *_more: Any) -> str:
        self.codes.append(number)
        if isinstance(self.code, Exception):
            raise self.code
        return self.code

    # -- its Go part -----------------------------------------------------------------------------------------------------

    @staticmethod
    def Stop(_uuid: bytes) -> None:
        library = Library.last
        if library.lets_go and library.line is not None:
            library.line.get_loop().call_soon_threadsafe(library.over.set)

    @staticmethod
    def IsConnected(_uuid: bytes) -> bool:
        Library.last.still_connected -= 1
        return Library.last.still_connected >= 0


class _Events:
    """neonize's registry: `event.qr(handler)`, `event(kind)(handler)`."""

    def __init__(self, handlers: dict[Any, Callable[..., Any]]) -> None:
        self._handlers = handlers

    def qr(self, handler: Callable[..., Any]) -> None:
        self._handlers["qr"] = handler

    def __call__(self, kind: Any) -> Callable[[Callable[..., Any]], None]:
        return lambda handler: self._handlers.__setitem__(kind, handler)


class Told:
    """A channel that remembers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[tuple[int, str]] = []

    def event(self, _link: str, _attempt: int, what: str, data: dict[str, Any]) -> None:
        self.events.append((what, data))

    def answer(self, number: int, error: str = "", _data: dict[str, Any] | None = None, _blob: bytes = b"") -> None:
        self.answers.append((number, error))

    @property
    def words(self) -> list[str]:
        return [what for what, _ in self.events]

    def of(self, what: str) -> list[dict[str, Any]]:
        return [data for word, data in self.events if word == what]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    """For what passes through a thread."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "NewAClient", Library)
    monkeypatch.setattr(module, "gocode", Library)
    yield


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def session(tmp_path: Path) -> str:
    """A file with a device in it."""
    path = tmp_path / "a.session"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE whatsmeow_device (jid TEXT)")
        database.execute("INSERT INTO whatsmeow_device VALUES ('1')")
        database.commit()
    return str(path)


def pair(path: Path, number: str = "") -> Pair:
    return Pair("a", 1, str(path / "a.session"), number, 0, "")


async def dialled(told: Told, session: str, *, history: int = 0) -> tuple[Client, Library]:
    client = Client(told, Dial("a", 1, session, history, ""))  # type: ignore[arg-type]
    await client.start()
    await settle()
    return client, Library.last


async def online(told: Told, session: str, *, history: int = 0) -> tuple[Client, Library]:
    client, library = await dialled(told, session, history=history)
    await library.happens(ev.ConnectedEv)
    assert told.words[:1] == ["up"]
    return client, library


def message(ident: str, text: str = "hi", chat: str = "5511777770001@s.whatsapp.net") -> Any:
    event = ev.MessageEv(Message=Message(conversation=text))
    event.Info.ID, event.Info.Timestamp, event.Info.Pushname = ident, 1_800_000_000, "Ana"
    event.Info.Type = event.Info.Category = event.Info.MediaType = ""
    source = event.Info.MessageSource
    source.Chat.CopyFrom(convert.to_jid(chat))
    source.Sender.CopyFrom(convert.to_jid("5511777770001@s.whatsapp.net"))
    source.IsFromMe, source.IsGroup = False, chat.endswith("@g.us")
    return event


def receipt(kind: int = 4, ident: str = "m1") -> Any:
    event = ev.ReceiptEv(Type=kind, Timestamp=1_800_000_000)
    event.MessageIDs.append(ident)
    event.MessageSource.Chat.CopyFrom(convert.to_jid("5511777770001@s.whatsapp.net"))
    event.MessageSource.Sender.CopyFrom(convert.to_jid("5511777770001@s.whatsapp.net"))
    event.MessageSource.IsFromMe = event.MessageSource.IsGroup = False
    return event


def offer(ident: str) -> Any:
    event = ev.CallOfferEv()
    event.basicCallMeta.callID, event.basicCallMeta.timestamp = ident, 1_800_000_000
    getattr(event.basicCallMeta, "from").CopyFrom(convert.to_jid("5511777770001@s.whatsapp.net"))
    event.basicCallMeta.callCreator.CopyFrom(convert.to_jid("5511777770001@s.whatsapp.net"))
    return event


# -- dialling ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", ["nothing", "no table", "no device"])
async def test_without_a_device_nothing_is_dialled(told: Told, tmp_path: Path, there: str) -> None:
    """The library would begin a pairing."""
    path = tmp_path / "a.session"
    if there != "nothing":
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE " + ("whatsmeow_device" if there == "no device" else "other") + " (jid TEXT)")
            database.commit()
    client, library = await dialled(told, str(path))
    assert told.words == ["gone"] and library.line is None
    assert await client.stop()


async def test_a_qr_code_where_a_session_was_dialled_says_that_it_is_gone(told: Told, session: str) -> None:
    _, library = await dialled(told, session)
    await library.happens("qr", b"2@abc")
    assert told.events == [("gone", {})] and len(library.proxies) == 1


async def test_how_the_line_ends(told: Told, session: str) -> None:
    client, library = await dialled(told, session)
    assert library.line is not None
    library.line.cancel()
    await settle()
    assert told.words == [], "it was ended by us"
    await client.start()
    library.over.set()
    await settle()
    assert told.events == [("failed", {"text": "the library gave the session up"})]


async def test_a_line_that_breaks_says_why(told: Told, session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_self: Library) -> None:
        raise OSError("no route")

    monkeypatch.setattr(Library, "_run", broken)
    await dialled(told, session)
    assert told.events == [("failed", {"text": "no route"})]


async def test_a_client_that_does_not_let_go_is_said_to(told: Told, session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.01)
    client, library = await online(told, session)
    library.lets_go = False
    before = list(told.events)
    assert not await client.stop()
    await library.happens(ev.DisconnectedEv)
    assert told.events == before, "nothing more is told"
    library.lets_go = True
    assert await client.stop()


# -- pairing -------------------------------------------------------------------------------------------------------------


async def test_codes_are_told_one_after_the_other_and_the_library_dials_no_more(told: Told, tmp_path: Path) -> None:
    client = Client(told, pair(tmp_path))  # type: ignore[arg-type]
    await client.start()
    library = Library.last
    for text in (b"2@abc", b"2@def\xff"):
        await library.happens("qr", text)
    assert told.of("qr") == [{"code": "2@abc"}, {"code": "2@def\ufffd"}]
    assert len(library.proxies) == 2 and library.proxies[1].startswith("http://127.0.0.1:") and library.codes == []


@pytest.mark.parametrize(("answer", "event"), [
    ("ABCD1234", ("code", {"code": "ABCD1234"})),
    (RuntimeError("rate-overlimit"), ("code_refused", {"text": "rate-overlimit"})),
])  # fmt: skip
async def test_a_code_is_asked_for_once(told: Told, tmp_path: Path, answer: Any, event: Any) -> None:
    client = Client(told, pair(tmp_path, "5511999990000"))  # type: ignore[arg-type]
    await client.start()
    library = Library.last
    library.code = answer
    await library.happens("qr", b"2@abc")
    await library.happens("qr", b"2@def")
    assert [one for one in told.events if one[0] != "qr"] == [event] and library.codes == ["5511999990000"]


async def test_a_pairing_is_settled_when_its_connection_has_ended(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    client = Client(told, pair(tmp_path))  # type: ignore[arg-type]
    await client.start()
    library = Library.last
    library.still_connected = 3
    done = ev.PairStatusEv(ID=ME, BusinessName="", Platform="android", Status=ev.PairStatusEv.SUCCESS)
    await library.happens(ev.PairStatusEv, done)
    await until(lambda: told.words == ["paired", "settled"])
    assert told.of("paired") == [{"jid": "5511999990000@s.whatsapp.net", "business": "", "platform": "android"}]
    assert library.still_connected == -1


async def test_a_pairing_that_failed_and_one_that_connected_at_once(told: Told, tmp_path: Path) -> None:
    client = Client(told, pair(tmp_path))  # type: ignore[arg-type]
    await client.start()
    library = Library.last
    await library.happens(ev.PairStatusEv, ev.PairStatusEv(Status=ev.PairStatusEv.ERROR))
    await library.happens(ev.ConnectedEv)
    name = ctypes.create_string_buffer(b"timeout")
    client._login(0, ctypes.addressof(name))
    await settle()
    assert told.events == [("login", {"name": "error"}), ("settled", {}), ("login", {"name": "timeout"})]


# -- coming up -----------------------------------------------------------------------------------------------------------


async def test_what_happens_before_it_is_up_is_told_after_it_in_order_and_never_without_end(
    told: Told, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD_MOST", 2)
    client, library = await dialled(told, session)
    for ident in ("one", "two", "three"):
        await library.happens(ev.ReceiptEv, receipt(ident=ident))
    await library.happens(ev.MessageEv, message("m1"))
    await library.happens(ev.ReceiptEv, receipt(kind=10))  # of no kind that we tell
    assert told.words == []
    await library.happens(ev.ConnectedEv)
    assert [(what, data.get("id") or data.get("ids")) for what, data in told.events if what in ("message", "receipt")] == [
        ("message", "m1"), ("receipt", ["one"]), ("receipt", ["two"])]  # fmt: skip
    assert await client.stop()


async def test_a_name_that_never_comes_and_a_line_that_breaks_while_it_is_awaited(
    told: Told, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NAME_TRIES", 2)
    _, library = await dialled(told, session)
    library.names = [""]
    await library.happens(ev.ConnectedEv)
    await library.happens(ev.DisconnectedEv)
    await until(lambda: library.asked_me == 2)
    await settle()
    assert told.words == ["down"], "of a line that is gone nobody says that it is up"
    await library.happens(ev.ConnectedEv)
    await until(lambda: "up" in told.words)
    assert told.of("up") == [{"jid": "5511999990000@s.whatsapp.net", "name": "", "business": ""}]


async def test_the_wait_for_the_own_name_ends(told: Told, session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NAME_PATIENCE", 1)
    client, library = await dialled(told, session)
    library.names = [""]
    await client.named()
    assert library.asked_me == 1


async def test_the_picture_follows_the_own_number_and_nobody_elses(told: Told, session: str) -> None:
    _, library = await online(told, session)
    library.picture = RuntimeError("that user does not have a profile picture")
    await library.happens(ev.PictureEv, ev.PictureEv(JID=ME_HIDDEN))
    await library.happens(ev.PictureEv, ev.PictureEv(JID=convert.to_jid("5511777770001@s.whatsapp.net")))
    library.picture = RuntimeError("timed out")
    await library.happens(ev.PictureEv, ev.PictureEv(JID=ME))
    assert told.of("profile") == [{"picture": "https://pictures.invalid/1"}, {"picture": ""}] and library.pictures == 3


# -- traffic -------------------------------------------------------------------------------------------------------------


async def test_what_waits_for_its_groups_name_when_the_line_breaks_is_told_once_it_is_up_again(told: Told, session: str) -> None:
    _, library = await online(told, session)
    left = ev.GroupInfoEv(JID=convert.to_jid(GROUP), Timestamp=1_800_000_000)
    left.Leave.append(convert.to_jid("5511777770001@s.whatsapp.net"))
    await library.happens(ev.MessageEv, message("m1", chat=GROUP))
    await library.happens(ev.GroupInfoEv, left)
    await library.happens(ev.DisconnectedEv)
    library.group.set()
    await settle()
    assert not told.of("message") and not told.of("group")
    await library.happens(ev.ConnectedEv)
    assert [(data["id"], data["chat_name"]) for data in told.of("message")] == [("m1", "Bakers")]
    assert [(data["type"], data["name"]) for data in told.of("group")] == [("left", "Bakers")]


async def test_only_its_own_attempt_takes_a_message(told: Told, session: str) -> None:
    client, library = await online(told, session)
    await library.happens(ev.MessageEv, message("m1"))
    number = told.of("message")[0]["unsaved"]
    kept = Path(session).parent / "a.unsaved"
    assert any(one.stat().st_size for one in kept.parent.iterdir() if "unsaved" in one.name)
    client.taken(Taken("a", 2, number))
    assert list(client._unsaved.waiting) == [number]
    client.taken(Taken("a", 1, number))
    assert not client._unsaved.waiting


async def test_a_message_without_words_is_none_and_what_cannot_be_read_costs_only_itself(
    told: Told, session: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, library = await online(told, session)
    empty = message("m1")
    empty.Message.Clear()
    await library.happens(ev.MessageEv, empty)
    await library.happens(ev.MessageEv, SimpleNamespace())
    await library.happens(ev.MessageEv, message("m2"))
    assert [data["id"] for data in told.of("message")] == ["m2"]
    assert capsys.readouterr().err == "an event Message could not be read: AttributeError\n"


async def test_what_can_be_answered_is_not_kept_for_ever(told: Told, session: str) -> None:
    client, library = await online(told, session)
    for number in range(102):
        await library.handlers[ev.CallOfferEv](library, offer(f"c{number}"))
    for number in range(502):
        client.remember(f"m{number}", "ana", b"x" * (65536 if number == 501 else 1))
    assert len(client.calls) == 100 and "c1" not in client.calls and "c101" in client.calls
    assert len(client.seen) == 500 and "m1" not in client.seen
    assert client.seen["m500"] == ("ana", b"x") and client.seen["m501"] == ("ana", b""), "what is large is not kept whole"
    assert len(told.of("call")) == 102


async def test_old_messages_come_slowly(told: Told, session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HISTORY_BATCH", 2)
    monkeypatch.setattr(module, "HISTORY_PAUSE", 0.0)
    _, library = await dialled(told, session, history=100_000)
    assert library.props.historySyncConfig.fullSyncDaysLimit == 100_000
    event = ev.HistorySyncEv()
    talk = event.Data.conversations.add()
    talk.ID = "5511777770001@s.whatsapp.net"
    for number in range(5):
        one = talk.messages.add().message
        one.key.ID, one.messageTimestamp = f"m{number}", 1_800_000_000 + number
        one.message.CopyFrom(Message(conversation="hi"))
    await library.happens(ev.HistorySyncEv, event)
    assert told.words == [], "before it is up there is nobody whose they are"
    await library.happens(ev.ConnectedEv)
    assert [data["id"] for data in told.of("history")] == ["m0", "m1", "m2", "m3", "m4"]


# -- several links of one worker -----------------------------------------------------------------------------------------


async def drained(made: Sessions) -> None:
    while made._tasks:
        await asyncio.wait(set(made._tasks))


async def test_frames_for_nobody_do_no_harm(told: Told, session: str) -> None:
    made = Sessions(told)  # type: ignore[arg-type]
    frames: list[Frame] = [Taken("a", 1, 1), Drop("a"), Pong(1), Ask(7, "a", "send", {}, b"")]
    for frame in frames:
        made.take(frame)
    await drained(made)
    assert told.answers == [(7, "the instance is not connected")] and told.events == []


async def test_a_new_frame_takes_the_place_of_the_old_client(told: Told, session: str) -> None:
    made = Sessions(told)  # type: ignore[arg-type]
    for attempt in (1, 2):
        made.take(Dial("a", attempt, session, 0, ""))
    await drained(made)
    assert list(made._clients) == ["a"] and Library.last.uuid == "a.2" and told.words == []
    made.take(Drop("a"))
    await drained(made)
    assert not made._clients


async def test_with_too_many_that_do_not_let_go_the_worker_ends(
    told: Told, session: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends: list[int] = []
    monkeypatch.setattr(module, "STOP_SECONDS", 0.0)
    monkeypatch.setattr(sessions, "STUCK_MOST", 1)
    monkeypatch.setattr("os._exit", ends.append)
    made = Sessions(told)  # type: ignore[arg-type]
    for attempt in range(1, 4):
        made.take(Dial("a", attempt, session, 0, ""))
        await drained(made)
        Library.last.lets_go = False
    assert ends == [5] and "do not let go" in capsys.readouterr().err
