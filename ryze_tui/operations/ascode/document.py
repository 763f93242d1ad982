"""The YAML file: read into what is wanted, with the line of everything, and all that is wrong with it at once.

Only its structure is looked at here, and what can be known without a server; no secret is ever repeated.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ...api.fields import Field
from ...api.wire import WIRES
from ...config.check import near
from ...i18n import _
from ...redact import clean, mask
from .. import checks
from .references import Ref, Unresolved

Node = Any
"""One of ruamel.yaml.nodes; its types leave out the `id` that says which."""

VERSION: Final = 1
BYTES_MOST: Final = 16 << 20
WORDS: Final = {"settings": "settings", "proxy": "proxy", "s3": "s3", "stream": "websocket", "chatwoot": "chatwoot"}
"""What a block is called in the file -> its kind; webhooks are several and have a level of their own."""
WEBHOOKS: Final = "webhooks"
TOKEN: Final = "token"
OURS_NOT: Final = "x-"
"""What begins like this at the top is a place for anchors, and nothing else is made of it."""
WEBHOOKS_ON: Final = 3
"""Webhooks of an instance that may be on (contract §2.12)."""
_TAG: Final = "tag:yaml.org,2002:"
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_PATHS_SHOWN: Final = 60

Problem = tuple[int, str]
"""Line, from 1, and words."""


class Problems(Exception):
    """The file cannot be used; everything that is wrong, by line."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = sorted(problems)


@dataclass(frozen=True, slots=True)
class Given:
    """A value of the file, or what says where it is. `line` from 1."""

    value: Any
    line: int


@dataclass(slots=True)
class WantedBlock:
    """One block of an instance: the fields that the file names. `label` of a webhook, else empty."""

    kind: str
    label: str
    line: int
    fields: dict[str, Given] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """`proxy`, `webhook default`."""
        word = next((word for word, kind in WORDS.items() if kind == self.kind), self.kind)
        return f"{word} {self.label}".strip()


@dataclass(slots=True)
class WantedInstance:
    """One instance of the file."""

    name: str
    line: int
    token: Given | None = None
    blocks: list[WantedBlock] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Document:
    """The whole file. `digest` tells two contents apart; `folder`: what relative paths in it are relative to."""

    instances: dict[str, WantedInstance]
    digest: str
    folder: Path


def read(path: Path | None, text: str) -> Document:
    """Read a file. `path` None: it has none, and relative paths in it are those of the working directory. Raises Problems."""
    folder = path.parent if path is not None else Path()
    reading = _Reading(folder)
    instances = reading.document(_composed(text))
    if reading.problems:
        raise Problems(reading.problems)
    return Document(instances, hashlib.sha256(text.encode()).hexdigest(), folder)


def _composed(text: str) -> Node | None:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > BYTES_MOST:
        raise Problems([(1, _("the file is larger than {n} MB.").format(n=BYTES_MOST >> 20))])
    try:
        node: Node | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = _("this is no YAML: {problem}").format(problem=clean(mask(str(error.problem or error.context or "")))[:200])
        raise Problems([(mark.line + 1 if mark is not None else 1, words)]) from error
    except (YAMLError, ValueError) as error:
        raise Problems([(1, _("this is no YAML: {problem}").format(problem=clean(mask(str(error))).strip()[:200]))]) from error
    except RecursionError as error:
        raise Problems([(1, _("this is nested too deeply."))]) from error
    return node


