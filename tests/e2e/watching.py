"""What the fault stories look at besides words: dimmed rows, keys that answer, memory, crash files."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Final

from rich.style import Style
from ryze_tui.console.styles import ink

from ..pace import patient
from .driver import Console


def _colours(*styles: Style) -> frozenset[str]:
    """Of inks, and of what they become on the cursor's line."""
    return frozenset(color.name.lstrip("#") for style in styles for one in (style, ink.on_cursor(style)) if (color := one.color))


DIM: Final = _colours(ink.DIM)
STATE_COLOURS: Final = _colours(*ink.STATE.values())


def badge_colours(console: Console) -> dict[str, str]:
    """Name to the colour in which the row's state stands."""
    lines, cells, found = console.lines(), console.cells(), {}
    for at, line in enumerate(lines):
        name = line[3:].split()[:1]
        if name and name[0] in console.rows() and (glyph := re.search(r"[✖⚠○◌●?] ", line[3:])):
            found[name[0]] = cells[at][3 + glyph.start()].fg
    return found


def said(console: Console) -> str:
    """The detail beside the list as running text; where there is none, the whole screen."""
    lines = console.lines()
    if not any("│" in line for line in lines):
        return "\n".join(lines)
    return " ".join(line.rpartition("│")[2].strip() for line in lines[1:])


def dimmed(console: Console) -> bool:
    """Every row is drawn as what was last known."""
    colours = badge_colours(console)
    return bool(colours) and all(colour in DIM for colour in colours.values())


def bright(console: Console) -> bool:
    """Every row is drawn in the colour of its state."""
    colours = badge_colours(console)
    return bool(colours) and all(colour in STATE_COLOURS for colour in colours.values())


def assert_responsive(console: Console, within: float = 1.0) -> None:
    """A key shows within a second: the cursor moves down and up again."""
    for key in ("down", "up"):
        was, began = console.cursor(), time.monotonic()
        console.press(key)
        console.wait_for(lambda _, was=was: console.cursor() not in ("", was), 10, what=f"{key} to move the cursor")
        assert console.read_at - began < patient(within), f"{key} took {console.read_at - began:.2f} s"


def memory(console: Console) -> float:
    """The most memory that the console ever held, in MB."""
    status = Path(f"/proc/{console.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


def assert_no_crash(home: Path) -> None:
    """No crash file, and nothing of a traceback in the log."""
    assert not list(home.rglob("crash-*"))
    for log in home.rglob("console.log"):
        assert "Traceback" not in log.read_text(), log.read_text()[-2000:]
