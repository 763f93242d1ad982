"""Every text of the program has a translation that keeps its placeholders and keys, and none reaches the screen past `_`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from ryze_tui.redact import mask

from ..texts import SOURCE, compiled, languages, missing, place, read, template, untranslated, written

texts = cache(template)
both = pytest.mark.parametrize("language", ["es", "pt_BR"])


def test_these_are_the_languages() -> None:
    assert languages() == ["es", "pt_BR"]
    assert len(texts()) > 700


@both
def test_nothing_is_untranslated(language: str) -> None:
    assert missing(language, texts()) == []


@both
def test_the_catalogue_is_as_make_texts_writes_it(language: str) -> None:
    """Nothing doubtful, nothing that no code says any more, sorted; and what runs is made from it."""
    catalogue = read(language)
    assert not [message.id for message in catalogue if message.id and (message.fuzzy or untranslated(message))]
    assert not catalogue.obsolete
    assert {message.id for message in catalogue} == {message.id for message in texts()}
    assert place(language).read_bytes() == written(catalogue), "make texts"
    assert place(language).with_suffix(".mo").read_bytes() == compiled(catalogue), "make texts"


# -- what a translation must keep --------------------------------------------------------------------------------------

_KEPT = re.compile(
    r"\{\w*\}|%\(\w+\)[sr]|%[sr]|--[a-z][\w-]+|RYZE_\w+|https?://\S*[\w/*]|\n"
    r"|\bryze-tui(?: (?:account|server|serve|demo)(?: \w+)?)?\b|127\.0\.0\.1|/[a-z]+(?:\.json)?\b(?=[ ,;.)]|$)"
)
_KEY = r"↑↓|←→|↑ ↓|1–6|↓|esc|enter|del|space|[A-Za-z](?= )"


def _pairs(language: str) -> Iterator[tuple[str, str]]:
    """Every text, and each of its forms where it has two, with its translation."""
    for message in read(language):
        if message.id and isinstance(message.id, str):
            yield message.id, str(message.string)
        elif message.id:
            yield from zip(message.id, message.string, strict=True)


def _keys(text: str) -> list[str]:
    """The keys at the beginnings of the parts of a hint: `r review and save · u revert · esc close`."""
    found = [re.match(rf"\(?({_KEY})(?= )", part.strip()) for part in text.split(" · ")]
    return [match[1] for match in found if match]


@both
def test_placeholders_options_and_commands_stay(language: str) -> None:
    def kept(text: str) -> list[str]:
        return sorted(set(_KEPT.findall(text)))

    wrong = [(text, said) for text, said in _pairs(language) if kept(text) != kept(said)]
    assert not wrong


@both
def test_keys_stay(language: str) -> None:
    wrong = [
        (text, said)
        for text, said in _pairs(language)
        if " · " in text and _keys(text) != _keys(said)
    ]
    wrong += [
        (text, said)
        for text, said in _pairs(language)
        for key in ("esc", "enter")  # not `del`, which is a word in Spanish
        if len(re.findall(rf"\b{key}\b", text)) != len(re.findall(rf"\b{key}\b", said))
    ]
    assert not wrong


@both
def test_ends_of_texts_stay(language: str) -> None:
    """White space and the mark at the end: texts are put before, after and beside others."""

    def end(text: str) -> tuple[str, str, bool]:
        return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :], text.rstrip()[-1] in ":,;"

    wrong = [(text, said) for text, said in _pairs(language) if said and end(text) != end(said)]
    assert not wrong


def test_no_sentence_of_ours_is_taken_for_a_secret() -> None:
    """Errors are masked as a whole: `holds no token: one line …` must not lose its first word."""
    told = [text for language in languages() for pair in _pairs(language) for text in pair]
    texts = [text.replace("Bearer abc123", "") for text in told if "{where}" not in text and not text.endswith(": {path}")]
    assert [text for text in texts if mask(text) != text] == []


# -- what does not go through a catalogue --------------------------------------------------------------------------------

_CATALOGUED = frozenset({"_", "n_", "mark", "_declare"})
_SHOWING = frozenset({
    "Static", "Button", "Label", "Input", "Choice", "Menu", "Entry", "Question", "TypeName", "Step", "Action", "seg", "field",
    "text", "notify", "refuse", "say", "_say", "update", "print", "error", "add_argument", "add", "_plain", "Outcome", "Content",
    "Option", "ConfigError", "ServerError", "AdminError", "_Wrong", "BadReply", "StartupError", "ArgumentTypeError", "RyzeError",
    "Binding",
})  # fmt: skip
_NO_TEXTS = ("Verb", "Reason", "__slots__", "__all__")
_SILENT = frozenset({"getLogger", "addFilter", "TypeVar", "startswith", "basicConfig", "cast"})
_NOT_SHOWN = frozenset({
    "id", "classes", "severity", "name", "type", "action", "choices", "default", "metavar", "dest", "end", "nargs", "group",
    "show", "key", "prog", "encoding", "kind",
})  # fmt: skip
_ALLOWED = frozenset({
    " (esc)", "Accept", "https://ryzeapi.cloud",  # a key, a header, an address
    "no exception was kept\n",  # in the crash file
    "connect by code", "earlier run",  # of the audit log; a mark of ours
    "profileName", "number", "state", "blocks", "id", "since", "reason",  # fields of the wire
    "no proxy", "no address", "no connection", "put",  # kinds and steps, and where the system has no words of its own
    "it cannot be reached", "it refuses the credentials", "there is no such bucket", "its address may not be dialled",
    "its configuration is of no use", "it answers with errors", "it refuses the object",  # kinds of failures, of the server's log
    "Proxy-Authorization: Basic ", "Authorization", "Timeout", "dns error", "kind: Connect", "\n\nDebug source:",
    "Unable to extract metadata from headers", "the headers of the answer do not end",  # of protocols and libraries
    "Zs", "Cf", "Cs", "Cn", "Co", "Mn", "Me", "Mc", "So",  # classes of characters
    "API ", " ryze ", "ryze-tui", "ryze-tui ", "ryze-tui: ", "ryze-tui account: ", "ryze-tui serve: ", "ryze-tui config: ",
    "ryze-tui session: ",
    "url: ", " (at end of document)",  # a setting's name, and what a library says
    "ryze-tui: serving on ",  # read by programs: the console waits for this line of a server that it started
    "Hello from the virtual phone",  # what the simulated contact writes
    "ryze-tui [options]\n       ryze-tui COMMAND [options]", "ryze-tui create NAME [options]", "            local options=",
    "bulk websocket",  # of the audit log
    "stream set",  # a command
    "bold underline", "bold reverse",  # of style sheets
    "True", "False",  # as people write them in YAML
    "Expecting property name", "Illegal trailing comma", "Expecting value", "Unterminated string", "Invalid control character",
    "Extra data",  # what Python's JSON says, which is read and said in other words
    '"token: $RYZE_TOKEN"', "Content-Type: application/json",  # of a curl command
})  # fmt: skip
_SENTENCE = re.compile(r"[A-Za-z]{2,}[,;:.]? [A-Za-z]{2,}|^[A-Z][a-z]+$")
_NOT_OURS = {"api/errors.py", "api/messages.py", "cli/completing.py"}
"""The contract's own English: what the server says is shown as it came. And scripts that shells read."""


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _unseen(tree: ast.AST) -> set[ast.AST]:
    """Parts of a module whose strings are no texts: docstrings, annotations, style sheets, log lines, what is translated."""
    out: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()):
                out.add(node.value)
            case ast.Call() if _name(node.func) in _CATALOGUED | _SILENT:
                out.update(ast.walk(node))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="_log" | "logging" | "re"))):
                out.update(ast.walk(node))
            case ast.Raise(exc=ast.Call(func=func)) if _name(func) in ("TypeError", "ValueError", "AssertionError", "KeyError"):
                out.update(ast.walk(node))  # for programmers
            case ast.AnnAssign():
                out.update(ast.walk(node.annotation))
            case ast.arg(annotation=ast.expr()):
                out.update(ast.walk(node.annotation))
            case ast.FunctionDef() | ast.AsyncFunctionDef() if node.returns:
                out.update(ast.walk(node.returns))
            case ast.Assign(targets=[ast.Name(id=name)]) if name.endswith("CSS") or name in _NO_TEXTS:
                out.update(ast.walk(node))
            case ast.Subscript(value=ast.Name(id="Literal" | "Dialog" | "ModalScreen" | "Callable")):
                out.update(ast.walk(node))
    return out


