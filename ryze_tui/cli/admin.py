"""Account commands from this side: one request over the Unix socket of a running server, and every refusal in words."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ..backend.admin import wire
from ..i18n import _, n_

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 60.0
"""How long the server may be silent; while it removes instances it tells how far it is."""


class AdminError(Exception):
    """What was wanted did not happen; the text says why and what to do. `code` is the server's, empty without one."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


def _not_there(directory: Path) -> str:
    return _(
        "no server answers for {directory}. Account commands go through the running server: start it "
        "(ryze-tui server start, or ryze-tui serve), and name its data directory with --data-dir."
    ).format(directory=directory)


def _open(directory: Path) -> socket.socket:
    """A connection to the server of that data directory. Raises AdminError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(CONNECT_SECONDS)
        with wire.address(directory / wire.SOCKET_FILE) as name:
            connection.connect(name)
        owners = {os.geteuid(), 0, directory.stat().st_uid}
        if wire.peer_uid(connection) not in owners:
            raise AdminError(_("what answers for {directory} is another user's program.").format(directory=directory))
        connection.settimeout(ANSWER_SECONDS)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        connection.close()
        raise AdminError(_not_there(directory)) from None
    except PermissionError:
        connection.close()
        why = _("{directory} is another user's: run this as that user, or as root.").format(directory=directory)
        raise AdminError(why) from None
    except OSError as error:
        connection.close()
        why = error.strerror or _("it does not answer")
        raise AdminError(_("the server of {directory} cannot be reached: {why}").format(directory=directory, why=why)) from None
    except BaseException:
        connection.close()
        raise
    return connection


def ask(directory: Path, message: Mapping[str, Any], progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """What the server did. Raises AdminError."""
    with _open(directory) as connection:
        try:
            connection.sendall(wire.encode(message))
            with connection.makefile("rb") as lines:
                for line in lines:
                    told = wire.decode(line)
                    if "progress" not in told:
                        return _outcome(told)
                    if progress is not None:
                        progress(int(told["progress"]), int(told["of"]))
        except TimeoutError:
            why = _("the server did not answer within {n} s; ryze-tui account list tells what it did.")
            raise AdminError(why.format(n=int(ANSWER_SECONDS))) from None
        except OSError as error:
            raise AdminError(_("the connection to the server broke: {why}").format(why=error.strerror)) from None
        except (ValueError, KeyError, TypeError):
            raise AdminError(_("the server's answer is not understood: it is of another version.")) from None
    raise AdminError(_("the server left without an answer; ryze-tui account list tells what it did."))


def _outcome(told: dict[str, Any]) -> dict[str, Any]:
    done = told.get("ok")
    if isinstance(done, dict):
        return done
    raise AdminError(_words(told), str(told.get("error", "")))


def _words(told: dict[str, Any]) -> str:
    """A refusal as a sentence."""
    code, why = told.get("error"), str(told.get("why", ""))
    if code == wire.LEFT_OVER:
        words = n_(
            "{n} instance could not be deleted: {why}. The account's token is dead; the rest is tried again when the server "
            "starts, or when you repeat this command.",
            "{n} instances could not be deleted: {why}. The account's token is dead; the rest is tried again when the server "
            "starts, or when you repeat this command.",
            int(told.get("left", 0)),
        )
        return words.replace("{why}", why)
    if code == wire.FAILED:
        return _("the server could not do it: {why}").format(why=why)
    sentences = {
        wire.EXISTS: _("an account of that name exists already; `rotate` gives it a new token."),
        wire.NOT_FOUND: _("there is no account of that name; ryze-tui account list shows them."),
        wire.LAST: _("this is the last account: a server keeps at least one. Add another one first."),
        wire.BEING_REMOVED: _("that account is being removed; repeat `remove` if that was interrupted."),
        wire.BUSY: _("the server is busy with other account commands; try again in a moment."),
        wire.NOT_ALLOWED: _("the server takes account commands from its own user and from root only."),
    }
    return sentences.get(str(code), _("the server does not understand this command: it is of another version."))
