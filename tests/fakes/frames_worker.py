"""A worker process without neonize that speaks the frames, and misbehaves as a file in a directory tells it.

`python frames_worker.py DIRECTORY FRAMES LIFELINE`. What is in DIRECTORY/behaviour (one word a line) is obeyed at the start, and
again at each dial of a link called as the word's second part says: `refuse`, `garbage`, `huge`, `flood`, `print`, `crash`,
`hang`, `stubborn` (SIGTERM does nothing), `early` (no socket), `late` (never ready), `eager` (an event before that), `two`
sockets, a `pipe` for one, one that listens `elsewhere`, `again` (ready twice), `deaf` (reads nothing, and is alive). Sessions
come up at once; DIRECTORY/log gets a line for each thing that was asked.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from ryze_tui.backend.engine.whatsapp import frames
from ryze_tui.backend.engine.whatsapp.frames import Answer, Ask, Dial, Drop, Event, Pair, Ping, Pong, Ready, Refused


class Fake:
    def __init__(self, directory: Path, talk: socket.socket, lifeline: socket.socket) -> None:
        self.directory, self.talk, self.lifeline = directory, talk, lifeline

    def behaves(self, word: str, link: str = "") -> bool:
        file = self.directory / "behaviour"
        lines = file.read_text().splitlines() if file.exists() else []
        return f"{word} {link}".strip() in lines

    def log(self, *words: object) -> None:
        with (self.directory / "log").open("a") as file:
            file.write(" ".join(map(str, (os.getpid(), *words))) + "\n")

    def say(self, frame: frames.Frame) -> None:
        self.talk.sendall(frames.encode(frame))

    def tell(self, frame: Pair | Dial, what: str, **data: Any) -> None:
        self.say(Event(frame.link, frame.attempt, what, data))

    def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            if not (more := self.talk.recv(count - len(data))):
                os._exit(0)
            data += more
        return data

    def misbehave(self, link: str = "") -> None:
        if self.behaves("garbage", link):
            self.talk.sendall(b"\x00\x00\x00\x05\x00\x00\x00\x00{]{]{")
        if self.behaves("huge", link):
            self.talk.sendall(struct.pack(">II", 2**31, 0))
        if self.behaves("flood", link):
            while True:
                self.say(Event("nobody", 1, "silent", {}))
        if self.behaves("print", link):
            while True:
                sys.stdout.write("x" * 65536)
        if self.behaves("crash", link):
            sys.stderr.write("panic: at http://user:hunter2hunter2@proxy:1 with 2@AAAAAAAAAAAAAAAAAAAAAAAA,BBBB,CCCC\n")
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.behaves("stubborn", link):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if self.behaves("hang", link):
            time.sleep(3600)

    def run(self) -> NoReturn:
        self.log("start", sorted(name for name in os.environ if name.startswith("RYZE_")))
        if self.behaves("refuse"):
            self.say(Refused("neonize is not what it was; install it again"))
            os._exit(3)
        if self.behaves("late"):
            time.sleep(3600)
        if self.behaves("eager"):
            self.say(Event("nobody", 1, "silent", {}))
        listener = socket.create_server(("0.0.0.0" if self.behaves("elsewhere") else "127.0.0.1", 0))
        handed = [os.pipe()[0] if self.behaves("pipe") else listener.fileno()] * (2 if self.behaves("two") else 1)
        if not self.behaves("early"):
            socket.send_fds(self.lifeline, [b"L"], handed)
        self.say(Ready("0.5.2", listener.getsockname()[1]))
        if self.behaves("again"):
            self.say(Ready("0.5.2", listener.getsockname()[1]))
        listener.close()
        self.misbehave()
        while self.behaves("deaf"):
            self.say(Pong(1))
            time.sleep(0.05)
        while True:
            text, blob = frames.lengths(self.exactly(frames.HEAD_BYTES))
            self.take(frames.decode(self.exactly(text), self.exactly(blob) if blob else b"", frames.FROM_SERVER))

    def take(self, frame: frames.Frame) -> None:
        if isinstance(frame, Ping):
            self.say(Pong(frame.number))
        elif isinstance(frame, Dial):
            self.log("dial", frame.link, frame.attempt, bool(frame.proxy))
            self.misbehave(frame.link)
            self.dial(frame)
        elif isinstance(frame, Pair):
            self.log("pair", frame.link, frame.attempt, frame.number, frame.history)
            self.pair(frame)
        elif isinstance(frame, Drop):
            self.log("drop", frame.link)
        elif isinstance(frame, Ask):
            self.log("ask", frame.link, frame.what)
            error = "no" if self.behaves("deny", frame.what) else ""
            if not self.behaves("mute", frame.what):
                self.say(Answer(frame.number, error, {"id": "ID", "at": 1.0}, frame.blob))

    def dial(self, frame: Dial) -> None:
        if self.behaves("offline", frame.link):
            self.tell(frame, "failed", text="dial tcp: lookup web.whatsapp.com: no such host")
        elif not self.behaves("silent", frame.link):
            self.tell(frame, "up", jid=f"{frame.link[-1] * 8}@s.whatsapp.net", name="Name", business="")

    def pair(self, frame: Pair) -> None:
        if self.behaves("offline"):
            self.tell(frame, "failed", text="dial tcp: lookup web.whatsapp.com: no such host")
            return
        self.tell(frame, "qr", code="QR-1")
        if frame.number:
            self.tell(frame, "code", code="ABCD-1234")
        if self.behaves("crash-in-pairing"):
            os.kill(os.getpid(), signal.SIGKILL)
        for name in ("timeout", "error", "passkey-request", "err-client-outdated"):
            if self.behaves(f"login-{name}"):
                self.tell(frame, "login", name=name)
        if self.behaves("accept"):
            import sqlite3

            with sqlite3.connect(frame.path) as database:
                database.execute("CREATE TABLE whatsmeow_device (jid TEXT)")
                database.execute("INSERT INTO whatsmeow_device VALUES ('5511999990001:7@s.whatsapp.net')")
            database.close()
            self.tell(frame, "paired", jid="5511999990001@s.whatsapp.net", business="Shop", platform="android")
            if not self.behaves("lost515"):
                self.tell(frame, "settled")


if __name__ == "__main__":
    fds = [socket.socket(fileno=int(text)) for text in sys.argv[2:4]]
    Fake(Path(sys.argv[1]), *fds).run()
