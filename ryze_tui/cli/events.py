"""`ryze-tui events`: the events of instances as they come, to the screen or into a file, and from a file to a webhook."""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..i18n import _, n_
from . import exits, session
from .exits import Failure
from .following import Following
from .output import Out
from .parser import Parser, factor, whole

if TYPE_CHECKING:
    from ..client.stream import Socket
    from ..operations.account import Account
    from ..operations.tape import Dial, Recording, Taken

REPLAY_SECONDS: Final = 15.0
"""What a receiver may take for one event."""
LARGEST: Final = 1 << 28
"""Bytes of a file that is played."""


def add_arguments(parser: Parser) -> None:
    """Which, where to, how long."""
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help=_("only these instances, each by its own stream"))
    add("--event", action="append", default=[], metavar="EVENT", help=_("only these events; may be given several times"))
    add("--max", type=whole(1), metavar="N", help=_("end after so many events"))
    add("--seconds", type=factor, metavar="SECONDS", help=_("end after so long"))
    add("--record", metavar="PATH", help=_("write them to this file, which must not exist yet (0600, one JSON object a line)"))
    add("--reveal", action="store_true", help=_("leave tokens, QR texts and pairing codes in; else they are masked"))
    play = parser.add_argument_group(_("playing a recording"))
    play.add_argument("--replay", metavar="PATH", help=_("post a recording's events in order, as a webhook gets them"))
    play.add_argument("--to", metavar="URL", help=_("where to"))
    play.add_argument("--speed", type=factor, default=1.0, metavar="N", help=_("divides the gaps between them (1: as recorded)"))
    play.add_argument("--authorization-file", metavar="PATH", help=_("what stands in this file is sent as Authorization"))
    session.add_common(parser, as_json=_("NDJSON: one object a line"))
    parser.description = _(
        "Goes on until --max, --seconds or Ctrl-C, also while the server is away. Without a name it takes the account's own\n"
        "stream, or of servers without one those of all instances whose stream is on. Recordings hold what people write."
    )


def run(options: argparse.Namespace) -> int:
    """Until it is ended, or played."""
    try:
        _contradictions(options)
    except Failure as problem:
        return Out(as_json=options.json, quiet=options.quiet).failed(problem)
    if options.replay is not None:

        async def play(out: Out) -> Failure | None:
            return await _Replay(options, out).run()

        return session.run_alone(options, play)

    async def work(account: Account, out: Out) -> Failure | None:
        return await _Events(account, out, options).run()

    return session.run(options, work, late="")


def _contradictions(options: argparse.Namespace) -> None:
    if (options.replay is None) != (options.to is None):
        raise Failure(_("--replay PATH and --to URL belong together."), "usage")
    if options.replay is None and options.authorization_file is not None:
        raise Failure(_("--authorization-file belongs to --replay."), "usage")
    if options.replay is None:
        return
    if options.record is not None or options.names or options.reveal:
        raise Failure(_("--replay plays what was recorded: names, --record and --reveal do not go with it."), "usage")
    from ..operations.checks import url_problem

    if problem := url_problem(options.to):
        raise Failure(f"--to: {problem}", "usage")


# -- following ---------------------------------------------------------------------------------------------------------


class _Events:
    """What was taken so far."""

    def __init__(self, account: Account, out: Out, options: argparse.Namespace) -> None:
        self._account, self._out, self._options = account, out, options
        self._following = Following()
        self._events = frozenset(options.event)
        self._count, self._began = 0, time.monotonic()
        self._file: Recording | None = None

    async def run(self) -> Failure | None:
        """0 when it ended as planned."""
        from ..api.errors import RyzeError
        from ..operations.outcome import failed

        dials = await self._dials()
        self._open()
        try:
            async with asyncio.timeout(self._options.seconds):
                return await self._following.run(*(self._tape(name, dial) for name, dial in dials.items()))
        except TimeoutError:
            return None
        except RyzeError as error:
            return exits.failure_of(failed(error))
        finally:
            if self._file is not None:
                self._file.close()
                self._out.say(n_("{n} event recorded", "{n} events recorded", self._count))

    def _open(self) -> None:
        """Before anything is waited for: a file that cannot be made is told at once."""
        if self._options.record is None:
            return
        from ..operations.tape import Recording

        path = Path(self._options.record)
        try:
            self._file = Recording(path)
        except FileExistsError:
            words = _("{path} is there already: name a file that does not exist yet.").format(path=path)
            raise Failure(words, "usage") from None
        except OSError as error:
            raise Failure(_("{path} cannot be made: {problem}").format(path=path, problem=error.strerror), "usage") from error

    async def _dials(self) -> dict[str, Dial]:
        """The streams to follow, by name of the instance; that of the account under an empty one. Raises Failure."""
        from ..api.events import ACCOUNT_STREAM

        account, names = self._account, list(dict.fromkeys(self._options.names))
        await account.ask_health()
        await session.listed(account)
        look = account.look
        assert look is not None
        if not names and ACCOUNT_STREAM in account.server.extensions and account.server.account_token is not False:
            return {"": look.account_socket}
        rows = account.model.rows
        if absent := [name for name in names if name not in rows]:
            raise Failure(_("there is no instance {name}.").format(name=", ".join(absent)), "not_found")
        chosen = names or sorted(name for name, row in rows.items() if row.item.streaming)
        if not chosen:
            raise Failure(_("no instance has its stream on: ryze-tui stream set NAME --stream switches it on."), "failed")
        from ..fleet.scheduler import socket_limit

        if len(chosen) > socket_limit():
            words = _("{n} streams are too many to be open at once (at most {most}): name some of them.")
            raise Failure(words.format(n=len(chosen), most=socket_limit()), "failed")
        return {name: self._own(name) for name in chosen}

    def _own(self, name: str) -> Dial:
        configuring = self._account.configuring
        assert configuring is not None

        async def dial(_after: str) -> Socket:
            return await configuring.stream(name)

        return dial

    async def _tape(self, name: str, dial: Dial) -> None:
        from ..operations.tape import Tape

        def told(words: str) -> None:
            about = f"{name}: " if name else ""
            self._out.say(f"{about}{words or _('the stream is open again')}")

        def lost() -> None:
            about = f"{name}: " if name else ""
            self._out.warn(f"{about}{_('events were lost while the stream was not open')}")

        guarded = self._following.guarded
        tape = Tape(dial, take=guarded(self._take), told=guarded(told), lost=guarded(lost), began=self._began)
        await tape.run()

    def _take(self, taken: Taken) -> None:
        if self._events and taken.event not in self._events:
            return
        if self._options.max is not None and self._count >= self._options.max:
            return
        self._count += 1
        line = taken.line(reveal=self._options.reveal)
        if self._file is not None:
            self._file.write(line)
        if self._out.as_json:
            self._out.event(line)
        elif not (self._file is not None and self._out.quiet):
            self._out.line(_words(line), flush=True)
        if self._count == self._options.max:
            self._following.end()


