"""`ryze-tui server start|stop|status|unit`: the local server that keeps running after you leave, and its systemd unit."""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import Any

from .. import inherited, local, paths
from ..i18n import _, n_
from . import exits
from .exits import Failure
from .output import Out
from .parser import Parser, port


def add_arguments(parser: Parser) -> None:
    """What to do."""
    parser.no_token = _("It makes its own token, and keeps it where the console finds it.")
    parser.add_argument(
        "what", choices=("start", "stop", "status", "unit"), metavar="start|stop|status|unit",
        help=_("what to do with it; unit prints a unit for systemd --user, which starts it with this machine"),
    )  # fmt: skip
    parser.add_argument("--port", type=port, help=_("where it listens on 127.0.0.1; 0 takes any free port (8080)"))
    parser.add_argument("--engine", choices=("simulated", "whatsapp"), default="simulated", help=_(
        "start, unit: virtual phones, or real ones, for which ryze-tui[whatsapp] must be installed (simulated)"
    ))  # fmt: skip
    parser.add_argument("--json", action="store_true", help=_("the result as JSON, errors as JSON on standard error"))
    parser.epilog = f"{_('status ends with 3 when it is not running.')}\n\n{exits.epilog()}"


def run(options: argparse.Namespace) -> int:
    """0 done or running; 1 could not; 3 not running (status)."""
    inherited.take_secrets()
    out = Out(as_json=options.json)
    if options.what == "unit":
        return _unit(options, out)
    try:
        stopped = ""
        if options.what != "status" and local.noted() is None and _counts()[0] is not None:
            return out.failed(Failure(_elsewhere(), "failed"))
        if options.what == "start" and (found := local.noted()) and not _same(found.url, options.port):
            return out.failed(Failure(_(
                "it runs already, on {url}. To have it on another port: ryze-tui server stop, then start it again"
            ).format(url=found.url), "failed"))  # fmt: skip
        if options.what == "start":
            asyncio.run(local.start_detached(options.engine, 8080 if options.port is None else options.port))
        elif options.what == "stop":
            stopped = local.stop_detached()
    except local.ServerError as error:
        return out.failed(Failure(str(error), "failed"))
    except KeyboardInterrupt:
        return out.failed(Failure(_("interrupted."), "interrupted"))
    told = document(time.time())
    if options.json:
        out.document(told)
    elif stopped:
        out.line(_("stopped {url}").format(url=stopped))
    else:
        _say(told, out, started=options.what == "start")
    return exits.NO_INSTANCE if options.what == "status" and not told["running"] else exits.DONE


def _same(url: str, wanted: int | None) -> bool:
    """Whether a server there is what was asked for: any, a free port, or this one."""
    return not wanted or url.endswith(f":{wanted}")


def _unit(options: argparse.Namespace, out: Out) -> int:
    from .unit import unit

    if options.json:
        return out.failed(Failure(_("unit prints a file of systemd, which has no JSON."), "usage"))
    if options.port == 0:
        return out.failed(Failure(_("unit needs a port that stays: --port 8080."), "usage"))
    out.line(unit(options.engine, options.port or 8080))
    return exits.DONE


def _elsewhere() -> str:
    words = _("a server runs on {directory} that `ryze-tui server start` did not start: stop it where it was started, "
              "for example with: systemctl --user stop ryze-tui")  # fmt: skip
    return words.format(directory=paths.data_dir())


def document(now: float) -> dict[str, Any]:
    """As cli/schemas/server.json says. `now`: Unix seconds."""
    from .shapes import moment

    found = local.noted()
    counts, problem = _counts()
    running = found is not None or counts is not None
    if found is None:
        problem = _elsewhere() if running else ""

    started = found.started if found is not None else 0.0
    return {
        "running": running,
        "url": found.url if found is not None else None,
        "pid": found.pid if found is not None else None,
        "started": moment(started), "uptime": round(max(0.0, now - started)) if started else None,
        "accounts": counts[0] if counts else None, "instances": counts[1] if counts else None, "problem": problem,
        "data": str(paths.data_dir()), "log": str(local.log_file()),
        "token_file": str(local.token_file()) if local.token_file().exists() else None,
    }  # fmt: skip


def _counts() -> tuple[tuple[int, int] | None, str]:
    """(accounts, instances) as the server itself tells them through its socket; else why not."""
    from ..backend.admin import wire
    from .admin import AdminError, ask

    try:
        accounts = ask(paths.data_dir(), {"do": wire.LIST})["accounts"]
        return (len(accounts), sum(int(one["instances"]) for one in accounts)), ""
    except AdminError as error:
        return None, str(error)
    except (KeyError, TypeError, ValueError):
        return None, _("the server's answer is not understood: it is of another version.")


def _say(told: dict[str, Any], out: Out, *, started: bool) -> None:
    if not told["running"]:
        out.line(_("not running"))
        return
    words = _("running")
    if told["url"] is not None:
        words = _("running on {url} (process {pid})").format(url=told["url"], pid=told["pid"])
    if started:
        out.line(f"{words}; {_('stop it with: ryze-tui server stop')}")
        if told["token_file"] is not None:
            words = _("its token is in {path}; keep both with: ryze-tui profile add NAME --url {url} --token-file {path}")
            out.say(words.format(path=told["token_file"], url=told["url"]))
        return
    out.line(words)
    if told["instances"] is not None:
        out.line(n_("{n} instance", "{n} instances", told["instances"]))
    if told["uptime"] is not None:
        out.line(_("up for {span}").format(span=_span(told["uptime"])))
    if told["problem"]:
        out.warn(told["problem"])


def _span(seconds: int) -> str:
    if seconds < 120:
        return _("{n} s").format(n=seconds)
    if seconds < 7200:
        return _("{n} m").format(n=seconds // 60)
    return _("{n} h").format(n=seconds // 3600) if seconds < 172800 else n_("{n} day", "{n} days", seconds // 86400)
