"""One command on one account: its common words, the account it is for, its end. No screen, no feed unless it asks for one."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from .. import config, inherited
from ..i18n import _, n_
from . import exits, stuck, target
from .exits import Failure
from .output import Out, is_terminal
from .parser import Parser, factor

if TYPE_CHECKING:
    from ..operations.account import Account
    from ..operations.outcome import Outcome

Work = Callable[["Account", Out], Awaitable[Failure | None]]
_ENDS: Final = (signal.SIGTERM, signal.SIGHUP)


def add_common(parser: Parser, *, as_json: str = "", quiet: str = "") -> None:
    """The words that every command on an account knows. `as_json`, `quiet`: what those two do here, where it needs saying."""
    group = parser.add_argument_group(_("server and output"))
    target.add_arguments(group)
    group.add_argument(
        "--timeout", type=factor, metavar="SECONDS", help=_("give up after so long (exit code 5, 7 or 9, see below)")
    )
    group.add_argument("--json", action="store_true", help=as_json or _("the result as JSON, errors as JSON on standard error"))
    group.add_argument("-q", "--quiet", action="store_true", help=quiet or _("say nothing but errors"))
    parser.intermixed = True
    parser.epilog = "\n\n".join(filter(None, [parser.epilog, exits.epilog()]))


def names_argument(parser: Parser) -> None:
    """One or more instances."""
    words = _("the instance; several are done one after the other, - for those on standard input")
    parser.add_argument("names", nargs="+", metavar="NAME", help=words)


MOST: Final = 4 << 20
"""Characters of names that are read from standard input."""


def _given(options: argparse.Namespace) -> None:
    """`-` among the names: those that stand on standard input, one a line. Raises Failure."""
    names: list[str] = getattr(options, "names", [])
    if "-" not in names:
        return
    if options.token_file == "-":
        words = _("standard input is read for the token already: give the names as words, or the token in a file.")
        raise Failure(words, "usage")
    try:
        text = sys.stdin.read(MOST + 1)
    except (OSError, ValueError) as problem:
        raise Failure(_("the names could not be read from standard input: {problem}").format(problem=problem), "usage") from None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(text) > MOST or any(len(line.split()) != 1 for line in lines):
        raise Failure(_("standard input must have one name a line (ryze-tui ls -q prints such); nothing was done."), "usage")
    if not lines and names == ["-"]:
        raise Failure(_("there is no name on standard input; nothing was done."), "usage")
    options.names = [name for word in names for name in (lines if word == "-" else [word])]


def run(options: argparse.Namespace, work: Work, *, late: str = "no_answer", sockets: int | None = 0) -> int:
    """Find the account, do the work, say what went wrong; the exit code.

    `late`: what --timeout means: no_answer for a read, unknown for a write (what is broken off may have been done), timed_out
    where something is waited for, empty where it is the end as planned. `sockets`: see Account; only work that lets it `run`
    opens any.
    """
    return _ended(options, work, late, lambda: _account(options, sockets))


def run_alone(options: argparse.Namespace, work: Callable[[Out], Awaitable[Failure | None]], *, late: str = "unknown") -> int:
    """As `run`, for work that needs no account."""

    async def alone(_account: Account | None, out: Out) -> Failure | None:
        return await work(out)

    return _ended(options, alone, late, lambda: None)


def _ended(options: argparse.Namespace, work: Callable[..., Awaitable[Failure | None]], late: str,
           account: Callable[[], Account | None]) -> int:  # fmt: skip
    out = Out(as_json=options.json, quiet=options.quiet)
    log = logging.getLogger("ryze_tui")
    log.handlers = [one for one in log.handlers if not isinstance(one, _Warnings)] + [_Warnings(out)]
    session = _Session(options, work, out, late)
    try:
        _given(options)
        failure = asyncio.run(session.main(account()))
    except Failure as problem:
        failure = problem
    except target.NoToken as problem:
        failure = Failure(str(problem), "not_allowed")
    except config.ConfigError as problem:
        failure = Failure(str(problem), "config")
    except KeyboardInterrupt:
        more = _("What was under way may have been done; see the audit log.") if late == "unknown" and session.began else ""
        failure = Failure(f"{_('interrupted.')} {more}".strip(), "interrupted")
    except asyncio.CancelledError:
        return 128 + session.signal
    except BrokenPipeError:
        raise  # whoever read it has gone, and wants to hear nothing
    except OSError as problem:
        failure = Failure(_("the output could not be written: {problem}").format(problem=problem.strerror), "failed")
    finally:
        if stuck.signalled:
            stuck.flush()
    return exits.DONE if failure is None else out.failed(failure)


def _account(options: argparse.Namespace, sockets: int | None) -> Account:
    """The account that the words, the environment or a profile name. Raises ConfigError."""
    url, token, profile, read_only = target.find(options, inherited.take_secrets(), target.configured())
    if not url:
        raise config.ConfigError(_("which server? Use --url or RYZE_URL, or keep one: ryze-tui profile add NAME --url URL"))
    from .. import keys
    from ..operations.account import Account
    from ..operations.audit import COMMAND

    keys.speak_commands()
    return Account(url, token, read_only=read_only, profile=profile, keep=True, sockets=sockets, program=COMMAND)


class _Warnings(logging.Handler):
    """What the core logs as a warning (an audit line or a list that cannot be written) is told as one."""

    def __init__(self, out: Out) -> None:
        super().__init__(logging.WARNING)
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it."""
        self._out.warn(record.getMessage())


