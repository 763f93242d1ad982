"""The fields of the blocks as options, derived from their one declaration. A secret is never an option: a file, or a variable."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..i18n import _
from .exits import Failure
from .parser import Parser, count

if TYPE_CHECKING:
    from ..api.fields import Field
    from ..operations.editing import Edit

PREFIX: Final = {"websocket": "stream"}
"""What people call a block, where that is not its name on the wire."""


def block_word(kind: str) -> str:
    """How a block is called on the command line."""
    return PREFIX.get(kind, kind)


def option_of(kind: str, field: Field) -> str:
    """`--webhook-url`; of `enabled` the block itself: `--webhook`; of a secret `--proxy-password-file`."""
    word = block_word(kind)
    if field.name == "enabled":
        return f"--{word}"
    slug = re.sub(r"[^a-z0-9]+", "-", field.title.lower()).strip("-").removeprefix(f"{word}-")
    return f"--{word}-{slug}" + ("-file" if field.secret else "")


def variable_of(kind: str, field: Field) -> str:
    """The environment variable of a secret: `RYZE_PROXY_PASSWORD`."""
    return "RYZE_" + option_of(kind, field).removeprefix("--").removesuffix("-file").replace("-", "_").upper()


def _set_of(choices: tuple[str, ...]) -> Any:
    def words(text: str) -> list[str]:
        found = [word.strip() for word in text.split(",") if word.strip()]
        if not set(found) <= set(choices):
            raise argparse.ArgumentTypeError(_("must be of: {choices}").format(choices=", ".join(choices)))
        return found

    return words


def add_flags(parser: Parser) -> None:
    """One group of options for every block."""
    from ..api.wire import WIRES

    for kind in WIRES:
        add_group(parser, kind)


def add_group(parser: Parser, kind: str) -> None:
    """The options of one block."""
    group = parser.add_argument_group(block_word(kind))
    for field in fields(kind):
        if field.create_name:
            _add(group, kind, field)


def fields(kind: str) -> tuple[Field, ...]:
    """The fields of a block."""
    from ..api.wire import WIRES

    return WIRES[kind].fields


def typed(options: argparse.Namespace, kind: str) -> list[str]:
    """The options of a block that were given."""
    return [option_of(kind, field) for field in fields(kind) if getattr(options, _dest(kind, field), None) is not None]


def _add(group: argparse._ArgumentGroup, kind: str, field: Field) -> None:
    option, dest, words = option_of(kind, field), _dest(kind, field), _(field.help).replace("%", "%%")
    if field.secret:
        words = f"{words} {_('- for standard input; or {name}').format(name=variable_of(kind, field))}"
        group.add_argument(option, dest=dest, metavar="PATH", help=words)
    elif field.kind == "switch":
        group.add_argument(option, dest=dest, action=argparse.BooleanOptionalAction, default=None, help=words)
    elif field.kind == "choice":
        group.add_argument(option, dest=dest, choices=[one for one in field.choices if one], help=words)
    elif field.kind == "set":
        words = f"{words} {_('Of: {names}').format(names=', '.join(field.choices))}"
        group.add_argument(option, dest=dest, type=_set_of(field.choices), metavar="NAME[,NAME]", help=words)
    else:
        group.add_argument(option, dest=dest, type=count if field.kind == "number" else str, metavar="VALUE", help=words)


def _dest(kind: str, field: Field) -> str:
    return f"block.{kind}.{field.name}"


def secret_from(path: str) -> str:
    """A secret of a file, or of standard input: its first line. Raises Failure, which never repeats it."""
    try:
        text = sys.stdin.readline() if path == "-" else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise Failure(_("{path} cannot be read: {problem}").format(path=path, problem=error.strerror), "config") from error
    except UnicodeDecodeError:
        text = ""
    secret = text.rstrip("\r\n")
    if not secret or not secret.isprintable():
        raise Failure(_("{path} holds no secret: one line of text.").format(path=path), "config")
    return secret


def given(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Kind -> field -> value, of what was typed; secrets of the environment only for blocks that were. Raises Failure."""
    from ..api.wire import WIRES

    found: dict[str, dict[str, Any]] = {}
    for kind, wire in WIRES.items():
        values: dict[str, Any] = {}
        for field in wire.fields:
            value = getattr(options, _dest(kind, field), None)
            if value is not None:
                values[field.name] = secret_from(value) if field.secret else value
        for field in wire.fields:
            variable = os.environ.pop(variable_of(kind, field), "") if field.secret else ""
            if values and variable:
                values.setdefault(field.name, variable)
        if values:
            found[kind] = values
    return found


def apply(edits: Mapping[str, Edit], values: Mapping[str, Mapping[str, Any]]) -> None:
    """Put them into the forms; a block of which anything is said is on, unless it is said to be off. Raises Failure."""
    from ..operations.creating import problems

    for kind, fields in values.items():
        edit = edits[kind]
        if "enabled" in edit.yours and "enabled" not in fields:
            edit.set("enabled", True)
        for name, value in fields.items():
            edit.set(name, value)
    wrong = [f"{option_of(kind, _field(edits[kind], name))}: {words}" for kind, name, words in problems(edits)]
    if wrong:
        raise Failure("; ".join(wrong), "usage")


def _field(edit: Edit, name: str) -> Field:
    return next(field for field in edit.fields if field.name == name)
