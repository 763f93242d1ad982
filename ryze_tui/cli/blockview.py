"""How blocks are shown by `ryze-tui BLOCK get|set`: for people, and as the published JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..i18n import _
from ..redact import MASK, clean, mask
from . import blockflags
from .output import Out

if TYPE_CHECKING:
    from ..api.fields import Field
    from ..operations.editing import Change
    from ..operations.outcome import Outcome


def result(
    kind: str, outcome: Outcome, rows: Mapping[str, Mapping[str, Any]], *, reveal: bool = False, review: Sequence[Change] = (),
    differs: Sequence[Change] = (),
) -> dict[str, Any]:
    """One instance in JSON. `rows`: label -> what is held."""
    from ..api.wire import WIRES
    from ..operations.editing import complete

    wire = WIRES[kind]
    held = []
    for label, values in rows.items():
        whole = complete(wire, values)
        told = {field.name: _secret(field, whole[field.name], reveal) for field in wire.fields}
        held.append(({"label": label} if kind == "webhook" else {}) | told)
    return {
        "instance": outcome.name, "ok": outcome.ok, "message": outcome.message, "status": outcome.status,
        "kind": outcome.kind or None, "held": held,
        "changes": [
            {"field": one.field.name, **{key: _secret(one.field, getattr(one, key), False) for key in ("was", "now", "yours")},
             "erased": one.erased} for one in review
        ],
        "differs": [{"field": one.field.name, "asked": _secret(one.field, one.yours, False),
                     "held": _secret(one.field, one.now, False)} for one in differs],
    }  # fmt: skip


def _secret(field: Field, value: Any, reveal: bool) -> Any:
    """None: stored, and no read tells it. Addresses with a password in them are masked, too."""
    if reveal or not value:
        return value
    return MASK if field.secret else mask(value) if isinstance(value, str) else value


def show(kind: str, told: Sequence[dict[str, Any]], out: Out, *, review: bool = False) -> None:
    """What is held, or with `review` what would be changed."""
    if out.as_json:
        out.document({"block": blockflags.block_word(kind), "results": list(told)})
        return
    for one in told:
        if not one["ok"]:
            continue
        if review:
            _changes(one, out)
            continue
        if not one["held"]:
            out.line(f"{clean(one['instance'])}: {_('never set')}")
        for values in one["held"]:
            _block(one["instance"], values, out)


def _block(name: str, values: Mapping[str, Any], out: Out) -> None:
    label = f" {clean(values['label'])}" if "label" in values else ""
    state = "" if "enabled" not in values else f": {_('on')}" if values["enabled"] else f": {_('off')}"
    out.line(f"{clean(name)}{label}{state}")
    if values.get("enabled") is False:
        return
    for field, value in values.items():
        if field not in ("enabled", "label"):
            out.line(f"  {field}: {written(value)}")


def _changes(one: Mapping[str, Any], out: Out) -> None:
    out.line(clean(one["instance"]))
    if not one["changes"]:
        out.line(f"  {_('it holds that already')}")
    for change in one["changes"]:
        erased = f" ({_('erased by switching off')})" if change["erased"] else ""
        words = _("{field}: was {was}, now {now}, yours {yours}")
        values = {key: mask(written(change[key])) for key in ("was", "now", "yours")}
        out.line("  " + words.format(field=change["field"], **values) + erased)


def written(value: Any) -> str:
    """A value in words."""
    if value is None:
        return _("set, and not told by the server")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return clean(", ".join(map(str, value))) or _("all")
    return clean(str(value)) or "–"