class _Session:
    """One run. `began`: the server may have been asked for something. `signal`: the number of the one that ended it."""

    def __init__(self, options: argparse.Namespace, work: Callable[..., Awaitable[Failure | None]], out: Out, late: str) -> None:
        self._options, self._work, self._out, self._late = options, work, out, late
        self.began = False
        self.signal = 0

    async def main(self, account: Account | None) -> Failure | None:
        """Do it. Raises Failure, and CancelledError after a signal."""
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        heard = [one for one in _ENDS if signal.getsignal(one) != signal.SIG_IGN]  # nohup means it
        for number in heard:
            loop.add_signal_handler(number, self._end, task, number)
        try:
            self.began = True
            with stuck.noticed(*heard):
                async with asyncio.timeout(self._options.timeout):
                    failure = await self._work(account, self._out)
                    stuck.flush()
                    return failure
        except TimeoutError:
            return self._too_late()
        finally:
            if account is not None:
                await account.close()

    def _end(self, task: asyncio.Task[object], number: int) -> None:
        self.signal = number
        task.cancel()

    def _too_late(self) -> Failure | None:
        if not self._late:
            return None
        words = n_("not done within {n} second.", "not done within {n} seconds.", round(self._options.timeout))
        if self._late == "unknown":
            words += " " + _("It may have been done all the same.")
        return Failure(words, self._late)

async def listed(account: Account, names: Sequence[str] | None = None) -> None:
    """Read the list once (or these names), remembered history included. Raises Failure."""
    account.hurry()
    await account.recall()
    outcome = await account.refresh(names)
    if not outcome.ok:
        raise exits.failure_of(outcome)


async def several(account: Account, names: Iterable[str], do: Callable[[str], Awaitable[Outcome]], out: Out) -> Failure | None:
    """Do something to instances one after the other, within the rate limits; tells what came of each, and what it comes to.

    A refused token ends it early. What a time-out or a signal breaks off is told as unknown; what comes after it is not told.
    """
    done: list[Outcome] = []
    todo = list(dict.fromkeys(names))
    try:
        for name in todo:
            outcome = await _one(account, name, do, out, patient=len(todo) > 1)
            done.append(outcome)
            if outcome.ok:
                out.say(f"{name}: {outcome.message}")
            elif len(todo) > 1 and not out.as_json:  # a single one is told of at the end
                _complain(f"{name}: {outcome.message}")
            if outcome.kind == "not_allowed":
                break
    except asyncio.CancelledError:
        from ..operations.outcome import UNKNOWN, Outcome

        done.append(Outcome(False, _("broken off while under way: result unknown"), name=todo[len(done)], kind=UNKNOWN))
        _results(out, done)
        raise
    _results(out, done)
    return exits.failure_of_many(done)


async def _one(account: Account, name: str, do: Callable[[str], Awaitable[Outcome]], out: Out, *, patient: bool) -> Outcome:
    """One of them. `patient`: a 429 is waited for: what it refused was not done."""
    while True:
        await asyncio.sleep(account.budget.wait())
        outcome = await do(name)
        if outcome.kind != "rate_limited" or not patient:
            return outcome
        pause = max(account.budget.wait(), outcome.retry_after, 1.0)
        out.say(_("too many requests: going on in {n} s").format(n=round(pause)))
        await asyncio.sleep(pause)


def _complain(text: str) -> None:
    from ..redact import clean, mask

    print(clean(mask(text)), file=sys.stderr, flush=True)


def _results(out: Out, outcomes: Sequence[Outcome]) -> None:
    if out.as_json:
        out.document({"results": [
            {"instance": one.name, "ok": one.ok, "message": one.message, "status": one.status, "kind": one.kind or None}
            for one in outcomes
        ]})  # fmt: skip


def ask(out: Out, title: str, wanted: str, prompt: str) -> None:
    """Have a person type `wanted`. Raises Failure: where nobody can be asked, or something else was typed."""
    if out.as_json or not is_terminal(sys.stdin) or not is_terminal(sys.stderr):
        raise Failure(_("{title} Nobody can be asked here: add --yes.").format(title=title), "usage")
    from ..redact import clean

    # Within asyncio.run the first Ctrl-C only cancels the task, and the read would go on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        print(clean(title), file=sys.stderr)
        print(clean(prompt), end=" ", file=sys.stderr, flush=True)
        typed = sys.stdin.readline()
    finally:
        signal.signal(signal.SIGINT, before)
    if typed.strip() != wanted:
        raise Failure(_("not confirmed: nothing was done."), "declined")


def ask_names(options: argparse.Namespace, out: Out, one: str, many: str, consequence: str) -> None:
    """Before something that cannot be taken back: the name is to be typed, of several how many. `one`, `many`: the question."""
    if options.yes:
        return
    names = list(dict.fromkeys(options.names))
    if len(names) == 1:
        ask(out, f"{one.format(name=names[0])} {consequence}", names[0], _("Type its name to go on:"))
    else:
        title = f"{many.format(n=len(names), names=', '.join(names))} {consequence}"
        ask(out, title, str(len(names)), _("Type how many they are to go on:"))
