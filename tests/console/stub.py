"""An account without a server: the real model, link and outcomes, with answers that the test decides."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from ryze_tui.api.errors import Refused, RyzeError
from ryze_tui.api.events import Event
from ryze_tui.api.instance import Instance
from ryze_tui.client.calls import CallLog
from ryze_tui.client.replies import Health, Sent
from ryze_tui.fleet.evidence import Listed, Streamed
from ryze_tui.fleet.freshness import Link
from ryze_tui.fleet.model import Changes, FleetModel, Row
from ryze_tui.fleet.notes import Notes
from ryze_tui.operations.account import Remedy, ServerInfo
from ryze_tui.operations.messaging import Posted
from ryze_tui.operations.outcome import Outcome
from ryze_tui.pairing.flow import View

NOW = 1_790_000_000.0  # 2026-09-21 13:33:20 UTC
QR_TEXT = "https://wa.me/settings/linked_devices#2@SIMULATED" + "aB3/" * 18 + ",," + ",".join(["Zm9v" * 11] * 3) + ",1"
WORD = {
    "connected": "connected",
    "disconnected": "disconnected",
    "loggedout": "logged_out",
    "banned": "temp_banned",
    "connecting": "qr_ready",
}

DOZEN = [
    ("billing", "banned", 7200, "Acme Billing", "", "W····", "The number is blocked by WhatsApp (101)."),
    ("sales", "loggedout", 840, "Acme Sales", "5511999990077", "WS···", "device_removed"),
    ("promo", "connecting", 20, "", "", "·S···", ""),
    ("support", "connected", 259_300, "Acme Support", "5511999990012", "WS·PB", ""),
    ("support-night", "connected", 4000, "Night desk", "5511999990013", "·S···", ""),
    ("ops", "disconnected", 3700, "Ops", "5511999990014", "·S···", "stream error 503"),
    ("warehouse", "connected", 86_500, "Armazém São João", "5511999990015", "·S···", ""),
    ("crm-eu", "connected", 600_000, "日本語のプロフィール", "4915112345678", "WSC··", ""),
    ("new-number", "disconnected", 300, "", "", "·S···", ""),
    ("returns", "connected", 90, "Returns", "5511999990016", "·S···", ""),
    ("vip", "connected", 8_000_000, "VIP 👩‍💻 desk", "5511999990017", "·S···", ""),
    ("zeta", "connected", 65, "Zeta", "5511999990018", "·S···", ""),
]


def dozen() -> list[Instance]:
    return [
        Instance(
            name,
            state=state,
            raw_state=state,
            id=f"id-{name}",
            token=f"token-of-{name}-0123456789",
            profile_name=profile,
            number_jid=f"{number}:3@s.whatsapp.net" if number else "",
            blocks=blocks,
            streaming="S" in blocks,
            reason=reason,
            since=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - ago)),
            is_business=name == "sales",
            business_name="",
            webhook_url="https://hooks.acme.com/wa" if "W" in blocks else "",
            webhook_events=6 if "W" in blocks else 0,
            created_at="2026-01-02T03:04:05Z",
        )
        for name, state, ago, profile, number, blocks, reason in DOZEN
    ]


class StubBudget:
    remaining: int | None = 83
    limit: int | None = 100
    reset_at = 0.0


class StubSession:
    """A pairing session whose views the test pushes."""

    def __init__(self, account: StubAccount, name: str, number: str) -> None:
        self.account, self.name, self.number = account, name, number
        self.view = View("asking")
        self.on_view: Callable[[View], None] | None = None
        self.cancelled = False
        self._end = asyncio.Event()

    async def run(self) -> View:
        await self._end.wait()
        return self.view

    async def renew(self) -> None:
        self.account.did.append(("renew", self.name))

    def show(self, view: View) -> None:
        self.view = view
        if self.on_view is not None:
            self.on_view(view)

    def cancel(self) -> None:
        self.cancelled = True
        self._end.set()


class StubLook:
    """What a probe sees: the model, and what the test decides."""

    def __init__(self, account: StubAccount) -> None:
        self.account = account
        self.says: Listed | RyzeError | None = None
        self.whatsapp: str | RyzeError = Refused("Not found", status=404)

    def row(self, name: str) -> Row | None:
        return self.account.model.rows.get(name)

    def streamed(self, name: str) -> Streamed:
        return Streamed("account", True, 3.0)

    def now(self) -> float:
        return NOW

    async def health(self) -> Health:
        return Health("ok", "RyzeAPI", frozenset(), "simulated")

    async def listed(self, name: str) -> Listed | None:
        if isinstance(self.says, RyzeError):
            raise self.says
        row = self.row(name)
        return self.says or (Listed(row.state, row.state, row.number) if row is not None else None)

    async def own_number(self, name: str) -> str:
        if isinstance(self.whatsapp, RyzeError):
            raise self.whatsapp
        return self.whatsapp


class StubMessaging:
    """Sending that gets the answer which the test decides; `go` holds it back."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        words = "Message sent successfully"
        self.answer = Posted(Outcome(True, words, 200), Sent("3EB0ABCDEF", "sent", words))
        self.go = asyncio.Event()
        self.go.set()

    async def send(self, name: str, number: str, text: str) -> Posted:
        self.sent.append((name, number, text))
        await self.go.wait()
        return self.answer


