"""Every visible text of ours goes through here; English is the source language.

Catalogues live in `ryze_tui/locale/<language>/LC_MESSAGES/`: the `.po` is what people edit, the `.mo` beside it is made from it
by `make texts` and is what runs. `gettext` is imported only when one is to be read, so that English costs nothing at start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

ENGLISH: Final = "en"
_LOCALE = Path(__file__).with_name("locale")
_AS_IN: Final = {"pt": "pt_BR", "es": "es", "en": ENGLISH, "c": ENGLISH, "posix": ENGLISH}
"""What stands before the `_` of a locale's name -> the language we have for it."""
_singular: Callable[[str], str] = str
_plural: Callable[[str, str, int], str] | None = None
_now: str = ENGLISH


def languages() -> tuple[str, ...]:
    """The languages there are, as RYZE_LANG and the configuration name them."""
    return (ENGLISH, *sorted(path.name for path in _LOCALE.iterdir() if path.is_dir()))


def known(name: str) -> str:
    """The language of ours that a locale's name stands for (`pt_PT.UTF-8`, `es-MX`, `C`); empty when we have none."""
    return _AS_IN.get(name.strip().replace("-", "_").partition(".")[0].partition("@")[0].partition("_")[0].lower(), "")


def chosen(configured: str | None, environment: Mapping[str, str]) -> str:
    """RYZE_LANG, else the configuration, else the locale (LC_ALL, LC_MESSAGES, LANG); English for what we do not have."""
    given = (environment.get("RYZE_LANG"), configured, *(environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")))
    return known(next((name for name in given if name and name.strip()), ENGLISH)) or ENGLISH


def language() -> str:
    """The language that texts are in now."""
    return _now


def install(configured: str | None = None) -> None:
    """Choose the language. `configured`: what the configuration file says, once that was read; RYZE_LANG wins over it."""
    global _singular, _plural, _now
    wanted = chosen(configured, os.environ)
    if wanted == _now:
        return
    _singular, _plural, _now = str, None, ENGLISH
    if wanted == ENGLISH:
        return
    import gettext

    with (_LOCALE / wanted / "LC_MESSAGES" / "ryze_tui.mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    _singular, _plural, _now = catalogue.gettext, catalogue.ngettext, wanted


def _(text: str) -> str:
    """Translate a text of ours. Call it where the text is shown, never at import."""
    return _singular(text) if text else ""


def n_(one: str, many: str, count: int) -> str:
    """Translate a text that depends on a count; it may hold `{n}`."""
    text = _plural(one, many, count) if _plural else (one if count == 1 else many)
    return text.replace("{n}", str(count))


def mark(text: str) -> str:
    """Mark a text for the catalogues without translating it yet (tables made at import)."""
    return text
