"""Pictures of every screen in every state, at 80x24 and 120x40, the main screen at 50x30 too.

After a change: look at the pictures (`make screenshots`, or the report of the failing test), then `--snapshot-update`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ryze_tui import config
from ryze_tui.api.errors import Refused
from ryze_tui.api.events import Event
from ryze_tui.api.instance import Instance
from ryze_tui.console.app import RyzeConsole
from ryze_tui.console.editor import Returned
from ryze_tui.fleet.evidence import Listed
from ryze_tui.fleet.freshness import Link
from ryze_tui.i18n import _, n_
from ryze_tui.operations.audit import record
from ryze_tui.operations.bulk.plan import Entry, Job, Pace
from ryze_tui.operations.bulk.record import Record, path_of
from ryze_tui.operations.permits import ServerInfo
from ryze_tui.pairing.flow import View
from textual.pilot import Pilot

from tests.fakes.blocks import FakeBlocks

from .bulks import BulkServer
from .conftest import screen_text, until
from .stub import NOW, QR_TEXT, StubAccount

SIZES = [(80, 24), (120, 40)]
Steps = Callable[[Pilot[int], StubAccount], Awaitable[None]]


@pytest.fixture
def picture(snap_compare: Any) -> Callable[..., None]:
    """Compare the screen after `steps`; `load=False` leaves the list unanswered."""

    def compare(
        size: tuple[int, int], steps: Steps | None = None, *, items: list[Instance] | None = None, load: bool = True
    ) -> None:
        app = RyzeConsole("http://127.0.0.1:9", "token-0123456789abcdef", profile="acme")

        async def run(pilot: Pilot[int]) -> None:
            await until(pilot, lambda: app.account is not None)
            account: StubAccount = app.account  # type: ignore[assignment]
            if load:
                account.load(items)
                await until(pilot, lambda: app.main.loaded)
            if steps is not None:
                await steps(pilot, account)
            await pilot.pause()

        assert snap_compare(app, terminal_size=size, run_before=run)

    return compare


def fifty() -> list[Instance]:
    states = ["connected"] * 9 + ["disconnected"]
    return [
        Instance(f"sim-{i:05d}", state=states[i % 10], number_jid=f"55119{i:08d}@s.whatsapp.net", blocks="WS···", streaming=True)
        for i in range(50)
    ]


async def to(pilot: Pilot[int], name: str) -> None:
    pilot.app.main.select(name)  # type: ignore[attr-defined]
    await pilot.pause()


@pytest.mark.parametrize("size", [*SIZES, (50, 30)])
def test_main(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(size, lambda pilot, account: to(pilot, "sales"))


@pytest.mark.parametrize("size", [*SIZES, (50, 30)])
def test_empty(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(size, items=[])


@pytest.mark.parametrize("size", [*SIZES, (50, 30)])
def test_loading(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(size, load=False)


@pytest.mark.parametrize("size", [*SIZES, (50, 30)])
def test_fifty_rows_scrolled(picture: Callable[..., None], size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await pilot.press("end", "up", "up")

    picture(size, steps, items=fifty())


@pytest.mark.parametrize("size", [*SIZES, (50, 30)])
def test_offline(picture: Callable[..., None], size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        account.link = Link(
            "offline", since=0.0, retry_at=0.0, message="Connection refused by 127.0.0.1:9. Is the server running?"
        )
        account.on_link()  # type: ignore[misc]
        await pilot.pause()

    picture(size, steps)


@pytest.mark.parametrize("size", [*SIZES, (50, 30)])
def test_refused_before_anything_was_seen(picture: Callable[..., None], size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        account.set_link("refused", message="The server refused the token: Invalid token.")
        await pilot.pause()

    picture(size, steps, load=False)


@pytest.mark.parametrize("size", SIZES)
def test_changed_rows_stay_where_they_are(picture: Callable[..., None], size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await to(pilot, "vip")
        account.turn("vip", "banned", reason="Sent too many messages to people who do not have this number")
        account.turn("zeta", "loggedout")
        account.vanish("warehouse")
        await until(pilot, lambda: pilot.app.main._order.out_of_order == 2)  # type: ignore[attr-defined]

    picture(size, steps)


@pytest.mark.parametrize("size", SIZES)
def test_filter(picture: Callable[..., None], size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await pilot.press("slash", *"s !sa")

    picture(size, steps)


@pytest.mark.parametrize("size", [*SIZES, (50, 30)])
def test_kept_rows_of_yesterday(picture: Callable[..., None], size: tuple[int, int]) -> None:
    from .test_kept import keep

    keep()

    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await to(pilot, "sales")

    picture(size, steps, load=False)


@pytest.mark.parametrize("size", SIZES)
def test_a_connection_that_keeps_dropping(picture: Callable[..., None], size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        for _drop in range(4):
            account.turn("vip", "disconnected")
            account.turn("vip", "connected")
        await to(pilot, "vip")
        await until(pilot, lambda: pilot.app.main._order.out_of_order == 1)  # type: ignore[attr-defined]
        await pilot.press("s")

    picture(size, steps)


def test_detail_alone(picture: Callable[..., None]) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await to(pilot, "sales")
        await pilot.press("enter")

    picture((80, 24), steps)


def test_too_small(picture: Callable[..., None]) -> None:
    picture((38, 11))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["n", "d", "x", "question_mark", "S", "y", "L"])
def test_dialogs(picture: Callable[..., None], size: tuple[int, int], key: str) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await to(pilot, "support")
        await pilot.press(key)
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)

    picture(size, steps)


def test_a_connected_number_is_asked_about(picture: Callable[..., None]) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await to(pilot, "support")
        await pilot.press("c")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)

    picture((80, 24), steps)


LONG = 10_000_000.0
VIEWS = {
    "asking": View("asking"),
    "qr": View("qr", code=QR_TEXT, index=2, total=6, expires_at=LONG),
    "qr-alone": View("qr", code=QR_TEXT, expires_at=LONG),
    "linking": View("linking"),
    "renewing": View("renewing"),
    "connected": View("connected", number="5511999990077", profile="Acme Sales", seconds=21.3),
    "failed": View("failed", message="Timeout waiting for QR code"),
    "ended": View("ended"),
}


CASES = [(size, stage) for size in SIZES for stage in VIEWS] + [((50, 30), "qr"), ((50, 30), "connected"), ((40, 12), "qr")]
VIEWS["asking-slow"] = View("asking", asked_at=LONG - 37.0)
CASES.append(((80, 24), "asking-slow"))


@pytest.mark.parametrize(("size", "stage"), CASES)
def test_pairing(picture: Callable[..., None], size: tuple[int, int], stage: str) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await to(pilot, "promo")
        await pilot.press("c")
        await until(pilot, lambda: account.sessions)
        pilot.app.screen.pane.clock = lambda: LONG - 14.0  # type: ignore[attr-defined]
        account.sessions[0].show(VIEWS[stage])

    picture(size, steps)


@pytest.mark.parametrize("size", SIZES)
def test_pairing_by_code(picture: Callable[..., None], size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await to(pilot, "sales")
        await pilot.press("p")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.press("enter")
        await until(pilot, lambda: account.sessions)
        pilot.app.screen.pane.clock = lambda: LONG - 112.0  # type: ignore[attr-defined]
        account.sessions[0].show(View("code", code="K7QF-3M9T", number="5511999990077", expires_at=LONG))

    picture(size, steps)


@pytest.mark.parametrize("size", SIZES)
def test_welcome(snap_compare: Any, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[int]) -> None:
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)

    assert snap_compare(RyzeConsole(), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES)
def test_connect_to_a_server(snap_compare: Any, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[int]) -> None:
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.press("c")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 3)
        await pilot.press("enter")
        await until(pilot, lambda: "The token is needed" in str(pilot.app.screen.query_one("#problem").render()))

    assert snap_compare(RyzeConsole(), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES)
def test_probe(picture: Callable[..., None], size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await to(pilot, "support")
        account.look.says = Listed("disconnected", "closed", "5511999990012")
        await pilot.press("t")
        await until(pilot, lambda: "set right" in screen_text(pilot.app))  # type: ignore[arg-type]

    picture(size, steps)


# -- forms -------------------------------------------------------------------------------------------------------------


async def form(
    pilot: Pilot[int], account: StubAccount, *keys: str, until_shown: str, server: FakeBlocks | None = None
) -> None:
    account.configuring = (server or FakeBlocks()).configuring(Path("/"))
    await to(pilot, "support")
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    await until(pilot, lambda: until_shown in screen_text(pilot.app))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [*SIZES, (50, 30)])
def test_webhook_form(picture: Callable[..., None], size: tuple[int, int]) -> None:
    keys = ("4", "down", "down", "end", "x")
    picture(size, lambda pilot, account: form(pilot, account, *keys, until_shown="unsaved"))


@pytest.mark.parametrize("size", SIZES)
def test_proxy_form_with_a_problem(picture: Callable[..., None], size: tuple[int, int]) -> None:
    keys = ("3", "down", "down", "down", "end", "9", "9")
    picture(size, lambda pilot, account: form(pilot, account, *keys, until_shown="A number from 1"))


@pytest.mark.parametrize("size", SIZES)
def test_review(picture: Callable[..., None], size: tuple[int, int]) -> None:
    keys = ("4", "down", "space", "escape", "r")
    picture(size, lambda pilot, account: form(pilot, account, *keys, until_shown="erased on the server"))


@pytest.mark.parametrize("size", SIZES)
def test_blocks_of_a_new_instance(picture: Callable[..., None], size: tuple[int, int]) -> None:
    keys = ("n", "a", "tab", "tab", "enter", "right", "right", "right", "down", "space")
    picture(size, lambda pilot, account: form(pilot, account, *keys, until_shown="Webhook ● on"))


async def tried(
    pilot: Pilot[int], account: StubAccount, *keys: str, until_shown: str = "Check URL and authorization"
) -> None:
    """A try of the webhook from the server, which does not get through."""
    server = FakeBlocks()
    step = {"name": "post", "ok": False, "milliseconds": 412, "error": "the receiver answered 404: no such path"}
    server.tried = {"steps": [step], "httpStatus": 404, "answer": ""}
    account.configuring = server.configuring(Path("/"))
    await to(pilot, "support")
    await pilot.press(*keys)
    await until(pilot, lambda: until_shown in screen_text(pilot.app))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES)
def test_a_try(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(size, lambda pilot, account: tried(pilot, account, "4", "T"))


@pytest.mark.parametrize("size", SIZES)
def test_review_of_what_can_be_tried(picture: Callable[..., None], size: tuple[int, int]) -> None:
    keys = ("4", "down", "down", "end", "x", "escape", "r")
    picture(size, lambda pilot, account: form(pilot, account, *keys, until_shown="T tries it out"))


@pytest.mark.parametrize("size", SIZES)
def test_a_block_as_json(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(size, lambda pilot, account: form(pilot, account, "4", "J", until_shown="The secret is hidden"))


def edited_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an editor gives back has three faults."""

    async def edited(app: RyzeConsole, words: list[str], text: str, name: str, line: int = 1) -> Returned:
        wrong = text.replace('"enabled": true', '"enabled": "yes"').replace("instance.state", "instance.sate")
        return Returned(wrong.replace(',\n  "mediaBase64": false', ""))

    monkeypatch.setattr("ryze_tui.console.editor.edit", edited)
    monkeypatch.setenv("EDITOR", "sh")


