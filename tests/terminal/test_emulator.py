"""The emulator against the sequences that Textual and curses programs really send."""

from __future__ import annotations

from .emulator import Emulator
from .keys import encode


def fed(text: str, cols: int = 20, rows: int = 4) -> Emulator:
    emulator = Emulator(cols, rows)
    emulator.feed(text.encode())
    return emulator


def test_sequences_pyte_does_not_know_leave_no_characters() -> None:
    emulator = fed("\x1b[>25u\x1b[?2026$p\x1b[?2048$p\x1b[<u\x1b[>4;1m\x1b[ q\x1bP+q544e\x1b\\\x1b]8;;x\x1b\\\x1b(B\x1b=ok")
    assert emulator.lines() == ["ok", "", "", ""]
    assert emulator.left_behind() == []


def test_sequences_cut_anywhere_are_put_together() -> None:
    whole = "\x1b[?1049h\x1b[2;3H\x1b[38;2;1;2;3m世✖\x1b]2;title\x07\x1b[0m".encode()
    for cut in range(len(whole)):
        emulator = Emulator(20, 4)
        emulator.feed(whole[:cut])
        emulator.feed(whole[cut:])
        assert (emulator.lines()[1], emulator.title) == ("  世✖", "title")
        assert emulator.cells()[1][2].fg == "010203"


def test_wide_characters_take_two_cells() -> None:
    row = fed("世a").cells()[0]
    assert [cell.text for cell in row[:3]] == ["世", "", "a"]


def test_the_alternate_screen_gives_the_main_one_back() -> None:
    emulator = fed("shell$ \x1b[?1049h\x1b[Hfull")
    assert emulator.alternate
    assert emulator.lines()[0] == "full"
    emulator.feed(b"\x1b[?1049l")
    assert emulator.lines()[0] == "shell$"


def test_queries_get_the_answers_of_a_terminal() -> None:
    emulator = Emulator(20, 4)
    assert emulator.feed(b"\x1b[?2026$p\x1b[?2048$p") == "\x1b[?2026;2$y\x1b[?2048;0$y"
    assert emulator.feed(b"ab\x1b[6n") == "\x1b[1;3R"


def test_what_is_left_behind_is_named() -> None:
    found = " ".join(fed("\x1b[?1049h\x1b[?1003h\x1b[?25l\x1b[?2004h\x1b[>1u\x1b[31m\x1b[?7l").left_behind())
    for word in ("alternate", "mouse", "cursor", "paste", "kitty", "wrap"):
        assert word in found
    assert "colours" in " ".join(fed("\x1b[31mred").left_behind())
    assert "scroll region" in " ".join(fed("\x1b[2;3r").left_behind())


def test_styles_including_dim_and_sub_parameters() -> None:
    row = fed("\x1b[1;2;4:3;38:2::9:8:7mx\x1b[22;24;39my\x1b[38;5;196;48;5;16;7mz").cells()[0]
    assert (row[0].bold, row[0].dim, row[0].underline, row[0].fg) == (True, True, True, "090807")
    assert (row[1].bold, row[1].dim, row[1].underline) == (False, False, False)
    assert (row[2].fg, row[2].bg, row[2].reverse) == ("000000", "ff0000", True)


def test_keys_are_what_xterm_sends() -> None:
    assert [encode(key) for key in ("ctrl+c", "enter", "esc", "?", "down", "é")] == [
        b"\x03", b"\r", b"\x1b", b"?", b"\x1b[B", "é".encode()
    ]  # fmt: skip
