"""What a file changes of what the server holds: instance by instance, field by field. Pure but for the secrets it points to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ...api.instance import Instance
from ...api.wire import WIRES
from ...i18n import _
from .. import checks
from ..configuring import Held
from ..editing import KEEP, Change, Edit
from .document import WEBHOOKS_ON, Document, Given, Problem, WantedBlock, WantedInstance, about
from .holding import NOTHING, Blocks
from .known import Known
from .references import Ref, Unresolved

CREATE: Final = "create"
CHANGE: Final = "change"
UNCHANGED: Final = "unchanged"
DELETE: Final = "delete"
_ROWS: Final = frozenset({"webhook", "websocket"})
"""Blocks of which a server keeps a row while they are off."""


@dataclass(frozen=True, slots=True)
class Step:
    """A block that is to be written. `review`: what that changes."""

    block: WantedBlock
    review: list[Change]


@dataclass(slots=True)
class Item:
    """What happens to one instance. `token`: of one that is made, empty: the server chooses; `notes`: what should be known."""

    name: str
    action: str
    steps: list[Step] = field(default_factory=list)
    token: str = field(default="", repr=False)
    notes: list[str] = field(default_factory=list)

    @property
    def erases(self) -> bool:
        """Whether something that the server holds is lost by it."""
        return self.action == DELETE or any(change.erased for step in self.steps for change in step.review)


class Planner:
    """`plan` once everything is read; `problems` says what is in the way, by line."""

    def __init__(self, document: Document, known: Known, keeps_secrets: Callable[[], bool]) -> None:
        self.document, self._known, self._keeps = document, known, keeps_secrets
        self.problems: list[Problem] = []

    def plan(self, held: Mapping[str, Blocks], rows: Mapping[str, Instance], *, prune: bool = False) -> list[Item]:
        """An item for every instance of the file, and with `prune` for those that are not in it, which are deleted."""
        items = []
        for wanted in self.document.instances.values():
            row = rows.get(wanted.name)
            item = Item(wanted.name, UNCHANGED if row is not None else CREATE)
            self._token(wanted, row, item)
            blocks = held.get(wanted.name, {}) if row is not None else {}
            for block in wanted.blocks:
                there = self.there(block, blocks)
                edit = self.edit(wanted.name, block, there, self.problems)
                if needed(edit):
                    item.steps.append(Step(block, edit.review(None if edit.new else there.values)))
            self._webhooks(wanted, blocks)
            item.steps.sort(key=lambda step: not _switches_off(step.block))  # makes room for those that go on
            if item.steps and item.action == UNCHANGED:
                item.action = CHANGE
            items.append(item)
        if prune:
            items += [Item(name, DELETE) for name in rows if name not in self.document.instances]
        return items

    @staticmethod
    def there(block: WantedBlock, blocks: Mapping[str, Held]) -> Held:
        """What is held of a block."""
        held = blocks.get(block.kind, NOTHING)
        return Held(held.rows.get(block.label), held.rows) if block.kind == "webhook" else held

    def _token(self, wanted: WantedInstance, row: Instance | None, item: Item) -> None:
        if row is None and (words := checks.name_problem(wanted.name)):
            self.problems.append((wanted.line, words))
        given = wanted.token
        if given is None or not isinstance(given.value, Ref):
            return
        try:
            token = given.value.resolve(self.document.folder) if given.value.elsewhere else ""
        except Unresolved:  # it may be kept, else the file had been refused
            token = ""
        if row is None:
            if words := checks.token_problem(token):
                self.problems.append((given.line, about("token", words)))
            if not token:
                item.notes.append(_("it gets a new token"))
            item.token = token
        elif not given.value.keep and row.token and row.token != token:
            words = _("That of an instance that is there cannot be changed: say {keep: true}.")
            self.problems.append((given.line, about("token", words)))

    def _webhooks(self, wanted: WantedInstance, blocks: Mapping[str, Held]) -> None:
        mine = {block.label: block for block in wanted.blocks if block.kind == "webhook"}
        rows = blocks.get("webhook", NOTHING).rows
        others = [label for label, row in rows.items() if label not in mine and row.get("enabled") is not False]
        on = [block for block in mine.values() if not _switches_off(block)]
        if others and on and len(others) + len(on) > WEBHOOKS_ON:
            words = _("{name}: with those that are not in the file ({labels}) more than {n} webhooks would be on.")
            self.problems.append((on[-1].line, words.format(name=wanted.name, labels=", ".join(others), n=WEBHOOKS_ON)))

    # -- one block -----------------------------------------------------------------------------------------------------

    def edit(self, name: str, block: WantedBlock, held: Held, problems: list[Problem]) -> Edit:
        """What the file makes of what is held; what is wrong with it goes to `problems`."""
        wire = WIRES[block.kind]
        edit = Edit(wire, held.values, label=block.label, keeps_secrets=self._keeps())
        for key, given in block.fields.items():
            if not isinstance(given.value, Ref):
                edit.set(key, given.value)
        if _switches_off(block):
            return edit
        before = len(problems)
        for key, given in block.fields.items():
            if isinstance(given.value, Ref):
                self._refer(name, edit, key, given, given.value, problems)
        if len(problems) == before and needed(edit):
            self._check(block, edit, problems)
        return edit

    def _refer(self, name: str, edit: Edit, key: str, given: Given, ref: Ref, problems: list[Problem]) -> None:
        there, hidden = edit.was[key], key in edit.wire.hidden
        stored = there is KEEP if hidden else bool(there)
        if ref.keep and stored:
            return
        if not ref.elsewhere:
            words = _("nothing is stored that could be kept: say from_env or from_file.")
            problems.append((given.line, f"{name}, {about(key, words)}"))
            return
        value = self._resolved(name, key, given, ref, problems)
        if value and not (hidden and stored and not edit.dirty and self._known.same(name, edit.wire.kind, key, value)):
            edit.set(key, value)

    def _resolved(self, name: str, key: str, given: Given, ref: Ref, problems: list[Problem]) -> str:
        try:
            return ref.resolve(self.document.folder)
        except Unresolved as problem:
            problems.append((given.line, f"{name}, {about(key, str(problem))}"))
            return ""

    def _check(self, block: WantedBlock, edit: Edit, problems: list[Problem]) -> None:
        for key, words in edit.problems().items():
            given = block.fields.get(key)
            if edit.yours[key] is KEEP:  # the server may lose it with this write
                if given is not None and isinstance(given.value, Ref) and given.value.elsewhere:
                    if value := self._resolved(block.title, key, given, given.value, problems):
                        edit.set(key, value)
                    continue
                words = _("the server may erase what is left out, and does not tell it: say from_env or from_file.")
            problems.append((given.line if given is not None else block.line, f"{block.title}, {about(key, words)}"))


def _switches_off(block: WantedBlock) -> bool:
    given = block.fields.get("enabled")
    return given is not None and given.value is False


def needed(edit: Edit) -> bool:
    """Whether it is to be written."""
    return edit.dirty or (edit.new and edit.wire.kind in _ROWS)