@pytest.mark.parametrize("size", SIZES)
def test_faults_of_a_text_that_came_back(
    picture: Callable[..., None], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    edited_wrongly(monkeypatch)
    picture(size, lambda pilot, account: form(pilot, account, "4", "E", until_shown="is missing"))


@pytest.mark.parametrize("size", SIZES)
def test_a_message_that_was_sent(picture: Callable[..., None], size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await to(pilot, "support")
        await pilot.press("m")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.press(*"+55 (11) 99999-0000", "enter", *"Hello from support", "enter")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 3)
        await pilot.press("y")
        await until(pilot, lambda: "3EB0ABCDEF" in screen_text(pilot.app))  # type: ignore[arg-type]

    picture(size, steps)


@pytest.mark.parametrize("size", SIZES)
def test_a_message_is_asked_about(picture: Callable[..., None], size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await to(pilot, "support")
        await pilot.press("m")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.press(*"+55 11 9999-0000", "enter", *"Hello from support", "enter")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 3)

    picture(size, steps)


# -- bulk --------------------------------------------------------------------------------------------------------------


async def bulk(pilot: Pilot[int], account: StubAccount, stage: str) -> None:
    """Up to one of its screens, at a pace that is not waited for."""
    server = BulkServer(account)
    for name in ("billing", "ops", "support", "support-night", "vip", "zeta"):
        await to(pilot, name)
        await pilot.press("space")
    await to(pilot, "support")
    if stage == "marks":
        await pilot.press("slash", *"sup", "enter")
        return
    app = pilot.app
    server.fails["support"] = Refused("no free slot on this server", status=503)
    server.gate.clear()
    marked = n_("{n} marked instance", "{n} marked instances", 6)
    wanted = {"menu": ("B", marked), "apply": ("B", marked), "logout": ("x", _("Type how many: {n}").partition(":")[0])}
    key, text = wanted.get(stage, ("r", _("Left out: {n}").partition(":")[0]))
    await pilot.press(key)
    await until(pilot, lambda: text in screen_text(app))  # type: ignore[arg-type]
    if stage == "apply":
        await pilot.press("p")
        await until(pilot, lambda: _("typed below") in screen_text(app))  # type: ignore[arg-type]
    if stage not in ("running", "paused", "done"):
        return
    await pilot.press("y")
    await until(pilot, lambda: len(server.did) == 5)
    if stage == "done":
        server.gate.set()
        await until(pilot, lambda: _("It is over.").rstrip(".") in screen_text(app))  # type: ignore[arg-type]
    elif stage == "paused":
        app.main.bulking.bulk.pause("The server is back.")  # type: ignore[attr-defined]
        await pilot.pause(0.1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stage", ["marks", "menu", "plan", "apply", "logout", "running", "paused", "done"])
def test_bulk(picture: Callable[..., None], size: tuple[int, int], stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if stage in ("running", "paused", "done"):
        monkeypatch.setattr("ryze_tui.console.bulking.GENTLE", Pace(50.0, 5, 0.0))
    picture(size, lambda pilot, account: bulk(pilot, account, stage))


def unfinished() -> None:
    """Of five an earlier program left two, and nobody knows about a third."""
    job = Job("reconnect", ("billing", "ops", "support", "vip", "zeta"))
    record = Record(path_of(BulkServer.base, BulkServer.token))
    entries = [Entry("billing", "skipped", "banned"), Entry("ops", "done", "connected", 200), Entry("support", begun=True)]
    record.begin(job, [*entries, Entry("vip"), Entry("zeta")], at=NOW - 7200)
    record.close()


async def found(pilot: Pilot[int], account: StubAccount, *keys: str) -> None:
    """With a server for bulk behind the account before its list is there: what was left is told, and asked about with `B`."""
    BulkServer(account)
    account.load()
    await until(pilot, lambda: pilot.app.main.loaded)  # type: ignore[attr-defined]
    await until(pilot, lambda: pilot.app.main.bulking is not None)  # type: ignore[attr-defined]
    await pilot.press(*keys)
    await until(pilot, lambda: not keys or _("Forget it") in screen_text(pilot.app))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES)
def test_an_unfinished_bulk(picture: Callable[..., None], size: tuple[int, int]) -> None:
    unfinished()
    picture(size, lambda pilot, account: found(pilot, account, "B"), load=False)


# -- the audit log -----------------------------------------------------------------------------------------------------


def written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """What three people's writes left in the audit log."""
    monkeypatch.setattr("ryze_tui.operations.audit._user", lambda: "ana")
    for at, action, name, ok, message, changes in (
        (90_000, "delete", "old-number", True, "Instance deleted successfully", {}),
        (7200, "configure webhook default: url events", "sales", True, "Webhook updated", {
            "url": {"before": "https://old.acme.com", "after": "https://hooks.acme.com/wa"},
            "events": {"before": [], "after": ["message.exchange", "instance.state"]},
            "authorization": {"before": "set", "after": "changed"},
        }),
        (60, "reconnect bulk", "support", None, "broken off while under way: result unknown", {}),
        (5, "logout", "billing", False, "The number is blocked by WhatsApp (101).", {}),
    ):  # fmt: skip
        monkeypatch.setenv("SSH_CONNECTION", f"192.0.2.{at % 7} 50022 192.0.2.1 22")
        record(
            at=NOW - at, action=action, profile="acme", instance=name, ok=ok, message=message, status=200,
            program="console" if at < 100 else "command", request=f"req-{at}", changes=changes,
        )  # fmt: skip


async def audited(pilot: Pilot[int]) -> None:
    """The screen, on the line with most to tell."""
    await pilot.press("A")
    await until(pilot, lambda: n_("{n} write", "{n} writes", 4) in screen_text(pilot.app))  # type: ignore[arg-type]
    await pilot.press("down", "down")


@pytest.mark.parametrize("size", SIZES)
def test_audit(picture: Callable[..., None], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    written_down(monkeypatch)
    picture(size, lambda pilot, account: audited(pilot))


# -- tape, held, tags, alerts --------------------------------------------------------------------------------------------


async def tape(pilot: Pilot[int], account: StubAccount, *keys: str) -> None:
    """With an event of every kind on it."""
    account.server = ServerInfo(engine="", account_token=True)
    account.covers = lambda name: name != "ops"  # type: ignore[method-assign]
    await pilot.press("E")
    await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
    told: list[tuple[str, str, dict[str, Any]]] = [
        ("support", "message.exchange", {"direction": "incoming", "chat": {"jid": "5511999990001@s.whatsapp.net"},
                                         "message": {"type": "text", "content": "Olá, já está pronto? 你好 🙂 " * 4}}),
        ("support", "message.exchange", {"direction": "outgoing", "chat": {"jid": "5511999990001@s.whatsapp.net"},
                                         "message": {"type": "image", "content": "\x1b[31mred"}}),
        ("support", "message.status", {"status": "read", "recipient": "5511999990001@s.whatsapp.net", "id": "3EB0ABC"}),
        ("a-name-that-is-far-too-long-for-its-column", "call.update", {"type": "offer", "from": "5511999990002@s.whatsapp.net"}),
        ("sales", "instance.state", {"state": "qr_ready", "codes": ["2@abc,def,ghi,jkl=="]}),
        ("", "lost", {}),
        ("vip", "label.update", {"action": "add", "name": "Pago"}),
    ]
    for name, event, data in told:
        assert account.on_event is not None
        account.on_event(Event(event, name, data), 1.0)
    await pilot.press(*keys)
    await until(pilot, lambda: "Pago" in screen_text(pilot.app) or keys)  # type: ignore[arg-type]
    await pilot.pause(0.1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stage", ["follows", "filtered", "still", "json"])
def test_tape(picture: Callable[..., None], size: tuple[int, int], stage: str) -> None:
    keys = {"filtered": ("slash", *"event:message !red"), "still": ("space",), "json": ("up", "up", "enter")}.get(stage, ())
    picture(size, lambda pilot, account: tape(pilot, account, *keys))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stage", ["held", "tags", "alert"])
def test_noted(picture: Callable[..., None], size: tuple[int, int], stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ryze_tui.console.alerts.TOGETHER", 0.0)

    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        app: RyzeConsole = pilot.app  # type: ignore[assignment]
        await until(pilot, lambda: app.main.alerts is not None)
        await to(pilot, "sales")
        account.notes.tag({"sales": ["vip", "night-shift"]})
        if stage == "held":
            await pilot.press("h")
            await until(pilot, lambda: "held" in screen_text(app))
            app.clear_notifications()
            await pilot.pause()
        elif stage == "tags":
            await pilot.press("number_sign")
            await until(pilot, lambda: "Tags of sales" in screen_text(app))
        else:
            account.turn("support", "loggedout", reason="logged out from the phone")
            await until(pilot, lambda: "support logged out" in screen_text(app))

    picture(size, steps)


# -- profiles ----------------------------------------------------------------------------------------------------------


PROFILES: dict[str, tuple[str, str]] = {
    "list": ("", "open now"), "add": ("a", "Call it"), "change": ("down e", "Change {name}"),
    "remove": ("down d", "Its token is forgotten on this machine. The server and its numbers are not touched."),
    "broken": ("G enter", "vault is sealed"),
}  # fmt: skip
"""Keys of a scene, and a text of its end (the beginning of it, in whatever language)."""


async def profiles(pilot: Pilot[int], stage: str) -> None:
    """Three of them, one with a token that cannot be had."""
    path = config.path()
    path.parent.mkdir(parents=True)
    vault = 'url = "https://vault.example"\ntoken_command = ["sh", "-c", "echo vault is sealed >&2; exit 3"]\n'
    path.write_text(
        'default = "acme"\n[profiles.acme]\nurl = "http://127.0.0.1:9"\ntoken = "token-0123456789abcdef"\n'
        '[profiles.night-shift-of-the-other-building]\nurl = "https://ryzeapi.cloud"\ntoken = "x-0123456789"\nread_only = true\n'
        f"[profiles.vault]\n{vault}"
    )  # fmt: skip
    path.chmod(0o600)
    app: RyzeConsole = pilot.app  # type: ignore[assignment]
    await pilot.press("P")
    await until(pilot, lambda: "esc" in screen_text(app) and "vault" in screen_text(app))
    pressed, text = PROFILES[stage]
    await pilot.press(*pressed.split())
    await until(pilot, lambda: _(text).partition("{")[0][:30] in screen_text(app))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stage", list(PROFILES))
def test_profiles(picture: Callable[..., None], size: tuple[int, int], stage: str) -> None:
    picture(size, lambda pilot, _account: profiles(pilot, stage))