def _texts_of(call: ast.Call) -> list[ast.expr]:
    """The arguments by place that are shown: not an option's or an action's name, not a style's."""
    kind = _name(call.func)
    if kind in ("add", "add_argument"):
        return []
    return call.args[:1] if kind == "text" else call.args[{"Action": 1, "Binding": 2}.get(kind, 0) :]


def _strays(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unseen, shown = _unseen(tree), set[ast.AST]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in _SHOWING:
            for argument in [*_texts_of(node), *(word.value for word in node.keywords if word.arg not in _NOT_SHOWN)]:
                inner = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
                shown.update(part for part in inner if isinstance(part, ast.Constant))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in unseen or node.value in _ALLOWED:
            continue
        if _SENTENCE.search(node.value) or (node in shown and re.search(r"[A-Za-z]{2}| [a-z]$", node.value)):
            yield f"{path.relative_to(SOURCE)}:{node.lineno}: {node.value!r}"


def test_no_text_reaches_the_screen_untranslated() -> None:
    paths = [
        path for path in sorted(SOURCE.rglob("*.py"))
        if not {"backend", "openapi"} & set(path.parts) and str(path.relative_to(SOURCE)) not in _NOT_OURS
    ]
    assert not [stray for path in paths for stray in _strays(path)]


def test_the_server_speaks_the_contracts_english() -> None:
    """What goes on the wire is never translated: the backend may mark words, which a console says in its own language."""
    for part in ("backend", "outside"):
        for path in (SOURCE / part).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("i18n"):
                    assert [name.name for name in node.names] == ["mark"], path
                assert not (isinstance(node, ast.ImportFrom) and any(name.name == "i18n" for name in node.names)), path


def test_a_text_that_is_put_together_is_refused(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text('_(f"{n} calls")\n', encoding="utf-8")
    with pytest.raises(ValueError, match="named placeholder"):
        template(tmp_path)
    (tmp_path / "made.py").write_text('print(f"● {_(\'LIVE\')}", n_("{n} call", "{n} calls", 2), mark("a" if x else "b"))\n')
    found: Catalog = template(tmp_path)
    assert {message.id for message in found if message.id} == {"LIVE", ("{n} call", "{n} calls"), "a", "b"}
