"""Names whose width terminals do not agree about: every column, border and dialog stands where it should on each of them.

The emulator takes widths from wcwidth; `NARROW` and `WIDE` are other terminals' opinions of the same characters.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyte.screens
import pytest

from ..fakes.rogue import TOKEN, Rogue, answer
from .driver import Console
from .test_malicious_server import assert_clean_terminal
from .watching import assert_no_crash

pytestmark = [pytest.mark.e2e, pytest.mark.long]
NAMES: Final = (
    "plain", "数字一号", "👩\u200d👩\u200d👧\u200d👦fam", "e" + "\u0301" * 12 + "x", "a\u200b\u200bb", "\u202eabc\u202c",
    "ทดสอบภาษา", "हिन्दी", "क" + "\u093e" * 30, "🇧🇷brasil", "한글이름", "\u1112\u1161\u11ab", "ﷺ", "👍🏽ok", "漢" * 40,
    "\U000e0041tag",
    "①②", "\uff46\uff55ll", "i\u0307", "\u2066x\u2069", "☎\ufe0fcall", "1\ufe0f\u20e3key", "🏴\U000e0067\U000e0062\U000e007f",
    "☰☱",
    "🙂" * 30, "Привет", "ação", "\u0378\U0003fffd", "👍" + "🏽" * 20, "ᄒ" + "\u1161" * 20,
)  # fmt: skip
real: Final = pyte.screens.wcwidth


def narrow(character: str) -> int:
    """A terminal that gives spacing marks and parts of syllables a cell, and regional indicators, tones and emoji one each."""
    if unicodedata.category(character) == "Mc" or character >= "\U0001f000" or "\u1160" <= character < "\u1200":
        return 1
    if "\u2630" <= character < "\u2638":
        return 1
    return int(real(character))


def wide(character: str) -> int:
    """A terminal set to give what is ambiguous two cells (borders stay narrow), and every sign that may be an emoji."""
    if "\u2500" <= character < "\u25a0":
        return 1
    ambiguous = unicodedata.east_asian_width(character) == "A" and not unicodedata.combining(character)
    return 2 if ambiguous or unicodedata.category(character) == "So" or character >= "\U0001f000" else int(real(character))


def item(name: str) -> dict[str, Any]:
    block = {"enabled": True, "url": f"https://{name}.example/x", "events": [name], "host": name, "port": "1", "label": name}
    return {
        "name": name, "id": name, "token": "token-0123456789", "status": "connected",
        "connection": {"state": "connected", "numberJid": "5511999990000@s.whatsapp.net", "reason": name},
        "profile": {"name": name, "businessName": name}, "createdAt": "2026-01-01T00:00:00Z",
    } | dict.fromkeys(("webhook", "websocket", "chatwoot", "proxy", "s3"), block)  # fmt: skip


def boxes(console: Console) -> None:
    """Every right border of a box stands above the next one, down to its corner."""
    rows = [[cell.text for cell in row] for row in console.cells()]
    for y, row in enumerate(rows):
        for x, character in enumerate(row):
            if character == "╮":
                below = y + 1
                while below < len(rows) and rows[below][x] != "╯":
                    if "▌" in rows[below][:x]:  # a toast over it
                        below += 1
                        continue
                    assert rows[below][x] in "│┤├▐▂▁ █▕┐┘", (y, x, below, rows[below][x], console.picture())
                    below += 1


@pytest.mark.parametrize("opinion", [real, narrow, wide], ids=["wcwidth", "narrow", "wide"])
@pytest.mark.parametrize("size", [(120, 40), (80, 40)], ids=["120x40", "80x40"])
def test_everything_stands_where_it_should(
    opinion: Callable[[str], int], size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pyte.screens, "wcwidth", opinion)
    text = json.dumps({"success": True, "instances": [item(name) for name in NAMES]})
    with Rogue(extensions=False) as server, Console(server.url, TOKEN, tmp_path, size) as console:
        server.misbehave(list=answer("200 OK", text, Content_Type="application/json"))
        console.wait_for("plain", 20)
        console.settle(0.5)
        lines = console.lines()
        shown = sum("● connected" in line for line in lines[2:])
        assert shown >= len(NAMES), console.picture()
        for step in range(len(NAMES)):
            if step:
                console.press("down")
                console.settle(0.15, timeout=2)
            rows = [row[: size[0] * 14 // 25] for row in console.cells()[3 : 3 + len(NAMES)]]
            badges = {at for row in rows for at, cell in enumerate(row) if cell.text == "●"}
            assert len(badges) == 1, (step, badges, console.picture())
            if size[0] >= 100:
                walls = {max(at for at, cell in enumerate(row) if cell.text == "│") for row in console.cells()[3:38]}
                assert len(walls) == 1, (step, walls, console.picture())
        console.resize(size[0], 16)
        console.press("home")
        for key in ["down"] * len(NAMES) + ["up"] * len(NAMES):
            console.press(key)
            console.settle(0.1, timeout=2)
            rows = [row[: size[0] * 14 // 25] for row in console.cells()[3:11]]
            badges = {at for row in rows for at, cell in enumerate(row) if cell.text == "●"}
            assert len(badges) == 1, (key, badges, console.picture())
        console.resize(*size)
        for name in (2, 7, 8, 13, 24, len(NAMES) - 1):
            console.press("home")
            console.settle(0.2, timeout=2)
            console.press(*["down"] * name)
            for key in ("d", "x", "m", "t", "h", "L", "E", "p", "#", "b", "P", "B", "?"):
                console.press(key)
                console.settle(0.15, timeout=2)
                assert_clean_terminal(console)
                boxes(console)
                console.press("esc")
                console.settle(0.1, timeout=2)
        console.press("ctrl+q")
        console.wait_exit()
        console.assert_clean()
    assert_no_crash(tmp_path)


def test_a_table_of_commands_lines_up() -> None:
    from rich.cells import cell_len
    from ryze_tui.cli import table

    for width in (None, 60, 40):
        found = table.lines(["NAME", "STATE"], [[name, "● connected"] for name in NAMES], give=((0, 8),), width=width)
        starts = {cell_len(line[: line.index("●")]) for line in found[1:] if "●" in line}
        assert len(starts) == 1, found
        assert not re.search("[\u200b\u202a-\u202e\u2066-\u2069\u200d\x1b]", "".join(found))