def _words(line: dict[str, Any]) -> str:
    """`12:00:01  sales  instance.state  connected`"""
    from ..redact import clean

    data = line["frame"].get("data")
    told = data if isinstance(data, dict) else {}
    more = next((told[key] for key in ("state", "status", "type", "action") if isinstance(told.get(key), str)), "")
    at = time.strftime("%H:%M:%S")
    return "  ".join(filter(None, [at, clean(line["instance"]), clean(line["event"]), clean(more)[:60]]))


# -- playing -----------------------------------------------------------------------------------------------------------


class _Replay:
    """Posts a recording. The file is read and checked whole before the first event leaves."""

    def __init__(self, options: argparse.Namespace, out: Out) -> None:
        self._options, self._out = options, out

    async def run(self) -> Failure | None:
        """Partly, when some were not taken; failed, when none was."""
        from ..api.events import DELETED, ROW
        from ..operations.tape import BadTape, gaps, played

        try:
            lines, left = played(self._lines(), own=(ROW, DELETED))
        except BadTape as problem:
            raise Failure(f"{self._options.replay}, {problem}", "usage") from None
        lines = [line for line in lines if not self._options.event or line.event in self._options.event]
        lines = lines[: self._options.max]
        if left:
            self._out.say(n_("{n} line is left out: it tells no event", "{n} lines are left out: they tell no events", left))
        if not lines:
            raise Failure(_("there is no event in {path}; nothing was sent.").format(path=self._options.replay), "usage")
        headers, taken = self._headers(), 0
        try:
            async with asyncio.timeout(self._options.seconds):
                async for line in gaps(lines, self._options.speed):
                    taken += await self._post(line, headers)
        except TimeoutError:
            self._out.say(_("the time is over"))
        words = _("{done} of {n} were taken").format(done=taken, n=len(lines))
        if taken == len(lines):
            self._out.say(words)
            return None
        return Failure(words, "partly" if taken else "failed")

    def _lines(self) -> list[str]:
        path = Path(self._options.replay)
        try:
            if path.stat().st_size > LARGEST:
                raise Failure(_("{path} is larger than {n} MB: divide it.").format(path=path, n=LARGEST >> 20), "usage")
            return path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise Failure(_("{path} cannot be read: {problem}").format(path=path, problem=error.strerror), "usage") from error
        except UnicodeDecodeError:
            raise Failure(_("{path} is no recording: it is not UTF-8.").format(path=path), "usage") from None

    def _headers(self) -> dict[str, str]:
        path = self._options.authorization_file
        if path is None:
            return {}
        from ..redact import register

        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Failure(_("{path} cannot be read: {problem}").format(path=path, problem=error.strerror), "usage") from error
        except UnicodeDecodeError:
            value = ""
        if not value.isprintable() or not value.isascii() or not value:
            raise Failure(_("{path} must have one line of plain characters.").format(path=path), "usage")
        register(value)
        return {"Authorization": value}

    async def _post(self, line: Any, headers: dict[str, str]) -> bool:
        """Whether the receiver took it."""
        from ..probes.http import ask
        from ..probes.steps import Failed

        began, status, words = time.perf_counter(), None, ""
        try:
            async with asyncio.timeout(REPLAY_SECONDS):
                answer = await ask("POST", self._options.to, headers, line.envelope)
            status, words = answer.status, answer.beginning
        except TimeoutError:
            words = _("no answer within {seconds} s").format(seconds=f"{REPLAY_SECONDS:g}")
        except Failed as error:
            words = error.words
        ok, ms = status is not None and 200 <= status < 300, round((time.perf_counter() - began) * 1000)
        if self._out.as_json:
            self._out.event({"line": line.number, "instance": line.instance, "event": line.event, "ok": ok, "status": status,
                             "ms": ms, "message": words})  # fmt: skip
        elif not self._out.quiet or not ok:
            from ..redact import clean, mask

            told = [f"{line.number:>5}", line.instance, line.event, str(status or "–"), f"{ms} ms", words]
            self._out.line("  ".join(clean(mask(word)) for word in told if word), flush=True)
        return ok
