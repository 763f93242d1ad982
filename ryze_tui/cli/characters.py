"""Whether this terminal can be trusted with more than ASCII: from the locale, as every other terminal program decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_POOR: Final = ("linux", "vt52", "vt100", "vt102", "vt220", "vt320", "cons25", "ansi", "xterm-mono")
"""TERM of terminals whose fonts lack our glyphs whatever their encoding (the Linux console has 512 at most)."""


def needs_ascii(environ: Mapping[str, str]) -> bool:
    """Whether only 7-bit characters may go out unless the person says otherwise.

    What the locale says (LC_ALL, else LC_CTYPE, else LANG) is believed: any encoding but UTF-8, and C or POSIX, mean ASCII.
    Where it says nothing, as in many containers, UTF-8 is meant; only terminals known to lack the glyphs get ASCII.
    """
    if environ.get("TERM", "").partition("-")[0] in _POOR or environ.get("TERM", "") in _POOR:
        return True
    said = _locale(environ)
    name, _dot, encoding = said.partition("@")[0].partition(".")
    if not said:
        return False
    if name in ("C", "POSIX") and not encoding:
        return True
    # Without an encoding (pt_BR) glibc means ISO-8859-1, but many systems have UTF-8 alone: not enough to take glyphs away.
    return bool(encoding) and encoding.lower().replace("-", "") != "utf8"


def _locale(environ: Mapping[str, str]) -> str:
    if said := environ.get("LC_ALL", ""):
        return said
    kind, lang = environ.get("LC_CTYPE", ""), environ.get("LANG", "")
    # Python itself sets LC_CTYPE to C.UTF-8 at its start where the locale is C, or not installed (PEP 538); the person said LANG.
    return lang if kind == "C.UTF-8" else kind or lang