class StubAccount:
    """Same surface as operations.account.Account. `did` lists every operation that was called."""

    last: StubAccount

    def __init__(self, url: str, token: str, **more: Any) -> None:
        StubAccount.last = self
        self.url, self.read_only = url, more.get("read_only", False)
        self.model = FleetModel()
        self.link = Link("connecting", since=time.monotonic())
        self.server = ServerInfo(extensions=frozenset({"account-stream"}), engine="simulated", simulated=True, account_token=True)
        self.calls = CallLog()
        self.budget = StubBudget()
        self.on_changes: Callable[[Changes], None] | None = None
        self.on_link: Callable[[], None] | None = None
        self.on_event: Callable[[Event, float], None] | None = None
        self.did: list[tuple[str, ...]] = []
        self.sessions: list[StubSession] = []
        self.look = StubLook(self)
        self.configuring: Any = None
        self.messaging = StubMessaging()
        self.means: Any = None
        self.bulk_left = False
        self.notes = Notes()
        self.answers: dict[str, Outcome] = {}
        self._at = 1.0

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        return

    # -- what the test makes happen ------------------------------------------------------------------------------------

    def now(self) -> float:
        """Nobody sets its clock."""
        return NOW

    def tell(self, changes: Changes) -> None:
        assert self.on_changes is not None
        self.on_changes(changes)

    def set_link(self, kind: str, **more: Any) -> None:
        self.link = Link(kind, since=more.pop("since", time.monotonic()), **more)
        if self.on_link is not None:
            self.on_link()

    def load(self, items: list[Instance] | None = None) -> None:
        self._at += 1
        self.set_link("live")
        items = dozen() if items is None else items
        self.tell(self.model.apply_list(items, asked_at=self._at, received_at=self._at, now=NOW))

    def turn(self, name: str, state: str, **data: Any) -> None:
        self._at += 1
        self.tell(
            self.model.apply_event(Event("instance.state", name, {"state": WORD[state], **data}), received_at=self._at, now=NOW)
        )

    def vanish(self, name: str) -> None:
        self._at += 1
        self.tell(self.model.apply_deleted(name, received_at=self._at))

    # -- what the console calls ----------------------------------------------------------------------------------------

    def _answer(self, operation: str, name: str, words: str) -> Outcome:
        self.did.append((operation, name))
        return self.answers.get(operation, Outcome(True, words, 200, name))

    def may(self, action: str) -> str:
        return "This session is read-only." if self.read_only and action not in ("refresh", "log", "copy") else ""

    def covers(self, name: str) -> bool:
        return True

    async def confirm_state(self, name: str) -> Row | None:
        self.did.append(("confirm_state", name))
        return self.model.rows.get(name)

    async def refresh(self, names: Any = None) -> Outcome:
        return self._answer("refresh", "", "12 Instances found")

    async def create(self, name: str, token: str = "", blocks: Any = None) -> Outcome:
        self.blocks = blocks
        outcome = self._answer("create", name, "Instance created successfully")
        if outcome.ok:
            self._at += 1
            item = Instance(name, state="disconnected", raw_state="disconnected", blocks="·S···", streaming=True)
            self.tell(self.model.apply_created(item, received_at=self._at, now=NOW))
        return outcome

    async def reconnect(self, name: str) -> Outcome:
        return self._answer("reconnect", name, "Reconnect initiated")

    async def logout(self, name: str) -> Outcome:
        return self._answer("logout", name, "Instance logged out")

    async def delete(self, name: str) -> Outcome:
        outcome = self._answer("delete", name, "Instance deleted")
        if outcome.ok:
            self.vanish(name)
        return outcome

    async def stream_on(self, name: str) -> Outcome:
        return self._answer("stream_on", name, "Streaming is on: instance.state.")

    async def simulate(self, name: str, action: str, **body: Any) -> Outcome:
        self.did.append(("simulate", name, action, str(body)))
        return Outcome(True, "The phone scanned the code", 200, name)

    def bring_back(self, name: str) -> Remedy:
        state = self.model.rows[name].state
        action = {"connected": "none", "loggedout": "connect", "disconnected": "reconnect"}.get(state, "wait")
        return Remedy(action, f"{state}: {action}")

    def pair(self, name: str, number: str = "") -> StubSession:
        self.did.append(("pair", name, number))
        session = StubSession(self, name, number)
        self.sessions.append(session)
        return session
