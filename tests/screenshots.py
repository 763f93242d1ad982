"""Pictures of the running program for the README: `python -m tests.screenshots [--png DIR] [--size 80x24]`.

A real console in a pseudo-terminal on a real simulated server, walked through the story by keys. Names and numbers are
always the same; times, ports and token ends are replaced, so that a picture changes only when the program does.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from .e2e.driver import Console
from .e2e.receivers import Receiver
from .terminal.emulator import Cell
from .terminal.png import write_png
from .terminal.server import Server
from .terminal.svg import write_svg

OUT: Final = Path(__file__).parents[1] / "screenshots"
FROZEN: Final = [
    (re.compile(r"\b\d\d:\d\d(?=:\d\d\b)|\b\d\d:\d\d\b(?!:)"), "14:02"),
    (re.compile(r"(?<=14:02:)\d\d\b"), "07"),
    (re.compile(r"(?<=127\.0\.0\.1:)\d{5}(?=/wa)"), "18080"),
    (re.compile(r"(?<=127\.0\.0\.1:)\d+(?!\d|/wa)"), "8080"),
    (re.compile(r"\bmsg_[0-9a-f]{24}\b"), "msg_03c7cc47620fce99b29472a4"),
    (re.compile(r"\b20\d\d-\d\d-\d\d\b"), "2026-01-01"),
    (re.compile(r"(?<=•••)[0-9A-Za-z_-]{4}\b"), "3f2a"),
]


def frozen(cells: list[list[Cell]]) -> list[list[Cell]]:
    """The same cells with what differs from run to run replaced, place for place."""
    out = []
    for row in cells:
        text = "".join(cell.text or "\0" for cell in row)
        for pattern, instead in FROZEN:
            text = pattern.sub(lambda found, word=instead: word.ljust(len(found[0]))[: len(found[0])], text)
        out.append([replace(cell, text=char.strip("\0")) for cell, char in zip(row, text, strict=True)])
    return out


class Camera:
    """Takes pictures of one console; `size` is part of every file name."""

    def __init__(self, console: Console, out: Path, png: Path | None) -> None:
        self.console, self._out, self._png = console, out, png
        self._size = f"{console.emulator.cols}x{console.emulator.rows}"

    def take(self, name: str) -> None:
        """When the screen has come to rest."""
        self.console.settle(0.4)
        cells, file = frozen(self.console.cells()), f"{name}-{self._size}"
        write_svg(cells, self._out / f"{file}.svg", title=f"ryze-tui {self._size}")
        if self._png:
            write_png(cells, self._png / f"{file}.png")
        print(self._out / f"{file}.svg")


def main_screen(camera: Camera) -> None:
    """The list, and the detail of a number in trouble."""
    console = camera.console
    console.put_cursor("sales")
    camera.take("main")
    console.press("/")
    console.settle()
    console.type("clinic")
    camera.take("filter")
    console.press("esc")
    console.wait_for("12 of 12")
    if console.emulator.cols < 100:
        console.press("enter")
        camera.take("detail")
        console.press("esc")
    console.settle()


def pairing(camera: Camera) -> None:
    """The code on the screen, the virtual phone, and the pairing code."""
    console = camera.console
    console.put_cursor("spare")
    console.press("c")
    console.wait_qr()
    camera.take("pairing")
    console.press("S")
    console.wait_for("Virtual phone of")
    camera.take("virtual-phone")
    console.press("esc")
    console.wait_gone("Virtual phone of")
    console.press("esc")
    console.wait_for("NAME")
    console.put_cursor("newsletter")
    console.press("p")
    console.wait_for("Phone number")
    console.type("+55 11 99999-0078")
    console.press("enter")
    console.wait_code()
    camera.take("code")
    console.press("esc")
    console.wait_for("NAME")


def dialogs(camera: Camera) -> None:
    """Create, a question before harm, help, the palette, the log."""
    console = camera.console
    console.press("n")
    console.wait_for("New instance")
    console.type("sales-east")
    camera.take("create")
    console.press("esc")
    console.wait_gone("New instance")
    console.put_cursor("support")
    shown = (("x", "logout", "Log out"), ("?", "help", "Pairing code"), (":", "palette", "command"), ("L", "log", "calls"))
    for key, name, text in shown:
        console.press(key)
        console.wait_for(text)
        camera.take(name)
        console.press("esc")
        console.wait_for("NAME")
        console.settle(0.2)


def editing(camera: Camera) -> None:
    """A webhook is changed, reviewed and saved, tried out, and what became of its deliveries. Its receiver is really there."""
    console = camera.console
    console.put_cursor("support")
    console.press("4")
    console.wait_for("Authorization")
    console.press(*["down"] * 5)
    console.wait_for("Which events are delivered")
    console.press("right", "space")
    console.wait_for("* unsaved")
    camera.take("edit")
    console.press("ctrl+s")
    console.wait_for("s saves")
    camera.take("review")
    console.press("s")
    console.wait_for("holds what was asked")
    console.wait_gone("holds what was asked")
    for key, name, text in (("T", "trying", "It works"), ("D", "deliveries", "delivered")):
        console.press(key)
        console.wait_for(text)
        camera.take(name)
        console.press("esc")
        console.wait_for("another label")
        console.settle(0.2)
    console.press("esc")
    console.wait_gone("another label")
    console.wait_for("NAME")


def many(camera: Camera) -> None:
    """What keys do to a dozen rows at once, what happened meanwhile, and the servers there are."""
    console = camera.console
    console.press("*", "r")
    console.wait_for("To be done")
    camera.take("bulk-plan")
    console.press("y")
    console.wait_for("2 done", 30)
    console.press("space")  # so that the picture is always the same
    console.wait_for("Paused")
    camera.take("bulk")
    console.press("space")
    console.wait_for("esc Close", 30)
    console.press("esc")
    console.wait_for("NAME")
    console.press("E")
    console.wait_for("Tape of events")
    console.wait_gone("opening the stream")
    camera.take("tape")
    console.press("esc")
    console.wait_for("NAME")
    console.press("P")
    console.wait_for("enter opens")
    camera.take("profiles")
    console.press("esc")
    console.wait_for("NAME")


def hooked(server: Server, receiver: Receiver) -> None:
    """`support` posts its messages to a receiver."""
    body = {"enabled": True, "url": f"{receiver.url}/wa", "authorization": "Bearer abc123", "events": ["message.exchange"]}
    server.call("POST", "/api/events/webhook/support", json=body)
    for text in ("Hello", "When do you open?"):
        server.simulate("support", "message", **{"from": "5511999990001", "text": text})


SCENES: Final[dict[tuple[int, int], list[Callable[[Camera], None]]]] = {
    (120, 40): [main_screen, editing, pairing, dialogs, many],
    (80, 24): [main_screen, editing, pairing, dialogs, many],
    (50, 30): [main_screen],
}


def main() -> int:
    """Walk every scene at its sizes."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--out", type=Path, default=OUT, help="where the SVG files go (screenshots/)")
    parser.add_argument("--png", type=Path, help="PNG files too, for looking at")
    parser.add_argument("--size", help="only this size, e.g. 80x24")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ryze-shots-", ignore_cleanup_errors=True) as directory:
        home = Path(directory)
        with Console("", "", home / "welcome", (80, 24)) as console:
            console.wait_for("Look around")
            Camera(console, options.out, options.png).take("welcome")
        for size, scenes in SCENES.items():
            if options.size in (None, f"{size[0]}x{size[1]}"):
                place = home / f"{size[0]}x{size[1]}"
                with (
                    Server(place, instances=12, options=("--simulator-names", "demo")) as server,
                    Console(server.url, server.token, place / "home", size) as console,
                    Receiver().beside() as receiver,
                ):
                    hooked(server, receiver)
                    console.ready()
                    for scene in scenes:
                        scene(Camera(console, options.out, options.png))
    return 0


if __name__ == "__main__":
    sys.exit(main())
