"""What /metrics tells of a server, in Prometheus' text format: counters and gauges without a name, number or token in them."""

from __future__ import annotations

import os
import resource
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..api.states import STATES
from .histogram import Histogram

if TYPE_CHECKING:
    from .app import Backend

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SHORTEST_TOKEN: Final = 16
NO_ROUTE: Final = "none"

Labels = tuple[tuple[str, str], ...]
Sample = tuple[Labels, float]


class Requests:
    """What was answered, by route (its pattern, never the path), method and status; and how many were over their limit."""

    def __init__(self) -> None:
        self.answered: Counter[tuple[str, str, int]] = Counter()
        self.limited = 0

    def count(self, route: str, method: str, status: int) -> None:
        """One more; status 0 when the client was gone before an answer. Methods are bounded: anybody may invent some."""
        self.answered[route, method if method in _METHODS else "other", status] += 1


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WS"})


def exposition(backend: Backend) -> str:
    """The whole page."""
    return "".join(_page(backend))


def _page(backend: Backend) -> Iterator[str]:
    states = Counter(record.state for record in backend.catalog.by_id.values())
    yield from _family("ryze_tui_instances", "gauge", "Instances by state.", _each("state", {s: states[s] for s in STATES}))
    sockets = dict(zip(("instance", "account"), backend.bus.sockets(), strict=True))
    yield from _family("ryze_tui_sockets", "gauge", "Open WebSockets.", _each("kind", sockets))
    answered = [((("route", route), ("method", method), ("status", str(status))), float(count))
                for (route, method, status), count in sorted(backend.requests.answered.items())]  # fmt: skip
    yield from _family("ryze_tui_http_requests_total", "counter", "Requests and upgrades that were answered.", answered)
    yield from _one("ryze_tui_rate_limited_total", "counter", "Requests over their limit.", backend.requests.limited)
    published = _each("event", dict(sorted(backend.bus.published.items())))
    yield from _family("ryze_tui_events_total", "counter", "Events that happened.", published)
    yield from _deliveries(backend)
    yield from _histogram("ryze_tui_database_write_seconds", "How long commits took.", backend.store.database.commits)
    lag = backend.health.lag.worst
    yield from _one("ryze_tui_loop_lag_seconds", "gauge", "Longest that anything held up everything, in the last minute.", lag)
    yield from _one("ryze_tui_uptime_seconds", "gauge", "Since the start.", backend.clock.monotonic() - backend.started)
    yield from _process()


def _deliveries(backend: Backend) -> Iterator[str]:
    outbox = backend.outbox
    yield from _one("ryze_tui_deliveries_pending", "gauge", "Webhook deliveries that are not over.", outbox.pending)
    about = "How long the oldest delivery waits that was never attempted."
    yield from _one("ryze_tui_deliveries_oldest_seconds", "gauge", about, outbox.oldest())
    outcomes = {name: outbox.outcomes[name] for name in ("delivered", "retried", "dead")}
    yield from _family("ryze_tui_delivery_attempts_total", "counter", "What attempts led to.", _each("outcome", outcomes))
    yield from _histogram("ryze_tui_delivery_seconds", "From the event to its delivery.", outbox.latency)


def _process() -> Iterator[str]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime
    yield from _one("process_cpu_seconds_total", "counter", "Processor time used.", seconds)
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        descriptors = sum(1 for _ in Path("/proc/self/fd").iterdir())
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        up = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return  # not Linux
    yield from _one("process_resident_memory_bytes", "gauge", "Memory.", pages * os.sysconf("SC_PAGE_SIZE"))
    yield from _one("process_open_fds", "gauge", "Open files and sockets.", descriptors)
    began = time.time() - up + ticks / os.sysconf("SC_CLK_TCK")
    yield from _one("process_start_time_seconds", "gauge", "In Unix seconds.", round(began, 2))


# -- the format --------------------------------------------------------------------------------------------------------


def _each(label: str, counts: Mapping[str, float]) -> list[Sample]:
    return [(((label, value),), count) for value, count in counts.items()]


def _family(name: str, kind: str, about: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {about}\n# TYPE {name} {kind}\n"
    for labels, value in samples:
        yield _line(name, labels, value)


def _one(name: str, kind: str, about: str, value: float) -> Iterator[str]:
    return _family(name, kind, about, [((), value)])


def _histogram(name: str, about: str, histogram: Histogram) -> Iterator[str]:
    yield f"# HELP {name} {about}\n# TYPE {name} histogram\n"
    reached = 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        reached += count
        yield _line(f"{name}_bucket", (("le", "+Inf" if bound == float("inf") else f"{bound:g}"),), reached)
    yield _line(f"{name}_sum", (), histogram.total)
    yield _line(f"{name}_count", (), reached)


def _line(name: str, labels: Labels, value: float) -> str:
    shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    number = str(int(value)) if float(value).is_integer() else repr(float(value))
    return f"{name}{{{shown}}} {number}\n" if shown else f"{name} {number}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
