"""What instances hold as a YAML file: every field of every block, secrets as references only."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from typing import Any

from ...api.fields import Field
from ...api.instance import Instance
from ...api.wire import WIRES, Wire
from ...i18n import _
from ...redact import clean, mask
from ..editing import KEEP, complete
from .document import TOKEN, VERSION, WEBHOOKS, WORDS
from .holding import Blocks
from .references import Names, Ref


def text(rows: Mapping[str, Instance], held: Mapping[str, Blocks], names: Names, head: str) -> str:
    """The file. `head`: a comment for its first lines. Raises OSError when a secret's file cannot be written."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    yaml = YAML()
    yaml.width, yaml.default_flow_style = 4096, False
    instances = CommentedMap({name: _instance(name, rows[name], blocks, names) for name, blocks in held.items()})
    whole = CommentedMap({"version": VERSION, "instances": instances})
    whole.yaml_set_start_comment("\n".join(clean(line) for line in head.splitlines()) + "\n")
    yaml.allow_unicode = _harmless(whole)
    stream = StringIO()
    yaml.dump(whole, stream)
    return stream.getvalue()


def head() -> str:
    """What a reader of the file should know."""
    return _(
        "The blocks of instances, by ryze-tui export. ryze-tui plan FILE says what\n"
        "it would change, and ryze-tui apply FILE does it. A block or field that is\n"
        "left out stays as it is on the server. Secrets are references:\n"
        "{from_env: NAME}, {from_file: PATH}, and {keep: true}: as it is stored, with\n"
        "one of the others beside it for where nothing is stored."
    )


def _instance(name: str, row: Instance, blocks: Blocks, names: Names) -> Any:
    from ruamel.yaml.comments import CommentedMap

    made = CommentedMap({TOKEN: _ref(names.of((name, TOKEN), row.token or None))})
    for word, kind in WORDS.items():
        if (values := blocks[kind].values) is not None:
            made[word] = _block(name, WIRES[kind], (word,), values, names)
    if rows := blocks["webhook"].rows:
        made[WEBHOOKS] = CommentedMap(
            {label: _block(name, WIRES["webhook"], ("webhook", label), values, names) for label, values in rows.items()}
        )
    return made


def _block(name: str, wire: Wire, place: tuple[str, ...], values: Mapping[str, Any], names: Names) -> Any:
    from ruamel.yaml.comments import CommentedMap

    whole = complete(wire, values)
    if whole.get("enabled") is False:
        return CommentedMap({"enabled": False})
    made = CommentedMap()
    for field in wire.fields:
        found = _value(wire, field, (name, *place), whole, names)
        if found is not KEEP:
            made[field.name] = found
    return made


def _value(wire: Wire, field: Field, place: tuple[str, ...], whole: Mapping[str, Any], names: Names) -> Any:
    from ruamel.yaml.comments import CommentedSeq

    value = whole[field.name]
    if isinstance(value, list):
        listed = CommentedSeq(value)
        listed.fa.set_flow_style()
        return listed
    if value is KEEP:  # hidden: a proxy that asks for no user asks for no password either
        return KEEP if wire.kind == "proxy" and not whole["username"] else _ref(names.of((*place, field.name), None))
    if isinstance(value, str) and value and (field.secret or mask(value) != value):  # an address with a password in it
        return _ref(names.of((*place, field.name), value))
    if field.kind == "choice" and not value:
        return KEEP
    return value


def _ref(ref: Ref) -> Any:
    from ruamel.yaml.comments import CommentedMap

    made = CommentedMap()
    if ref.keep:
        made["keep"] = True
    if ref.elsewhere:
        made["from_env" if ref.env else "from_file"] = ref.env or ref.file
    made.fa.set_flow_style()
    return made


def _harmless(value: Any) -> bool:
    """Whether no text in it would move a cursor or hide something; else everything but ASCII is written as escapes."""
    if isinstance(value, str):
        return clean(value, lines=True) == value
    if isinstance(value, dict):
        return all(_harmless(key) and _harmless(one) for key, one in value.items())
    return all(map(_harmless, value)) if isinstance(value, list) else True