class _Reading:
    """One pass over the nodes; `problems` grows instead of anything being raised."""

    def __init__(self, folder: Path) -> None:
        self.problems: list[Problem] = []
        self._folder = folder

    def say(self, node: Node, words: str) -> None:
        self.problems.append((_line(node), words))

    # -- structure -----------------------------------------------------------------------------------------------------

    def document(self, node: Node | None) -> dict[str, WantedInstance]:
        if node is None:
            self.problems.append((1, _("the file is empty; it begins with: version: 1")))
            return {}
        top = {name: (key, value) for name, key, value in self.pairs(node, _("the file"))}
        self._known({name: one for name, one in top.items() if not name.startswith(OURS_NOT)}, ("version", "instances"))
        if "version" not in top:
            self.say(node, _("version: {n} is missing.").format(n=VERSION))
        elif self._scalar(top["version"][1]) != VERSION:
            self.say(top["version"][1], _("this is for another version of ryze-tui; known is version: {n}.").format(n=VERSION))
        if "instances" not in top:
            self.say(node, _("instances is missing: a mapping of names to blocks."))
            return {}
        body = top["instances"][1]
        if _empty(body):
            return {}
        return {name: self.instance(name, key, value) for name, key, value in self.pairs(body, "instances")}

    def instance(self, name: str, key: Node, node: Node) -> WantedInstance:
        made = WantedInstance(name, _line(key))
        if _empty(node):
            return made
        parts = {word: (place, value) for word, place, value in self.pairs(node, name)}
        self._known(parts, (TOKEN, *WORDS, WEBHOOKS))
        for word, (place, value) in parts.items():
            if word == TOKEN:
                made.token = self._token(value)
            elif word == WEBHOOKS:
                made.blocks += [
                    self.block("webhook", label, where, one) for label, where, one in self.pairs(value, WEBHOOKS)
                ]
            elif word in WORDS:
                made.blocks.append(self.block(WORDS[word], "", place, value))
        self._webhooks_on(made, parts)
        return made

    def _webhooks_on(self, made: WantedInstance, parts: Mapping[str, tuple[Node, Node]]) -> None:
        hooks = [one.fields.get("enabled") for one in made.blocks if one.kind == "webhook"]
        on = [given for given in hooks if given is not None and given.value is True]
        if len(on) > WEBHOOKS_ON:
            self.say(parts[WEBHOOKS][0], _("at most {n} webhooks of an instance can be on.").format(n=WEBHOOKS_ON))

    def block(self, kind: str, label: str, key: Node, node: Node) -> WantedBlock:
        made = WantedBlock(kind, label, _line(key))
        known = {one.name: one for one in WIRES[kind].fields}
        found = {name: (place, value) for name, place, value in self.pairs(node, made.title)}
        self._known(found, tuple(known))
        for name, (_place, value) in found.items():
            if name in known:
                given = self.value(known[name], value)
                if given is not None:
                    made.fields[name] = given
        if "enabled" in known and "enabled" not in made.fields and "enabled" not in found:
            self.say(key, _("{block}: say enabled: true or enabled: false.").format(block=clean(made.title)))
        self._off(made, found)
        self._static(made, known)
        return made

    def _off(self, made: WantedBlock, found: Mapping[str, tuple[Node, Node]]) -> None:
        if (given := made.fields.get("enabled")) is not None and given.value is False:
            for name in found.keys() & made.fields.keys() - {"enabled"}:
                self.say(found[name][0], about(name, _("While it is off nothing of this is kept.")))

    def _static(self, made: WantedBlock, known: Mapping[str, Field]) -> None:
        """What is wrong with a value whatever else the server holds."""
        on = made.fields.get("enabled")
        if on is not None and on.value is not True:
            return
        values = {name: given.value for name, given in made.fields.items()}
        for name, given in made.fields.items():
            if isinstance(given.value, Ref) or known[name].kind == "switch":
                continue
            if words := checks.problem(made.kind, known[name], given.value, values):
                self.problems.append((given.line, about(name, words)))

    # -- values --------------------------------------------------------------------------------------------------------

    def value(self, known: Field, node: Node) -> Given | None:
        if known.kind == "set":
            return self._set(known, node)
        if known.kind == "text" and node.id == "mapping":
            return self._reference(known.name, node)
        found = self._scalar(node)
        if known.kind == "text" and known.name == "port" and type(found) is int:
            found = str(found)
        if not self._fits(known, node, found):
            return None
        if known.secret and found:
            self._open_secret(node, known.name)
            return None
        if known.kind == "choice" and found not in known.choices:
            choices = ", ".join(filter(None, known.choices))
            self.say(node, about(known.name, _("One of: {choices}.").format(choices=choices)))
            return None
        return Given(found, _line(node))

    def _fits(self, known: Field, node: Node, found: Any) -> bool:
        kind = {"switch": bool, "number": int}.get(known.kind, str)
        if type(found) is kind:
            return True
        words = {bool: _("true or false"), int: _("a whole number")}.get(kind, _("a text (quote it)"))
        self.say(node, _("{name} must be {kind}, not {found}.").format(name=known.name, kind=words, found=_kind(node, found)))
        return False

    def _set(self, known: Field, node: Node) -> Given | None:
        if node.id != "sequence":
            self.say(node, _("{name} must be a list, like [{example}].").format(name=known.name, example=known.choices[0]))
            return None
        found, good = [], True
        for one in node.value:
            name = self._scalar(one)
            if isinstance(name, str) and name in known.choices and name not in found:
                found.append(name)
                continue
            good = False
            if name in found:
                self.say(one, about(known.name, _('"{value}" is there twice.').format(value=name)))
            else:
                self.say(one, about(known.name, _unknown(str(name), known.choices)))
        return Given(found, _line(node)) if good else None

    def _token(self, node: Node) -> Given | None:
        if node.id == "mapping":
            return self._reference(TOKEN, node)
        self._open_secret(node, TOKEN)
        return None

    def _open_secret(self, node: Node, name: str) -> None:
        words = _("A secret is not written here: {from_env: NAME}, {from_file: PATH} or {keep: true}.")
        self.say(node, about(name, words))

    def _reference(self, name: str, node: Node) -> Given | None:
        parts = {word: (place, value) for word, place, value in self.pairs(node, name)}
        before = len(self.problems)
        self._known(parts, ("from_env", "from_file", "keep"))
        texts: dict[str, str] = {}
        for word in ("from_env", "from_file"):
            if word in parts:
                found = self._scalar(parts[word][1])
                if isinstance(found, str) and found and (word != "from_env" or re.fullmatch(r"[A-Za-z_]\w*", found)):
                    texts[word] = found
                else:
                    self.say(parts[word][1], about(name, _("{word} needs a name.").format(word=word)))
        keep = "keep" in parts and self._scalar(parts["keep"][1])
        if keep not in (True, False):
            self.say(parts["keep"][1], _("{name} must be {kind}.").format(name="keep", kind=_("true or false")))
        if len(texts) > 1:
            self.say(node, about(name, _("from_env or from_file, not both.")))
        if not texts and not keep and before == len(self.problems):
            self.say(node, about(name, _("It needs from_env, from_file or keep: true.")))
        if before != len(self.problems):
            return None
        ref = Ref(keep is True, texts.get("from_env", ""), texts.get("from_file", ""))
        if not ref.keep:
            try:
                ref.resolve(self._folder)
            except Unresolved as problem:
                self.say(node, about(name, str(problem)))
                return None
        return Given(ref, _line(node))

    # -- YAML ----------------------------------------------------------------------------------------------------------

    def pairs(self, node: Node, what: str) -> Iterator[tuple[str, Node, Node]]:
        """The pairs of a mapping; what is there twice, or has no name, is told and left out."""
        if node.id != "mapping":
            self.say(node, _("{what} must be a mapping of names to values.").format(what=clean(what)))
            return
        seen: dict[str, int] = {}
        for key, value in self._merged(node, 0):
            name = key.value if key.id == "scalar" else None
            if not isinstance(name, str) or not name:
                self.say(key, _("{what}: a name must be a text.").format(what=clean(what)))
            elif name in seen:
                self.say(key, _("{name} is there twice, first in line {line}.").format(name=_shown(name), line=seen[name]))
            else:
                seen[name] = _line(key)
                yield name, key, value

    def _merged(self, node: Node, depth: int) -> Iterator[tuple[Node, Node]]:
        """Its own pairs, and those of `<<: *anchor` that it has none of itself."""
        own = [(key, value) for key, value in node.value if key.tag != f"{_TAG}merge"]
        yield from own
        seen = {key.value for key, _value in own if key.id == "scalar"}
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                sources = value.value if value.id == "sequence" else [value]
                for source in sources:
                    if source.id != "mapping" or depth > 8:
                        self.say(key, _("<< needs a mapping."))
                        continue
                    for inner, other in self._merged(source, depth + 1):
                        if inner.id == "scalar" and inner.value not in seen:
                            seen.add(inner.value)
                            yield inner, other

    def _scalar(self, node: Node) -> Any:
        """A text, whole number, true or false; None for nothing, and for what is none of these."""
        if node.id != "scalar":
            return None
        kind, text = str(node.tag).removeprefix(_TAG), str(node.value)
        if kind == "bool":
            return True if text in _TRUE else False if text in _FALSE else text
        if kind == "int" and re.fullmatch(r"[-+]?[0-9]{1,18}", text):
            return int(text)
        return text if kind == "str" else None

    def _known(self, found: Mapping[str, tuple[Node, Node]], known: tuple[str, ...]) -> None:
        for name, (key, _value) in found.items():
            if name not in known:
                self.say(key, _unknown(name, known))


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def about(name: str, words: str) -> str:
    """Words on a field; in quotes that no rule of `redact` takes for a secret's."""
    return f"“{name}”: {words}"


def _unknown(name: str, known: tuple[str, ...]) -> str:
    close = near(name, known)
    if close == ".":
        close = _("; there are: {known}.").format(known=", ".join(known))
    return _('there is no "{name}" here').format(name=_shown(name)) + close


def _empty(node: Node) -> bool:
    return bool(node.id == "scalar" and str(node.tag).endswith(":null"))


def _shown(name: str) -> str:
    return clean(mask(name))[:_PATHS_SHOWN]


def _kind(node: Node, found: Any) -> str:
    if node.id != "scalar":
        return _("a list") if node.id == "sequence" else _("a mapping")
    if found is None:
        return _("nothing") if _empty(node) else _("a number with a fraction or another kind of value")
    return {bool: _("true or false"), int: _("a whole number")}.get(type(found), _("a text"))
