"""`ryze-tui serve`: a server that speaks the RyzeAPI contract."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import logging
import os
import shlex
import signal
import stat
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ..i18n import _
from .parser import Parser, count, factor, port, whole

if TYPE_CHECKING:
    from ..backend.settings import Settings

FAILED = 2
_PR_SET_PDEATHSIG = 1


def add_arguments(parser: Parser) -> None:
    """The flags of `serve`."""
    parser.no_token = _("RYZE_ACCOUNT_TOKEN sets the account's token.")
    add = parser.add_argument
    add("--engine", choices=("simulated", "whatsapp"), required=True, help=_("simulated: virtual phones; whatsapp: real ones"))
    add("--host", default="127.0.0.1", help=_("address to listen on (127.0.0.1)"))
    add("--port", type=port, default=8080, help=_("port to listen on; 0 takes any free one (8080)"))
    add("--data-dir", type=Path, metavar="DIR", help=_("where the database is (XDG data directory)"))
    add("--database", default="", metavar="URL", help=_("another database, e.g. sqlite:////srv/ryze.db"))
    add("--public-url", default="", metavar="URL", help=_("how others reach this server; told in events"))
    add("--rate-limit", type=count, default=100, metavar="N", help=_("requests a minute and token; 0 = off (100)"))
    add("--instance-quota", type=count, default=0, metavar="N", help=_("instances an account may have; 0 = any number (0)"))
    add("--cors-origin", type=_origin, action="append", default=[], metavar="URL",
        help=_("origin of a web page that may call, e.g. https://console.example; may be repeated (none)"))  # fmt: skip
    add("--no-extensions", action="store_true", help=_(
        "the plain contract: no account stream, since, reason, /openapi.json, tests, delivery log and webhook-… headers"
    ))
    add(
        "--answers", choices=("documented", "observed"), default="documented",
        help=_(
            "where they differ: like RyzeAPI's documentation, or like its live service, which has bare base64 and the status "
            "qr_code_generated for QR codes, calls idle instances closed, and reads a websocket never set as off (documented)"
        ),
    )
    add(
        "--messages", choices=("observed", "documented"), default="observed",
        help=_(
            "layout of message.exchange: like RyzeAPI's live service, with chat and sender beside the message, or like its "
            "documentation, with everything inside of it (observed)"
        ),
    )
    add(
        "--allow-private-targets", action=argparse.BooleanOptionalAction, default=None,
        help=_(
            "webhooks, proxies, S3, Chatwoot and media URLs may lead to this machine and private networks "
            "(only while bound to 127.0.0.1)"
        ),
    )
    add("--media-spool", type=count, default=2000, metavar="MB", help=_("disk for media that waits for its S3 (2000)"))
    add("--key-file", type=Path, metavar="PATH", help=_("the key that secrets are encrypted with (XDG configuration directory)"))
    add("--metrics-token-file", type=Path, metavar="PATH",
        help=_("file with the token that /metrics wants; without one (or RYZE_METRICS_TOKEN) there is no /metrics"))  # fmt: skip
    add("--simulator-instances", type=count, default=0, metavar="N", help=_("fill an empty account with N instances"))
    add("--simulator-speed", type=factor, default=1.0, metavar="N", help=_("divide the simulator's waits by N (1)"))
    add("--simulator-names", choices=("numbered", "demo"), default="numbered", help=argparse.SUPPRESS)
    add("--sessions-per-worker", type=whole(1, 1000), default=10, metavar="N",
        help=_("whatsapp: numbers that one worker process has (10)"))  # fmt: skip
    add("--worker-command", type=_command, default=(), metavar="COMMAND", help=_(
        "whatsapp: what starts a worker process, instead of {python} -m {module}; its two last arguments are added"
    ).format(python="python", module="ryze_tui.backend.engine.whatsapp.worker"))  # fmt: skip
    add("--exit-with-parent", action="store_true", help=argparse.SUPPRESS)
    add("--verbose", action="store_true", help=_("log every request to stderr"))


def _command(text: str) -> tuple[str, ...]:
    """A type for commands, quoted as for a shell."""
    try:
        parts = tuple(shlex.split(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not parts:
        raise argparse.ArgumentTypeError(_("is empty; leave it out for our own"))
    return parts


def _origin(text: str) -> str:
    """A type for origins, as browsers send them."""
    from ..backend.origins import origin_of

    try:
        return origin_of(text)
    except ValueError:
        message = _("must be http:// or https://, a name and maybe a port, no path and no *; e.g. https://console.example")
        raise argparse.ArgumentTypeError(message) from None


def _socket_origins() -> tuple[str, ...]:
    """RYZE_ALLOWED_ORIGINS. Raises StartupError."""
    from ..backend.errors import StartupError
    from ..backend.origins import origin_of

    try:
        return tuple(origin_of(part) for part in os.environ.get("RYZE_ALLOWED_ORIGINS", "").split(",") if part.strip())
    except ValueError as error:
        raise StartupError(
            _("RYZE_ALLOWED_ORIGINS cannot be read: {problem}; separate several by commas").format(problem=error)
        ) from None


def _metrics_token(file: Path | None) -> str:
    """Of the file, else RYZE_METRICS_TOKEN, which is taken out of the environment. Raises StartupError."""
    from ..backend.errors import StartupError

    token = os.environ.pop("RYZE_METRICS_TOKEN", "").strip()
    if file is None:
        return token
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or _("it is not text")
        raise StartupError(_("{path} cannot be read: {problem}").format(path="--metrics-token-file", problem=reason)) from None
    if not token:
        raise StartupError(_("--metrics-token-file is empty; write a token into it, for example with: openssl rand -hex 24"))
    return token


def _settings(args: argparse.Namespace) -> Settings:
    from .. import paths
    from ..backend.settings import Settings

    return Settings(
        data_dir=(args.data_dir or paths.data_dir()).absolute(), engine=args.engine, host=args.host, port=args.port,
        database=args.database, public_url=args.public_url.rstrip("/"), rate_limit=args.rate_limit,
        instance_quota=args.instance_quota, extensions=not args.no_extensions, answers=args.answers,
        messages=args.messages, private_targets=args.allow_private_targets, media_spool_bytes=args.media_spool * 1_000_000,
        key_file=args.key_file.absolute() if args.key_file else None,
        # Taken out of the environment: no child process gets them.
        key=os.environ.pop("RYZE_KEY", ""), account_token=os.environ.pop("RYZE_ACCOUNT_TOKEN", "").strip(),
        sessions_per_worker=args.sessions_per_worker, worker_command=args.worker_command,
        metrics_token=_metrics_token(args.metrics_token_file),
        allowed_origins=_socket_origins(), cors_origins=tuple(args.cors_origin),
        simulator_instances=args.simulator_instances, simulator_speed=args.simulator_speed, simulator_names=args.simulator_names,
    )


def _log_to_stderr(verbose: bool) -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("ryze_tui").setLevel(logging.INFO if verbose else logging.WARNING)
    # uvicorn's own lines hold query strings, and those may hold tokens.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # Java's client offers HTTP/2 with every request and is content without: not worth a line each.
    logging.getLogger("uvicorn.error").addFilter(lambda record: not str(record.msg).startswith("Unsupported upgrade request"))


def _end_with_parent() -> None:
    """SIGTERM when the parent is gone, however it went: its end of our stdin closes, or the kernel tells (Linux)."""
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        # Not for a pipe: the kernel's parent is a thread, and that may end long before its process.
        parent = os.getppid()
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it went before the kernel knew
            os.kill(os.getpid(), signal.SIGTERM)
        return

    def watch() -> None:
        try:
            while os.read(0, 4096):
                pass
        except OSError:
            return
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


async def _serve(settings: Settings, exit_with_parent: bool) -> None:
    from ..backend.server import Server

    server = Server(settings)
    server.stop_on_signals()
    if exit_with_parent:
        _end_with_parent()
    await server.serve(lambda url: print(f"ryze-tui: serving on {url}", flush=True))


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    signal.signal(signal.SIGTERM, _leave)  # until the server listens to it: nothing is open yet, and a stop is no failure
    from ..backend.errors import StartupError

    os.environ.pop("RYZE_TOKEN", None)  # of a console; a server has no use for it
    _log_to_stderr(args.verbose)
    os.umask(0o077)  # the database, its journal and the token are their owner's only, whatever the directory is
    try:
        asyncio.run(_serve(_settings(args), args.exit_with_parent))
    except StartupError as error:
        print(f"ryze-tui serve: {error}", file=sys.stderr)
        return FAILED
    return 0
