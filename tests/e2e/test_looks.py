"""What goes out to terminals without colours, with ASCII only, with 16 colours, or that cannot place text; real mouse bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from ..terminal.server import Server
from .driver import COMMAND, Console

SGR = re.compile(rb"\x1b\[([0-9;:]*)m")
QR = {"38;2;0;0;0", "48;2;255;255;255"}
"""What black on white is in true colour."""


class Recorded(Console):
    """A console of which every byte is kept."""

    def __init__(self, server: Server, home: Path, size: tuple[int, int] = (80, 24), *, options: Sequence[str] = (),
                 env: Mapping[str, str] | None = None) -> None:  # fmt: skip
        self.raw = b""
        super().__init__(server.url, server.token, home, size, options=options, env=env)

    def _take(self, data: bytes) -> None:
        self.raw += data
        super()._take(data)

    def colours(self) -> set[str]:
        """Every parameter of an SGR that is a colour."""
        found: set[str] = set()
        for match in SGR.finditer(self.raw):
            words = match[1].decode().replace(":", ";").split(";")
            while words:
                word = words.pop(0)
                if word in ("38", "48"):
                    count = 4 if words[:1] == ["2"] else 2
                    found.add(";".join([word, *words[:count]]))
                    del words[:count]
                elif word.isdigit() and (30 <= int(word) <= 37 or 40 <= int(word) <= 47 or 90 <= int(word) <= 107):
                    found.add(word)
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), instances=12, options=("--simulator-names", "demo")) as running:
        yield running


def walk(console: Console) -> None:
    """Main, detail, edit, review, a dialog with a disabled button, help, log, palette, themes; ends on the main screen."""
    console.wait_for("LIVE")
    console.settle()
    console.press("2")
    console.wait_for("[ ] off")
    console.press("down", "space")
    console.wait_for("unsaved")
    console.press("esc")
    console.wait_gone("leaves the field")
    console.press("r")
    console.wait_for("yours")
    console.press("esc")
    console.wait_gone("yours")
    console.press("esc")
    console.wait_for("Discard")
    console.press("d")
    console.wait_gone("[ ] off")
    for key, text in (("n", "New instance"), ("d", "Type its name"), ("?", "mouse works"), ("L", "calls"), ("T", "as before")):
        console.press(key)
        console.wait_for(text)
        console.settle()
        console.press("esc")
        console.wait_gone(text)
    console.press(":")
    console.wait_for("Type a command")
    console.settle()
    console.press("esc")
    console.wait_gone("Type a command")


def to_pairing(console: Console, name: str = "spare") -> None:
    console.press("/")
    console.type(name)
    console.wait_for("1 of 12")
    console.press("enter")
    console.wait_gone("█" if "●" in console.text() else "#")
    console.press("c")


def reversed_texts(console: Console) -> list[str]:
    """Runs of cells that are shown reversed."""
    return ["".join(cell.text or " " for cell in row if cell.reverse) for row in console.cells() if any(c.reverse for c in row)]


def test_no_color(server: Server, tmp_path: Path) -> None:
    with Recorded(server, tmp_path, env={"NO_COLOR": "1"}) as console:
        console.ready()
        assert any("▸" in text for text in reversed_texts(console)), "the cursor's row is not seen"
        walk(console)
        assert console.colours() == set()
        console.press("n")
        console.wait_for("New instance")
        console.settle()
        cells = [cell for row in console.cells() for cell in row]
        assert sum(cell.underline for cell in cells) > 20, "the focused field is not seen"
        console.press("tab", "tab", "tab")
        console.settle()
        assert any(cell.underline and cell.bold for row in console.cells() for cell in row), "the focused button is not seen"
        console.press("esc")
        console.wait_gone("New instance")
        assert console.colours() == set()
        to_pairing(console)
        console.wait_qr()
        assert console.colours() <= QR


def test_an_empty_no_color_means_nothing(server: Server, tmp_path: Path) -> None:
    with Recorded(server, tmp_path, env={"NO_COLOR": ""}) as console:
        console.ready()
        assert len(console.colours()) > 5


def test_ansi_sends_no_true_colour(server: Server, tmp_path: Path) -> None:
    with Recorded(server, tmp_path, options=["--theme", "ansi"]) as console:
        console.ready()
        walk(console)
        assert not [colour for colour in console.colours() if colour.startswith(("38", "48"))]
        to_pairing(console)
        console.wait_qr()
        assert {colour for colour in console.colours() if colour.startswith(("38", "48"))} <= {"38;5;16", "48;5;231"}


@pytest.mark.parametrize(("options", "env"), [
    (["--ascii"], {}), ([], {"LANG": "en_US.ISO-8859-1"}), ([], {"LANG": "C"}), ([], {"TERM": "linux"}),
], ids=["--ascii", "latin1", "C", "linux"])  # fmt: skip
def test_ascii(server: Server, tmp_path: Path, options: list[str], env: dict[str, str]) -> None:
    with Recorded(server, tmp_path, options=options, env=env) as console:
        console.wait_for("* LIVE")
        console.settle()
        if options:
            walk(console)
            to_pairing(console)
            console.wait_for("does not")
            console.press("esc")
            console.wait_for("NAME")
        assert console.raw.isascii()
        console.press("q")
        assert console.wait_exit() == 0


def test_a_qr_of_blanks(server: Server, tmp_path: Path) -> None:
    with Recorded(server, tmp_path, (200, 70), options=["--ascii"]) as console:
        console.wait_for("* LIVE")
        to_pairing(console)
        assert len(console.wait_qr()) > 200
        assert console.raw.isascii()


def test_no_ascii_wins(server: Server, tmp_path: Path) -> None:
    with Recorded(server, tmp_path, options=["--no-ascii"], env={"LANG": "C"}) as console:
        console.ready("● LIVE")


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_place_text(server: Server, tmp_path: Path, term: str) -> None:
    with Recorded(server, tmp_path, env={"TERM": term}) as console:
        assert console.wait_exit() == 2
        assert "Use a terminal emulator" in console.text()
        assert b"\x1b" not in console.raw


def test_a_terminal_that_nobody_knows(server: Server, tmp_path: Path) -> None:
    with Recorded(server, tmp_path, env={"TERM": "unknown-nonsense", "COLORTERM": ""}) as console:
        console.ready()
        assert not [colour for colour in console.colours() if colour.startswith(("38", "48"))]
        console.quit()


def test_a_theme_is_kept(server: Server, tmp_path: Path) -> None:
    """Chosen on the screen, seen at once, written to the file with its comments, worn at the next start."""
    config = tmp_path / "config" / "ryze-tui" / "config.toml"
    with Recorded(server, tmp_path) as console:
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text('# mine\nbell = false # quiet\n')
        config.chmod(0o600)
        console.ready()
        console.press("T")
        console.wait_for("as before")
        console.settle()  # what is typed before a dialog of one key has opened is dropped
        console.press("G")
        console.wait_for("▸ tokyo-night")
        assert "48;2;26;27;38" in console.colours()
        console.press("enter")
        console.wait_for("will be next time")
        assert console.cells()[10][40].bg == "1a1b26"
    assert config.read_text() == '# mine\nbell = false # quiet\ntheme = "tokyo-night"\n'
    with Recorded(server, tmp_path) as console:
        console.ready()
        assert "48;2;26;27;38" in console.colours() and "48;2;16;20;24" not in console.colours()


def test_a_theme_that_is_none(tmp_path: Path) -> None:
    with Console("", "", tmp_path, (80, 24), argv=COMMAND, options=["--theme", "solarised-light"]) as console:
        assert console.wait_exit() == 2
        assert "solarized-light" in console.text()


def click(console: Console, text: str) -> None:
    """SGR mouse bytes: button down and up on a text."""
    y, line = next((y, line) for y, line in enumerate(console.lines()) if text in line)
    x = line.index(text)
    console.send(f"\x1b[<0;{x + 1};{y + 1}M".encode())
    console.send(f"\x1b[<0;{x + 1};{y + 1}m".encode())


def test_the_mouse(server: Server, tmp_path: Path) -> None:
    with Recorded(server, tmp_path) as console:
        console.ready()
        assert b"\x1b[?1000h" in console.raw
        click(console, "support")
        console.wait_for(lambda _: console.cursor() == "support")
        console.send(b"\x1b[<64;5;6M")
        console.wait_for(lambda _: console.cursor() != "support")
        click(console, "Help")
        console.wait_for("mouse works too")
        console.send(b"\x1b[<65;30;10M" * 3)
        console.wait_gone("mouse works too")
        click(console, "esc closes")
        console.wait_for("NAME")
        console.quit()


def test_the_mouse_stays_the_terminals(server: Server, tmp_path: Path) -> None:
    with Recorded(server, tmp_path, options=["--no-mouse"]) as console:
        console.ready()
        assert not re.search(rb"\x1b\[\?(1000|1002|1003|1006|1015)h", console.raw)
