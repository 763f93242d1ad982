"""What must never be shown, and what must never reach a terminal: `mask` for secrets, `clean` for hostile text."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any, Final
from urllib.parse import quote

MASK: Final = "••••••••"

_SHORTEST: Final = 6  # shorter "secrets" would blank out ordinary words
_PREFIX: Final = 4

_PASSING_MOST: Final = 120_000

_secrets: dict[int, set[str]] = {}
_prefixes: set[str] = set()
_own: set[str] = set()
_passing: dict[str, None] = {}
"""Forms that a server named, oldest first: one that makes up new ones all the time must not fill the memory."""

_KEYS: Final = (
    "token|ryze_token|apikey|api_key|apiToken|chatwootApiToken|chatwoot_api_token|password|proxyPassword|secret|secretKey|s3SecretKey"
    "|authorization|webhookAuthorization|proxy-authorization|cookie|set-cookie|qrCode|qrCodeBase64|pairingCode"
)
_NO_SECRETS: Final = (
    "one|its|it|su|a|set|leave|exactly|uma|ele|defina|todos|exatamente|acrescente|dê|una|es|exactamente|agregue|dé"
)
"""Words that follow a colon in sentences of ours (`holds no token: one line of …`), in every language of ours."""
_RULES: Final = (
    # "password": "…" (JSON, also with its quotes escaped once)
    (rf'(?i)(\\?"(?:{_KEYS})\\?"\s*:\s*\\?")((?:[^"\\]|\\[^"])*)', rf"\1{MASK}"),
    # "codes": ["…", "…"]
    (r'(?i)(\\?"codes\\?"\s*:\s*\[)[^\]]*', rf"\1{MASK}"),
    # ?token=…  &token=…  token: …  Authorization: Bearer …
    (rf"(?i)([?&;](?:{_KEYS})=)[^&\s\"']+", rf"\1{MASK}"),
    (rf"(?im)(\b(?:{_KEYS})\s*:\s*)(?!\s*{MASK}|\s*(?:{_NO_SECRETS})\s+\w)(?:(Bearer|Basic)\s+)?[^\s\"',;]+", rf"\1{MASK}"),
    (r"(?i)\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}", rf"\1 {MASK}"),
    # user:password@ in an address
    (r"(?i)(\b[a-z][a-z0-9+.-]*://)[^/\s@\"']+@", rf"\1{MASK}@"),
    # the text of a QR code, with and without WhatsApp's prefix
    (r"https?://wa\.me/settings/linked_devices#\S+", MASK),
    (r"\b\d@[A-Za-z0-9+/=_-]{16,}(?:,[A-Za-z0-9+/=_-]*)*", MASK),
)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Compiled at the first `mask`: 5 ms that no start-up has to wait for."""
    return tuple((re.compile(rule), replacement) for rule, replacement in _RULES)


def register(secret: str, *, passing: bool = False) -> None:
    """Remember a secret so that `mask` removes it wherever it turns up, plain, percent-encoded or inside JSON.

    `passing`: one of many that a server tells; the oldest of those are forgotten when they become too many.
    """
    forms = {secret}
    if not (secret.isascii() and secret.isalnum()):
        import json  # 4 ms that start-up saves with the usual token

        forms |= {quote(secret, safe="", errors="replace"), json.dumps(secret)[1:-1]}
    for form in forms:
        if len(form) < _SHORTEST:
            continue
        _secrets.setdefault(len(form), set()).add(form)
        _prefixes.add(form[:_PREFIX])
        if passing and form not in _own:
            _passing[form] = None
        else:
            _own.add(form)
            _passing.pop(form, None)
    if len(_passing) > _PASSING_MOST:
        _forget_oldest()


