"""`--ascii`: every character of ours and of strangers in 7 bits, cell for cell, as the last thing before the terminal."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from rich.cells import cell_len, get_character_cell_size

TABLE: Final = {
    "●": "*", "○": "o", "◌": "+", "✖": "x", "⚠": "!", "▲": "!", "▸": ">", "▶": ">", "▼": "v", "⭘": "o",
    "…": "~", "·": ".", "•": "*", "–": "-", "—": "-", "‹": "<", "›": ">", "↑": "^", "↓": "v", "←": "<", "→": ">",
    "≥": ">", "≤": "<", "×": "x", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "«": '"', "»": '"', "¿": "?", "¡": "!",
    "│": "|", "┃": "|", "║": "|", "─": "-", "━": "-", "═": "-", "█": "#", "▓": "#", "▒": "#", "░": ".",
    "▀": "'", "▄": "_", "▁": "_", "▂": "_", "▃": "_", "▔": "'", "▌": "|", "▐": "|", "▎": "|", "▊": "|", "▏": "|", "▕": "|",
    "◐": "+", "◔": "-", "␡": "?", "�": "?",
    "✓": "+", "✔": "+", "🔎": "/", "ß": "s", "æ": "a", "ø": "o", "đ": "d", "ł": "l", "ı": "i",
    "Ø": "O", "Æ": "A", "º": "o", "ª": "a",
}  # fmt: skip
"""What stands for what; letters with marks lose their marks, everything else is `?`."""


@lru_cache(maxsize=2048)
def _plain(character: str) -> str:
    """As many 7-bit characters as it takes cells."""
    width = get_character_cell_size(character)
    if character.isascii():
        return character
    if width == 0:
        return ""
    known = TABLE.get(character)
    if known is None and "\u2500" <= character <= "\u257f":
        known = "+"  # corners and crossings of lines
    if known is None:
        letter = unicodedata.normalize("NFKD", character)[0]
        known = letter if letter.isascii() and letter.isprintable() else "?"
    return known.ljust(width) if known != "?" else "?" * width


@lru_cache(maxsize=8192)
def ascii_of(text: str) -> str:
    """The text in 7 bits, exactly as wide."""
    if text.isascii():
        return text
    width = cell_len(text)
    return "".join(map(_plain, text))[:width].ljust(width)
