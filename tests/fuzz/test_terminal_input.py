"""Anything that a terminal can send, at any moment: keys, pastes, mice, answers to nobody's question, and sizes.

The console never crashes, never writes a crash file, takes no answer of a terminal for a key, and leaves everything clean.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Final

import pytest

from ..e2e.driver import Console
from ..e2e.watching import assert_no_crash
from ..terminal.keys import encode
from ..terminal.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(600)]
_FORM: Final = ("4", "Media base64")
STARTS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "list": (), "probe": (("t", "Is hooked what"),), "message": (("m", "Test message from hooked"),),
    "number": (("p", "hooked"),),
    "form": (_FORM,), "trying": (_FORM, ("T", "Try ")), "deliveries": (_FORM, ("D", "Deliveries of")),
    "pairing": (("c", "hooked"),),
}  # fmt: skip
"""Where a round begins: keys from the row of an instance that is connected and has a webhook, and what shows after each."""
SEED: Final = int(os.environ.get("RYZE_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
ROUNDS: Final = len(STARTS) * max(1, round(float(os.environ.get("RYZE_FUZZ") or 0) * 5))
ACTIONS: Final = 150
LETTERS: Final = "abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPRSTUVWXYZ0123456789/:?*! "
KEYS: Final = [*LETTERS, "esc", "esc", "esc", "enter", "tab", "up", "down", "left",
               "right", "home", "end", "pageup", "pagedown", "ctrl+s", "ctrl+u", "ctrl+p", "delete", "backspace"]  # fmt: skip
ANSWERS: Final = [
    b"\x1b[?62;22c", b"\x1b[>0;276;0c", b"\x1b[0n", b"\x1b[24;80R", b"\x1b[?2026;2$y", b"\x1b[?1u", b"\x1b[8;24;80t",
    b"\x1b]11;rgb:0000/0000/0000\x1b\\", b"\x1b]10;rgb:ffff/ffff/ffff\x07", b"\x1b]52;c;ZXZpbA==\x07",
    b"\x1b]4;1;rgb:00/00/00\x07",
    b"\x1bP>|xterm(390)\x1b\\", b"\x1bP1+r436f=323536\x1b\\", b"\x1b_Gi=1;OK\x1b\\", b"\x1b[I", b"\x1b[O",
    b"\x1b[<0;10;5M\x1b[<0;10;5m", b"\x1b[<64;3;3M", b"\x1b[<35;999;999M", b"\x1b[M !!", b"\x1b[200~dd\x1b[201~",
    b"\x1b[200~x\x1b]0;pwned\x07\x1b[31m\r\n\t\x00" + b"y" * 3000 + b"\x1b[201~",
]  # fmt: skip
"""What terminals say when they are asked, or not."""


def junk(rng: random.Random) -> bytes:
    """An answer, whole, cut, doubled, or with something in it; or bytes of no kind. Never an unfinished string for long."""
    kind, answer = rng.randrange(5), rng.choice(ANSWERS)
    if kind == 0:
        return answer
    if kind == 1:
        return answer[: rng.randrange(1, len(answer))]
    if kind == 2:
        at = rng.randrange(len(answer))
        return answer[:at] + rng.randbytes(3).replace(b"\x03", b"").replace(b"\x11", b"") + answer[at:]
    if kind == 3:
        numbers = b";".join(b"%d" % rng.randrange(10**6) for _n in range(rng.randrange(40)))
        return b"\x1b[" + numbers + bytes([rng.randrange(0x40, 0x7F)])
    return "".join(chr(rng.choice([rng.randrange(0x80, 0x800), rng.randrange(0x1F300, 0x1F700)])) for _n in range(9)).encode()


def begin(console: Console, where: str, rng: random.Random) -> None:
    """Go there as a person does; the list may also be met before it is there."""
    steps = STARTS[where]
    if not steps and rng.random() < 0.5:
        return
    console.ready()
    if steps:
        console.press("/")
        console.type("hooked")
        console.press("enter")
        console.wait_for(lambda _: list(console.rows()) == ["hooked"], what="only that row")
    for key, shows in steps:
        console.settle(0.2)
        console.press(key)
        console.wait_for(shows)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_anything_that_a_terminal_can_send(number: int, tmp_path: Path) -> None:
    rng, done = random.Random(SEED * 1000 + number), list[object]()
    size = rng.choice([(80, 24), (120, 40)])
    where = list(STARTS)[number % len(STARTS)]
    with Server(tmp_path / "server", instances=12, speed=20, rate_limit=0) as server:
        server.paired("hooked", webhookEnabled=True, webhookURL=f"{server.url}/health")
        with Console(server.url, server.token, tmp_path, size, env={"EDITOR": "true"}) as console:  # vi would take the keys
            begin(console, where, rng)
            for _action in range(ACTIONS):
                match rng.randrange(10):
                    case 0:
                        data: object = (rng.randrange(1, 220), rng.randrange(1, 70))
                        console.resize(*data)  # type: ignore[misc]
                    case 1 | 2 | 3:
                        data = junk(rng)
                        console.send(data)
                    case _:
                        data = rng.choice(KEYS)
                        console.send(encode(data))
                done.append(data)
                console.pump(rng.choice([0, 0, 0.005, 0.05]))
                if console._ended():
                    break
            told = f"RYZE_SEED={SEED}, {number} ({where}): {done[-25:]}"
            assert not list(tmp_path.rglob("crash-*")) and "❱" not in console.text(), f"{told}\n{console.picture()}"
            assert "pwned" not in console.emulator.title and "c;ZXZpbA==" not in console.emulator.clipboard, told
            console.send(b"\x1b\\\x07\x1b[201~")  # ends whatever string was begun
            console.resize(120, 40)
            for _way_out in range(40):
                if console._ended():
                    break
                console.press("ctrl+q")
                console.settle(0.2, timeout=2)
                console.press("y", "d") if "?" in console.text() else console.press("esc")
                console.settle(0.2, timeout=2)
            assert console.wait_exit(10) == 0, f"{told}\n{console.picture()}"
            console.assert_clean()
        assert server.process.poll() is None
    assert_no_crash(tmp_path)
