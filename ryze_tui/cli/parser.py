"""How words are read, the same for every command: nothing is abbreviated, and no error repeats what may be a secret."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from ..i18n import _, mark, n_

vars(argparse).update(_=_, ngettext=n_)  # its own words, below, are asked for through these names of its module
_ARGPARSE = (
    mark("usage: "), mark("positional arguments"), mark("options"), mark("show this help message and exit"),
    mark("show program's version number and exit"), mark("%(prog)s: error: %(message)s\n"),
    mark("argument %(argument_name)s: %(message)s"), mark("the following arguments are required: %s"),
    mark("invalid choice: %(value)r (choose from %(choices)s)"), mark("invalid %(type)s value: %(value)r"),
    mark("expected one argument"), mark("expected at most one argument"), mark("expected at least one argument"),
    mark("ignored explicit argument %r"),
)

_TOKEN = re.compile(r"-[\w-]*token", re.IGNORECASE)
_IN_FILE = re.compile(r"-(?:file|command)$")


def descriptions() -> dict[str, str]:
    """What each command does, in a sentence."""
    return {
        "ls": _("List instances; words filter them."),
        "show": _("Everything known of one instance, its blocks too."),
        "create": _("Make an instance, with its blocks."),
        "connect": _("Pair an instance: a QR code or a pairing code, renewed until a phone took it."),
        "reconnect": _("Dial again with the saved session."),
        "bring-back": _("Reconnect what has a session; say what the others need."),
        "logout": _("Unlink the phone; the instance stays."),
        "delete": _("Remove instances and all that belongs to them."),
        "wait": _("Wait until an instance is in a state."),
        "watch": _("Follow states as they change, a line each."),
        "send": _("Send a text from an instance."),
        "settings": _("Read or change the settings of instances."),
        "proxy": _("Read or change the proxies of instances."),
        "s3": _("Read or change where received media of instances is put."),
        "webhook": _("Read, list or change the webhooks of instances."),
        "stream": _("Read or change the streams of instances."),
        "chatwoot": _("Read or change the Chatwoot of instances."),
        "export": _("Write the blocks of instances to one YAML file."),
        "plan": _("Say what a YAML file of blocks would change."),
        "apply": _("Make instances what a YAML file says."),
        "audit": _("Read the audit log: every write from this machine."),
        "doctor": _("Look at everything between this machine and its numbers, and say what to do."),
        "events": _("Follow, record and replay the events of instances."),
        "profile": _("List, add, change and remove the servers that are kept under a name."),
        "schema": _("Print the JSON Schema of a command's --json."),
        "completion": _("Print the completion script of a shell."),
        "serve": _("Run a server that speaks the RyzeAPI contract."),
        "demo": _("Open the console on simulated numbers; nothing real, nothing kept."),
        "server": _("Start, stop or look for the local server that keeps running."),
        "config": _("Check, show or edit the configuration file; list the keys."),
        "account": _("Add, list and remove the accounts of a running server."),
        "session": _("Take one number's WhatsApp session out of a stopped server, or put one in."),
    }


class Parser(argparse.ArgumentParser):
    """`read` instead of `parse_args`, which repeats every word it does not know.

    `no_token`: said to those who typed a token, for a command that has another place for it, or needs none.
    """

    no_token = ""
    intermixed = False
    """Whether options may stand between the words of a list."""
    json = False
    """Whether --json was among the words: then errors are JSON too."""

    def __init__(self, prog: str, description: str, *, usage: str | None = None, epilog: str | None = None) -> None:
        super().__init__(
            prog=prog,
            usage=usage,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def read(self, words: Sequence[str], stray: str = "") -> argparse.Namespace:
        """The options; exits with 2 and a sentence when they are wrong. `stray`: what to say about a word that is no option."""
        known = self._option_string_actions
        self.json = "--json" in words and "--json" in known
        if any(_TOKEN.match(word) and not _IN_FILE.search(word.partition("=")[0]) and word.partition("=")[0] not in known
               for word in words):  # fmt: skip
            more = self.no_token or (_("Use RYZE_TOKEN or --token-file.") if "--token-file" in known else "")
            self.error(
                _("a token never goes on the command line, where other users of this machine can read it. {more}")
                .format(more=more)
                .rstrip()
            )
        options, rest = (self.parse_known_intermixed_args if self.intermixed else self.parse_known_args)(words)
        names = [word.partition("=")[0] if word.startswith("--") else word[:2] for word in rest if word.startswith("-")]
        if names:
            from ..config.check import near

            words = _("there is no option {names}; see {prog} --help").format(names=", ".join(names), prog=self.prog)
            self.error(words + near(names[0], [name for name in known if name.startswith("--")]))
        if rest:
            self.error(stray or _("there are words too many; see {prog} --help").format(prog=self.prog))
        return options

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the words; exits with 2."""
        if not self.json:
            super().error(message)
        from .output import error_line

        print(error_line(message, "usage"), file=sys.stderr)
        raise SystemExit(2)


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """A type for whole numbers of that range."""

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(
                _("must be a whole number from {least}").format(least=least)
                if most is None
                else _("must be a whole number from {least} to {most}").format(least=least, most=most)
            )
        return value

    return number


port = whole(0, 65535)
count = whole(0)


def factor(text: str) -> float:
    """A type for numbers greater than 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1_000_000:
        raise argparse.ArgumentTypeError(_("must be a number greater than 0, at most 1000000"))
    return value
