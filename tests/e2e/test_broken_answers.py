"""Lists that are wrong in every way: said in words, no row lost, the streams go on, and all is well again by itself."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from ..fakes import misbehaviour as bad
from ..fakes.rogue import TOKEN, Manners, Rogue, answer
from .driver import Console
from .watching import assert_no_crash, assert_responsive, memory

pytestmark = pytest.mark.e2e
LONG = pytest.mark.long
TALL = (99, 70)
"""Toasts of all cases stand above each other without hiding the last lines."""
PATIENCE = 45
"""Seconds until all is well again: a 429 that does not say for how long is obeyed for 30."""

QUICK: list[tuple[str, Manners, str]] = [
    ("500 with a web page", answer("500 Oops", bad.TRACE, Content_Type="text/html"), "the server answered 500: “500 Internal"),
    ("a log-in page", answer("200 OK", bad.LOGIN, Content_Type="text/html"), "a web page came instead of an answer"),
    ("no JSON", answer("200 OK", "I am fine, thanks"), "the server's list holds no instances at all"),
    ("instances is null", bad.instances(None), "the server's list holds no instances at all"),
    ("an endless answer", bad.endless, "the server's answer is longer than 32 MB"),
    ("less than promised", bad.too_short, "127.0.0.1:"),
    ("503 in plain text", answer("503 No", "no \x1b[31mupstream\u202e\n"), "the server answered 503: “no ␛[31mupstream”"),
    ("429 for a while", bad.error("429 No", "Slow down, please", Retry_After="2"), "Slow down, please"),
]
MORE: list[tuple[str, Manners, str]] = [
    ("an array of numbers", answer("200 OK", "[1, 2, 3]"), "the server's list holds no instances at all"),
    ("half a list", answer("200 OK", '{"success": true, "instances": [{"name": "num-0",'), "the server's list is not JSON"),
    ("10 MB of nothing", bad.ten_megabytes, "the server's list holds no instances at all"),
    ("hung up on", bad.hang_up, "127.0.0.1:"),
    ("compressed", bad.gzipped, "the server compressed an answer"),
    ("an error of its own", bad.error("400 No", "the \x1b]0;evil\x07moon\u202e is full"), "the ␛]0;evil␇moon is full"),
    ("429 with nonsense", bad.error("429 No", "", Retry_After="soon", X_RateLimit_Reset="1"), "Rate limit exceeded"),
]


def words(console: Console) -> str:
    """The summary's first line: what is said about the link, where nothing else is said about the row."""
    return next((line for line in console.lines()[-3:] if re.match(r" num-\d: ", line)), "")


def says(console: Console, text: str) -> bool:
    return text in words(console)


def shows(console: Console, server: Rogue) -> bool:
    """Every row is there, and the counts of the top line are the server's; toasts may lie over the badges."""
    counts = Counter({"loggedout": "logged out"}.get(state, state) for state in server.states.values())
    top, names = console.lines()[0], {line[3:].split()[0] for line in console.in_list() if line[3:].split()}
    return set(server.states) <= names and all(re.search(rf"\D{n} {word}", top) for word, n in counts.items())


@pytest.mark.parametrize(
    ("extensions", "cases"),
    [
        pytest.param(False, QUICK, id="plain"),
        pytest.param(True, QUICK, marks=LONG, id="extensions"),
        pytest.param(False, MORE, marks=LONG, id="plain-more"),
        pytest.param(True, MORE, marks=LONG, id="extensions-more"),
    ],
)
def test_a_list_that_is_wrong(extensions: bool, cases: list[tuple[str, Manners, str]], tmp_path: Path) -> None:
    with Rogue(extensions=extensions) as server, Console(server.url, TOKEN, tmp_path, TALL) as console:
        console.ready()
        for case, manners, told in cases:
            server.misbehave(list=manners)
            console.press("R")
            console.wait_for(lambda _, told=told: says(console, f"List not read: {told}"), 8, what=f"{case}: {told!r}")
            server.set("num-1", "banned")
            console.wait_for(lambda _: shows(console, server), 2, what=f"{case}: every row, right by the stream")
            assert "LIVE" in console.lines()[0], case
            assert_responsive(console)
            server.behave()
            server.set("num-1", "connected")
            console.wait_for(lambda _: not says(console, "List not read"), PATIENCE, what=f"{case}: the list to be read again")
            console.wait_for(lambda _: shows(console, server), 2, what=f"{case}: every row again")
        assert memory(console) < 160, "it grew with what was sent"
        console.quit()
    assert_no_crash(tmp_path)