def _forget_oldest() -> None:
    for form in list(_passing)[: _PASSING_MOST // 2]:
        del _passing[form]
        _secrets[len(form)].discard(form)
    _prefixes.clear()
    _prefixes.update(form[:_PREFIX] for forms in _secrets.values() for form in forms)


def forget_all() -> None:
    """Forget every registered secret (tests, and a change of profile)."""
    for kept in (_secrets, _prefixes, _own, _passing):
        kept.clear()


def mask(text: str) -> str:
    """Replace registered secrets, secret-looking fields, QR texts and credentials in addresses."""
    if _secrets:
        text = _without_registered(text)
    for pattern, replacement in _patterns():
        text = pattern.sub(replacement, text)
    return text


def _without_registered(text: str) -> str:
    """One pass over the text; 10,000 registered tokens cost no more than one."""
    lengths, out, start, i = sorted(_secrets, reverse=True), [], 0, 0
    while i <= len(text) - _SHORTEST:
        if text[i : i + _PREFIX] in _prefixes:
            length = next((n for n in lengths if text[i : i + n] in _secrets[n]), 0)
            if length:
                out += [text[start:i], MASK]
                start = i = i + length
                continue
        i += 1
    return "".join([*out, text[start:]]) if out else text


_NAMES: Final = frozenset(name.lower() for name in _KEYS.split("|")) | {"codes"}


def masked(value: Any) -> Any:
    """A JSON value without secrets: fields that are named like one, and whatever `mask` finds in its texts."""
    if isinstance(value, dict):
        return {key: MASK if key.lower() in _NAMES and one else masked(one) for key, one in value.items()}
    if isinstance(value, list):
        return [masked(one) for one in value]
    return mask(value) if isinstance(value, str) else value


def tail(secret: str) -> str:
    """`••••••••3f2a`: enough to tell two tokens apart. Short ones show nothing."""
    return MASK + secret[-4:] if len(secret) >= 12 else MASK


# -- hostile text ------------------------------------------------------------------------------------------------------

# Anything outside these is worth a closer look: plain ASCII, Latin, Greek, Cyrillic, CJK, kana, Hangul syllables.
_HARMLESS: Final = (
    r"[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038e-\u03a1\u03a3-\u0481\u048a-\u052f"
    r"\u3041-\u3096\u309b-\u30ff\u4e00-\u9fff\uac00-\ud7a3]*"
)
_REMOVED: Final = frozenset(
    [0xAD, 0x61C, 0x180E, 0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800, 0xFEFF, 0x34F,
     *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE01F0)]
)
"""Invisible, or changing the direction or the width of what surrounds them."""
_MAX_MARKS: Final = 2
_JOINED: Final = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb\U0001f3fb-\U0001f3ff\u1cf2\u1cf3]")
"""No marks, but taking no cell of their own in a terminal that draws them with what stands before: bounded like marks."""


def clean(text: str, *, lines: bool = False) -> str:
    """Make any text safe for one line of a terminal.

    Controls become pictures (`␛`), C1 controls, bidi and other invisible characters go, lone surrogates and characters
    that no terminal can draw become `�`, and at most two marks stay on a character: combining ones, vowel signs, skin tones and
    parts of Hangul syllables, which some terminals draw in cells of their own. With `lines`, `\\n` stays.
    The result may be put on a screen as it is; its width is what `wcwidth` says of each character.
    """
    if (text.isascii() and text.isprintable()) or re.fullmatch(_HARMLESS, text):  # compiled once, at first use, by `re`
        return text
    out: list[str] = []
    marks = 0
    for char in text:
        if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Mc") or _JOINED.fullmatch(char):
            marks += 1
            if marks <= _MAX_MARKS and out and ord(char) not in _REMOVED:
                out.append(char)
            continue
        shown = _one(char, lines)
        if shown:
            marks = 0
            out.append(shown)
    return "".join(out)


def _one(char: str, lines: bool) -> str:
    code = ord(char)
    if code in (0x0A, 0x0D, 0x09, 0x2028, 0x2029):
        return "\n" if lines and code == 0x0A else " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0x80 <= code < 0xA0 or code in _REMOVED:
        return ""
    category = unicodedata.category(char)
    if category == "Zs":
        return " "
    if category == "Cf":
        return ""
    return "�" if category in ("Cs", "Cn", "Co") else char
