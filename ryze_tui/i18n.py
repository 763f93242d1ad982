"""Every visible text of ours goes through here; English is the source language.

Catalogues live in `ryze_tui/locale/<lang>/LC_MESSAGES/ryze_tui.mo`. The language comes from RYZE_LANG, then the locale.
`gettext` itself is imported only when a catalogue may exist, so that English costs nothing at start.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

_LOCALE = Path(__file__).with_name("locale")
_singular: Callable[[str], str] = str
_plural: Callable[[str, str, int], str] | None = None


def _language() -> str:
    for name in ("RYZE_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return value.partition(":")[0].partition(".")[0]
    return "en"


def install(language: str | None = None) -> None:
    """Choose the language; unknown ones fall back to English."""
    global _singular, _plural
    _singular, _plural = str, None
    wanted = language or _language()
    if wanted.startswith(("en", "C", "POSIX")) or not _LOCALE.is_dir():
        return
    import gettext

    catalogue = gettext.translation("ryze_tui", str(_LOCALE), languages=[wanted, wanted[:2]], fallback=True)
    _singular, _plural = catalogue.gettext, catalogue.ngettext


def _(text: str) -> str:
    """Translate a text of ours. Call it where the text is shown, never at import."""
    return _singular(text)


def n_(one: str, many: str, count: int) -> str:
    """Translate a text that depends on a count; it may hold `{n}`."""
    text = _plural(one, many, count) if _plural else (one if count == 1 else many)
    return text.replace("{n}", str(count))


def mark(text: str) -> str:
    """Mark a text for the catalogues without translating it yet (tables made at import)."""
    return text
