"""`make texts`: finds every text of the program, brings the catalogues to it, compiles them, and lists what has no translation.

    python -m tests.texts            update ryze_tui/locale/*/LC_MESSAGES/ryze_tui.po and .mo, then list
    python -m tests.texts --missing  only list; changes nothing
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

SOURCE: Final = Path(__file__).parent.parent / "ryze_tui"
LOCALE: Final = SOURCE / "locale"
_TAKEN: Final = {"_": 1, "mark": 1, "n_": 2, "_declare": 2}
"""Function -> how many of its first arguments are texts; those of `_declare` (api/blocks.py) are a field's title and help."""
_HEAD: Final = """# Texts of ryze-tui. Translate here, then run `make texts`; CONTRIBUTING.md says how.
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""


def languages() -> list[str]:
    """Every language there is a catalogue for."""
    return sorted(path.name for path in LOCALE.iterdir() if path.is_dir())


def place(language: str) -> Path:
    """The file that people edit."""
    return LOCALE / language / "LC_MESSAGES" / "ryze_tui.po"


def _texts(node: ast.expr) -> Iterator[str]:
    """The texts that an argument may be. Raises ValueError for one that is put together: it has no place in a catalogue."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, (ast.JoinedStr, ast.BinOp)):
        raise ValueError(f"line {node.lineno}: a text that is put together cannot be translated; use a named placeholder")


def _found(code: str) -> Iterator[tuple[int, str | tuple[str, str]]]:
    """(line, text or its two forms) of every call, also of those inside of f-strings, which Babel's own reader does not see."""
    for node in ast.walk(ast.parse(code)):
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if name not in _TAKEN or not isinstance(node, ast.Call):
            continue
        texts = [list(_texts(argument)) for argument in node.args[: _TAKEN[name]]]
        if name == "n_":
            if all(texts):
                yield node.lineno, (texts[0][0], texts[1][0])
        else:
            yield from ((node.lineno, text) for several in texts for text in several)


def template(source: Path = SOURCE) -> Catalog:
    """Every text in the source, without translation."""
    catalogue = Catalog(fuzzy=False)
    for path in sorted(source.rglob("*.py")):
        for line, text in _found(path.read_text(encoding="utf-8")):
            if text:
                catalogue.add(text, locations=[(str(path.relative_to(source)), line)])
    return catalogue


def read(language: str) -> Catalog:
    """A catalogue as it stands in its file."""
    with place(language).open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    catalogue.fuzzy = False
    catalogue.creation_date = catalogue.revision_date = datetime(2025, 1, 1, tzinfo=UTC)  # the same bytes whenever it is made
    return catalogue


def compiled(catalogue: Catalog) -> bytes:
    """The `.mo` of a catalogue."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def written(catalogue: Catalog) -> bytes:
    """The `.po` of a catalogue: sorted, one line a text, no line numbers and no dates, so that branches merge."""
    file = io.BytesIO()
    write_po(file, catalogue, width=0, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    head = _HEAD.format(language=catalogue.locale, plurals=catalogue.plural_forms)
    return head.encode() + file.getvalue().lstrip(b"\n")


def untranslated(message: Message) -> bool:
    """Whether a form of it has no words."""
    return not all(message.string) if isinstance(message.string, (tuple, list)) else not message.string


def missing(language: str, texts: Catalog) -> list[str]:
    """The texts of the source that a catalogue has no translation for."""
    have = {message.id: message for message in read(language) if message.id}
    return [
        message.id if isinstance(message.id, str) else message.id[0]
        for message in texts
        if message.id and (message.id not in have or untranslated(have[message.id]) or have[message.id].fuzzy)
    ]


def update(language: str, texts: Catalog) -> None:
    """Bring a catalogue to the source: new texts come in empty, those that went are taken out."""
    catalogue = read(language)
    catalogue.update(texts, no_fuzzy_matching=True)
    place(language).write_bytes(written(catalogue))
    place(language).with_suffix(".mo").write_bytes(compiled(read(language)))


def main(words: list[str]) -> int:
    """1 when a text has no translation."""
    texts, lacking = template(), dict[str, list[str]]()
    for language in languages():
        if "--missing" not in words:
            update(language, texts)
        left = missing(language, texts)
        print(f"{language}: {len(texts)} texts, {len(left)} without translation")
        for text in left:
            lacking.setdefault(text, []).append(language)
    for text, where in lacking.items():
        print(f"  {', '.join(where)}: {text!r}")
    return int(bool(lacking))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
