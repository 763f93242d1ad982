"""Look at a program's screen: `python -m tests.terminal.look --size 80x24 --keys "down,c" --png out.png -- COMMAND…`.

The command runs in a fresh terminal; keys are pressed one after the other, each when the screen has come to rest. A key
is a name ("enter", "ctrl+p"), a character, "type:some text", "wait:text" (until it shows) or "down*5".
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .png import write_png
from .process import Terminal, private_dirs
from .svg import write_svg


def perform(term: Terminal, step: str, quiet: float) -> None:
    """One step of `--keys`, then rest."""
    if step.startswith("type:"):
        term.type(step[5:])
    elif step.startswith("wait:"):
        term.wait_for(step[5:], 20)
    elif step.startswith("size:"):
        cols, rows = (int(n) for n in step[5:].split("x"))
        term.resize(cols, rows)
    else:
        key, _, times = step.rpartition("*") if "*" in step[1:] else (step, "", "1")
        for _ in range(int(times)):
            term.press(key)
    term.settle(quiet)


def main(arguments: list[str] | None = None) -> int:
    """Run it; the exit code is 0 when every step could be done."""
    parser = argparse.ArgumentParser(prog="python -m tests.terminal.look", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--size", default="120x40", help="columns x rows (120x40)")
    parser.add_argument("--keys", default="", help="steps separated by commas; 'comma' is the key itself")
    parser.add_argument("--wait", default="", help="text that must show before the first key")
    parser.add_argument("--quiet", type=float, default=0.4, help="seconds without output that count as rest (0.4)")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--home", type=Path, help="keep the program's files (XDG directories, HOME) below this directory")
    parser.add_argument("--png", type=Path, help="write a picture")
    parser.add_argument("--svg", type=Path, help="write a picture")
    parser.add_argument("--text", action="store_true", help="print the screen (the default without --png and --svg)")
    parser.add_argument("--stats", action="store_true", help="print the bytes of each step")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("a command is needed after --")
    cols, rows = (int(n) for n in options.size.split("x"))
    env = dict(pair.split("=", 1) for pair in options.env)
    if options.home:
        env = private_dirs(options.home.resolve()) | env
    with Terminal(command, cols, rows, env) as term:
        if options.wait:
            term.wait_for(options.wait, 20)
        else:
            term.wait_for(lambda t: t.bytes_out > 0, 20, what="any output")
        term.settle(options.quiet)
        for step in filter(None, (part.strip() for part in options.keys.split(","))):
            mark = term.mark()
            perform(term, step, options.quiet)
            if options.stats:
                print(f"{step}: {term.written_since(mark)} bytes", file=sys.stderr)
        if options.png:
            write_png(term.cells(), options.png)
        if options.svg:
            write_svg(term.cells(), options.svg, title=term.emulator.title)
        if options.text or not (options.png or options.svg):
            print(term.picture())
    return 0


if __name__ == "__main__":
    sys.exit(main())
