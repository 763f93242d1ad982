"""An editor that does what the next line of a plan says, a JSON list of an action and its words; it draws over the screen."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import sys
import time


def main() -> int:
    home = pathlib.Path(os.environ["FAKE_EDITOR"])
    path = pathlib.Path(sys.argv[-1])
    plan = (home / "plan").read_text().splitlines()
    (home / "plan").write_text("\n".join(plan[1:]))
    action, *words = json.loads(plan[0])
    text = path.read_text()
    log = {
        "argv": sys.argv[1:], "text": text, "mode": oct(path.stat().st_mode & 0o777), "path": str(path),
        "directory": oct(path.parent.stat().st_mode & 0o777), "tty": os.isatty(0) and os.isatty(1),
        "token": "RYZE_TOKEN" in os.environ,
    }  # fmt: skip
    with (home / "log").open("a") as file:
        file.write(json.dumps(log) + "\n")
    sys.stdout.write("\x1b[2J\x1b[H" + "\r\n".join(["FAKE EDITOR " * 5] * 20))
    sys.stdout.flush()
    if action == "replace":
        old, new = words
        assert old in text, text
        path.write_text(text.replace(old, new, 1))
    elif action == "typed":
        sys.stdin.readline()
    elif action == "exit":
        path.write_text("{}")
        return int(words[0])
    elif action == "killed":
        sys.stdout.write("\x1b[?1049h\x1b[?25l\x1b[?1000h")
        sys.stdout.flush()
        os.system("stty raw -echo")
        path.write_text("{}")
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        path.with_suffix(".swp").write_text(text)
        time.sleep(600)
    elif action == "waits":
        time.sleep(600)
    return 0


if __name__ == "__main__":
    sys.exit(main())
