"""What a bulk has done so far, on disk before and after every step, so that a killed one is resumed: none twice, none forgotten.

One file an account in the state directory, 0600, a JSON line for each step: `begun` is on the disk before anything is sent.
It names instances and says what came of each; values of blocks and secrets are never in it.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ... import paths
from ...api.instance import name_of
from ...fleet import keeping
from ...i18n import _
from ...redact import clean, mask
from .plan import ACTIONS, APPLIED, APPLY, CODE, ENDED, WAITING, Entry, Job

VERSION: Final = 1
BYTES_MOST: Final = 64 << 20
_BEGUN: Final = "begun"
_END: Final = "end"


class RecordError(Exception):
    """The record cannot be kept; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A bulk that was broken off. `at`: Unix seconds when it began; `digest`: of the values that were to be applied."""

    job: Job
    entries: list[Entry]
    at: float
    digest: str


class Record:
    """An open record; nobody else writes to it meanwhile. `path` None: nothing is kept (`RYZE_NO_CACHE`)."""

    def __init__(self, path: Path | None) -> None:
        """Raises RecordError when another console runs a bulk of this account, or the disk refuses."""
        self._descriptor: int | None = None
        self._writing = threading.Lock()
        self._path, self._head = path, dict[str, Any]()
        self._acquire()

    def _acquire(self) -> None:
        if (path := self._path) is None:
            return
        try:
            paths.private_dir(path.parent)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _refused(path, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise RecordError(_("Another ryze-tui runs a bulk of this account now: wait for its end.")) from error
        self._descriptor = descriptor

    @property
    def resumable(self) -> bool:
        """Whether a killed bulk could be gone on with."""
        return self._path is not None

    def begin(self, job: Job, entries: Sequence[Entry], *, at: float, digest: str = "") -> None:
        """A new bulk: what the file held is forgotten. Raises RecordError."""
        self._head = {
            "version": VERSION, "at": round(at, 3), "action": job.action, "kind": job.kind, "label": job.label,
            "source": job.source, "digest": digest, "names": list(job.names),
        }
        self._write_whole(entries)

    def again(self, entries: Sequence[Entry]) -> None:
        """The same bulk once more, after it was closed: another program may have used the file since. Raises RecordError."""
        if self._descriptor is None:
            self._acquire()
        self._write_whole(entries)

    def _write_whole(self, entries: Sequence[Entry]) -> None:
        self._add([self._head, *(_line(entry) for entry in entries if entry.state in ENDED or entry.begun)], anew=True)

    def begun(self, entry: Entry) -> None:
        """It is about to be sent. Raises RecordError: then it must not be."""
        self._add([{"name": entry.name, "state": _BEGUN}])

    def ended(self, entry: Entry) -> None:
        """What came of it, or that it waits again. Raises RecordError."""
        self._add([_line(entry)])

    def finish(self) -> None:
        """Nothing is left to do. Raises RecordError."""
        self._add([{"state": _END}])

    def close(self) -> None:
        """Let others have it."""
        with self._writing:  # in a thread, which goes on when who waits for it is cancelled
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def take_over(self) -> Unfinished | None:
        """What an earlier program left unfinished, now that nobody else can go on with it; None when there is nothing."""
        if self._path is None or (left := read(self._path)) is None:
            return None
        self._head = _head(self._path)
        return left

    def _add(self, lines: list[dict[str, Any]], *, anew: bool = False) -> None:
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()
        try:
            with self._writing:
                if self._descriptor is None:
                    return
                if anew:
                    os.ftruncate(self._descriptor, 0)
                elif not self._whole():
                    text = b"\n" + text  # a kill cut the last line off: nothing may be glued to it
                _write_all(self._descriptor, text)
                os.fdatasync(self._descriptor)
        except OSError as error:
            raise _refused(Path(str(self._path)), error) from error

    def _whole(self) -> bool:
        assert self._descriptor is not None
        size = os.fstat(self._descriptor).st_size
        return size == 0 or os.pread(self._descriptor, 1, size - 1) == b"\n"


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def held(path: Path) -> bool:
    """Whether another program has this record open now."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _refused(path: Path, error: OSError) -> RecordError:
    words = _("{path} cannot be written: {problem}. Without a record a bulk could not be resumed, so it does not go on.")
    return RecordError(words.format(path=path, problem=error.strerror))


def _line(entry: Entry) -> dict[str, Any]:
    line = {"name": entry.name, "state": entry.state, "words": clean(mask(entry.words))[:300], "status": entry.status}
    return line | ({"doubtful": True} if entry.begun else {})


def path_of(url: str, token: str, folder: str = "bulk") -> Path | None:
    """Where the record of an account is; None when nothing may be kept on this machine. `folder`: of which kind of work."""
    if not keeping.wanted() or not (name := keeping.fingerprint(url, token, make=True)):
        return None
    return paths.state_dir() / folder / f"{name}{keeping.SUFFIX}"


def read(path: Path) -> Unfinished | None:
    """What is unfinished there. A line that is none (cut off by a kill) costs nothing else."""
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MOST + 1)
    except OSError:
        return None
    if len(data) > BYTES_MOST:
        return None
    lines = [found for line in data.splitlines() if isinstance(found := keeping.parsed(line), dict)]
    job = _job(lines[0]) if lines else None
    if job is None or any(line.get("state") == _END for line in lines[1:]):
        return None
    entries = {name: Entry(name) for name in job.names}
    for line in lines[1:]:
        if (entry := entries.get(str(line.get("name")))) is not None:
            _read_into(entry, line)
    if all(entry.state in ENDED for entry in entries.values()):
        return None
    digest = lines[0].get("digest")
    return Unfinished(job, list(entries.values()), keeping.second(lines[0].get("at")), digest if isinstance(digest, str) else "")


def _read_into(entry: Entry, line: dict[str, Any]) -> None:
    state, status = line.get("state"), line.get("status")
    entry.state = str(state) if state in ENDED else WAITING
    entry.begun = state == _BEGUN or line.get("doubtful") is True
    entry.words = str(line.get("words") or "")
    entry.status = status if isinstance(status, int) else None


def _head(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        head = keeping.parsed(file.readline())
    return head if isinstance(head, dict) else {}


def _job(head: dict[str, Any]) -> Job | None:
    names, action, kind = head.get("names"), head.get("action"), head.get("kind")
    if head.get("version") != VERSION or (action not in ACTIONS and action != CODE) or not isinstance(names, list):
        return None
    known = tuple(name for one in names if (name := name_of(one)))
    if not known or (action == APPLY and kind not in APPLIED):
        return None
    label, source = head.get("label"), head.get("source")
    return Job(
        str(action), known, str(kind or ""), label if isinstance(label, str) else "", source if isinstance(source, str) else ""
    )
