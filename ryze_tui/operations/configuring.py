"""Reading and writing the blocks of instances: read again before a write, sent once, and read once more to see what is held."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..api.errors import Refused, RyzeError
from ..api.wire import WIRES, Wire
from ..client.http import CHANGED, revision
from ..i18n import _
from ..redact import register
from .audit import changes_of
from .editing import Change, Edit, complete
from .outcome import Outcome, failed

if TYPE_CHECKING:
    from ..api.deliveries import Delivery
    from ..client.http import RyzeClient
    from ..client.stream import Socket
    from ..fleet.feed import Feed
    from .drafts import Drafts

Values = dict[str, Any]
Send = Callable[["RyzeClient", "Feed"], Awaitable[str]]
Write = Callable[..., Awaitable[Outcome]]
DEFAULT_LABEL: Final = "default"
TRIES: Final = 5
"""Another row of the same webhooks, or a server that was started again, is no reason to ask: so often it is read again."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the server holds: None when the block was never written. `rows`: of webhooks all of them, by label.

    `revision`: what a write names to replace nothing else; empty where the server knows no conditions.
    """

    values: Values | None
    rows: Mapping[str, Values]
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of a save. `held`: None when nobody could look, `unread` says why; `differs`: where it is not what was asked.

    `moved`: nothing was written, since the block is not what was reviewed any more but this.
    """

    outcome: Outcome
    held: Held | None = None
    differs: tuple[Change, ...] = ()
    unread: str = ""
    moved: Held | None = None


class Configuring:
    """The blocks of one account's instances. `write`: the account's one way to change anything (allowed, sent once, audited)."""

    def __init__(
        self, client: RyzeClient, write: Write, drafts: Drafts, *, keeps_secrets: Callable[[], bool],
        tries: Callable[[], bool] = lambda: False, token: Callable[[str], str] = lambda name: "",
    ) -> None:
        """`keeps_secrets()`, `tries()`: what the server is known to do; `token(name)`: what its stream is opened with."""
        self._client, self._write, self._keeps_secrets = client, write, keeps_secrets
        self._tries, self._token = tries, token
        self.drafts = drafts

    async def read(self, kind: str, name: str, label: str = DEFAULT_LABEL) -> Held | Outcome:
        """A block of an instance; an Outcome that says why when it cannot be read."""
        try:
            return await self._read(WIRES[kind], name, label)
        except RyzeError as error:
            return failed(error, name)

    async def _read(self, wire: Wire, name: str, label: str) -> Held:
        if wire.kind != "webhook":
            values = await self._client.block(wire, name)
            held = Held(values, {}, revision.get())
        else:
            rows = {str(row.get("label") or DEFAULT_LABEL): row for row in await self._client.webhooks(name)}
            held = Held(rows.get(label), rows, revision.get())
        for values in (held.values, *held.rows.values()):
            _remember(wire, values)
        return held

    def edit(self, kind: str, held: Held, label: str = DEFAULT_LABEL) -> Edit:
        """The beginning of an edit of what was read."""
        wire = WIRES[kind]
        return Edit(wire, held.values, label=label if kind == "webhook" else "", keeps_secrets=self._keeps_secrets())

    @property
    def tries(self) -> bool:
        """Whether the server tries out what it is sent."""
        return self._tries()

    async def try_block(self, kind: str, name: str, body: Values) -> Values:
        """Have the server try a block as it would be saved. Raises RyzeError; Refused when this session may not write."""
        answer: Values = {}
        _remember(WIRES[kind], body)

        async def send(client: RyzeClient, feed: Feed) -> str:
            answer.update(await client.try_block(kind, name, body))
            return str(answer.get("message") or "")

        outcome = await self._write("configure", name, send, detail=f"try {kind}")
        if not outcome.ok:
            raise Refused(outcome.message, status=outcome.status)
        return answer

    async def stream(self, name: str) -> Socket:
        """The instance's stream, opened with its own token. Raises RyzeError."""
        from ..client.address import segment
        from ..client.stream import Dialler

        return await Dialler(self._client)(f"/ws/{segment(name)}", self._token(name))

    async def deliveries(self, name: str, label: str) -> list[Delivery] | Outcome:
        """The newest deliveries of a webhook; an Outcome that says why when they cannot be read."""
        try:
            return await self._client.deliveries(name, label)
        except RyzeError as error:
            return failed(error, name)

    async def redeliver(self, name: str, delivery: str) -> Outcome:
        """Send one again, under the same id."""

        async def send(client: RyzeClient, feed: Feed) -> str:
            return (await client.redeliver(name, delivery)).message

        return await self._write("configure", name, send, detail=f"redeliver {delivery}")

    async def save(self, name: str, edit: Edit, now: Held, theirs: frozenset[str] = frozenset()) -> Saved:
        """Write what was reviewed against `now`, then look what is held. `theirs`: fields that stay as they are there.

        A write replaces the whole block, so the block is read once more right before: a review may stand open for minutes. A
        server that knows conditions then writes only over what was read. The contract knows none, so on others what is written in
        the one round trip after that is replaced without our seeing it.
        """
        for _try in range(TRIES):
            again = await self.read(edit.wire.kind, name, edit.label or DEFAULT_LABEL)
            if isinstance(again, Outcome):
                return Saved(again)
            if edit.moved(now.values, again.values, theirs):
                words = _("It was changed by somebody else just now.")
                return Saved(Outcome(False, words, name=name), moved=again)
            saved = await self._save(name, edit, now, theirs, again.revision)
            if saved.outcome.status != CHANGED:
                break
        return saved

    async def _save(self, name: str, edit: Edit, now: Held, theirs: frozenset[str], revision: str) -> Saved:
        wire, body = edit.wire, edit.body(now.values, theirs)
        _remember(wire, body)

        async def send(client: RyzeClient, feed: Feed) -> str:
            if wire.kind == "chatwoot" and body.get("enabled") is False:
                message = (await client.remove_chatwoot(name, revision)).message
            else:
                sent = {key: value for key, value in body.items() if not (wire.kind == "chatwoot" and key == "enabled")}
                answer = await client.set_block(wire, name, sent, revision)
                message = str(answer.get("message") or "")
            feed.want(name)  # the row's letters and what it says of its blocks
            return message or _("saved")

        fields = " ".join(field.name for field in edit.touched if field.name not in theirs)
        where = f"{wire.kind} {edit.label}".strip()
        changes = changes_of(edit.sent(now.values, body))
        outcome = await self._write("configure", name, send, detail=f"{where}: {fields}", changes=changes)
        if not outcome.ok:
            return Saved(outcome)
        held = await self.read(wire.kind, name, edit.label or DEFAULT_LABEL)
        if isinstance(held, Outcome):
            return Saved(outcome, unread=held.message)
        return Saved(outcome, held, tuple(edit.missing(_asked(wire, body), held.values)))


def _asked(wire: Wire, body: Values) -> Values:
    """What the server should hold after it took this body."""
    return {"enabled": False} if body.get("enabled") is False else body


def _remember(wire: Wire, values: Mapping[str, Any] | None) -> None:
    """Secrets are masked wherever they turn up from now on."""
    if values is None:
        return
    for field in wire.fields:
        if field.secret and isinstance(value := complete(wire, values)[field.name], str) and value:
            register(value)
