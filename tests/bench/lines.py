"""Every line of the table, by part: a part is a scene (a server, and a console on it) that its lines share."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from ..terminal.server import Server
from . import fleet, glass, quiet, running, serving, slow, startup
from .line import Line, Part
from .measure import Figure, Watched


class Scene:
    """A server, and a console that is opened when the first line wants one."""

    def __init__(self, server: Server, stack: contextlib.ExitStack) -> None:
        self.server, self._stack = server, stack
        self._term: Watched | None = None

    @property
    def term(self) -> Watched:
        """The console, with the list on its screen."""
        if self._term is None:
            self._term = self._stack.enter_context(running.console(self.server))
        return self._term


@contextlib.contextmanager
def scene(instances: int) -> Iterator[Scene]:
    """A server of its own with that many instances."""
    with (
        serving.many_files(), tempfile.TemporaryDirectory(prefix="ryze-bench-") as home,
        Server(Path(home), instances=instances, rate_limit=0) as server, contextlib.ExitStack() as stack,
    ):  # fmt: skip
        yield Scene(server, stack)


def small() -> contextlib.AbstractContextManager[Scene]:
    """Fifty instances."""
    return scene(50)


def large() -> contextlib.AbstractContextManager[Scene]:
    """Ten thousand."""
    return scene(10_000)


def backend() -> contextlib.AbstractContextManager[Scene]:
    """A thousand, and no console."""
    return scene(serving.COUNT)


@contextlib.contextmanager
def node() -> Iterator[None]:
    """A server that the line itself starts, and starts again."""
    with serving.many_files():
        yield


def of(part: Part, **measures: Callable[[Any, bool], list[Figure]]) -> list[Line]:
    """Lines of one part; `_` in a name is written as `-`."""
    return [Line(name.replace("_", "-"), part, measure) for name, measure in measures.items()]


LINES: Final = [
    *of(
        small,
        startup=lambda s, quick: startup.startup(s.server, 5 if quick else 11),
        ls=lambda s, quick: startup.listing(s.server, 5 if quick else 11, "50"),
        idle=lambda s, quick: quiet.idle(s.term, 15 if quick else 60),
        idle_sockets=lambda s, quick: quiet.with_sockets(15 if quick else 60),
        memory=lambda s, _quick: running.memory(s.term, 50, 60),
        moves=lambda s, _quick: running.moves(s.term, 20, 50),
        flips=lambda s, _quick: running.flips(s.term, s.server, 8),
        version=lambda _s, quick: startup.version(7 if quick else 15),
    ),
    *of(
        large,
        memory_10k=lambda s, _quick: running.memory(s.term, 10_000, 110),
        moves_10k=lambda s, _quick: running.moves(s.term, 20, 10_000),
        filter=lambda s, _quick: running.filtering(s.term, 10_000),
        ls_10k=lambda s, quick: startup.listing(s.server, 3 if quick else 7, "10,000"),
        storm=lambda s, quick: running.storm(s.term, s.server, 8 if quick else 20),
        glass=lambda s, quick: glass.glass(s.term, s.server, 8 if quick else 30),
        slow_line=lambda s, quick: slow.slow(s.server, quick),
        arriving=lambda s, _quick: glass.arriving(s.server),
    ),
    *of(
        backend,
        list=lambda s, quick: serving.lists(s.server, 20 if quick else 60),
        sockets=lambda s, quick: serving.sockets_of_all(s.server, 4.0 if quick else 10.0),
        fan_out=lambda s, quick: fleet.storm(s.server, quick),
        webhooks=lambda s, quick: serving.webhooks(s.server, 4.0 if quick else 10.0),
    ),
    *of(node, boot=lambda _s, quick: fleet.boot(quick)),
]
