"""What a form, a flag or a page of help needs to know of a block's fields, derived from their one declaration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_origin

from .blocks import Block

SWITCH: Final = "switch"
TEXT: Final = "text"
NUMBER: Final = "number"
CHOICE: Final = "choice"
SET: Final = "set"

Kind = Literal["switch", "text", "number", "choice", "set"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `default`: None when it is required.

    `choices`: of a CHOICE the words it may have, of a SET those that may be in it.
    """

    name: str
    title: str
    help: str
    kind: Kind
    default: Any = None
    secret: bool = False
    choices: tuple[str, ...] = ()
    create_name: str = ""

    @property
    def empty(self) -> Any:
        """What the field holds when nothing was ever said about it."""
        if self.default is not None:
            return self.default
        return {SWITCH: False, NUMBER: 0, SET: []}.get(self.kind, "")


def fields_of(block: type[Block]) -> tuple[Field, ...]:
    """The fields of a block in their order. Raises TypeError for a type that no form can show."""
    made = []
    for name, info in block.model_fields.items():
        kind, choices = _kind(info.annotation)
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        default = None if info.is_required() else info.get_default(call_default_factory=True)
        made.append(
            Field(
                name, info.title or name, info.description or "", kind, default, extra.get("secret") is True, choices,
                str(extra.get("create_name") or ""),
            )
        )
    return tuple(made)


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    if annotation is bool:
        return "switch", ()
    if annotation is int:
        return "number", ()
    if annotation is str:
        return "text", ()
    if get_origin(annotation) is Literal:
        return "choice", tuple(map(str, get_args(annotation)))
    if get_origin(annotation) is list and get_origin(inner := get_args(annotation)[0]) is Literal:
        return "set", tuple(map(str, get_args(inner)))
    raise TypeError(f"no form can show a {annotation!r}")
