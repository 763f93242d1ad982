"""Our files: whether the configuration is right, whether everything is ours alone and can be written, and what room is left."""

from __future__ import annotations

import os
import pwd
import resource
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .. import config, paths
from ..fleet.scheduler import SOCKETS_MOST, socket_limit
from ..i18n import _, n_
from ..redact import clean, mask
from .finding import CONFIG, FAIL, FILES, OK, WARN, Finding

ROOM: Final = 100 << 20
"""Free bytes below which a disk is worth a word."""
LOOKED_AT: Final = 2000
"""Files of one directory that are looked at."""
SHOWN: Final = 3


def short(path: Path) -> str:
    """`~/.config/…`: without the person's name, and safe to show."""
    try:
        return clean(str(Path("~") / path.relative_to(Path.home())))
    except (ValueError, RuntimeError):
        return clean(str(path))


# -- the configuration file --------------------------------------------------------------------------------------------


def configuration() -> Iterator[Finding]:
    """Every problem of the file with its line, or that there is none; then its profiles."""
    settings, path = config.load(thorough=True), config.path()
    for problem in settings.problems:
        where = f"{short(path)}:{problem.line}" if problem.line else short(path)
        advice = _("`ryze-tui config edit` opens it, and checks it afterwards.")
        yield Finding(CONFIG, "file", FAIL, f"{where}: {clean(mask(problem.text))}", advice)
    if settings.problems:
        return
    if not path.exists():
        yield Finding(CONFIG, "file", OK, _("{path} is not there: everything is as it comes").format(path=short(path)))
        return
    names = ", ".join(clean(name)[:40] for name in settings.names) or _("none")
    yield Finding(CONFIG, "file", OK, _("{path}: nothing is wrong; profiles: {names}").format(path=short(path), names=names))


# -- directories -------------------------------------------------------------------------------------------------------


def directories() -> Iterator[Finding]:
    """Each of our directories with what is in it, room on their disks, and how many files may be open."""
    found = {
        "config": paths.config_dir(), "data": paths.data_dir(), "state": paths.state_dir(), "cache": paths.cache_dir(),
        "runtime": paths.runtime_dir(),
    }  # fmt: skip
    for name, path in found.items():
        yield _directory(name, path)
    yield _disk(list(found.values()))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    words = n_("{n} stream may be open at once", "{n} streams may be open at once", socket_limit())
    advice = (
        _("`ulimit -n 1024` before it is started lets it follow more numbers by push.") if socket_limit() < SOCKETS_MOST else ""
    )
    yield Finding(FILES, "descriptors", WARN if advice else OK, f"ulimit -n {limit}: {words}", advice)


def _directory(name: str, path: Path) -> Finding:
    try:
        about = path.stat()
    except FileNotFoundError:
        return _absent(name, path)
    except OSError as error:
        words = _("{path}: {problem}").format(path=short(path), problem=error.strerror)
        return Finding(FILES, name, FAIL, words, _("Is a directory above it closed to you, or not a directory?"))
    if not stat.S_ISDIR(about.st_mode):
        words = _("{path} is no directory").format(path=short(path))
        return Finding(FILES, name, FAIL, words, _("Move it away: ryze-tui makes a directory there."))
    mode = stat.filemode(about.st_mode)
    seen = f"{short(path)} {mode} {owner(about.st_uid)}"
    if about.st_uid != os.geteuid():
        return Finding(
            FILES,
            name,
            FAIL,
            seen,
            _("It is another user's. Was ryze-tui run with sudo? `sudo chown -R $USER {path}` mends it.").format(
                path=short(path)
            ),
        )
    if not os.access(path, os.W_OK | os.X_OK):
        return Finding(FILES, name, FAIL, seen, f"chmod u+rwx {short(path)}")
    if about.st_mode & 0o077:
        return Finding(FILES, name, WARN, f"{seen}: {_('others can look into it')}", f"chmod 700 {short(path)}")
    return _contents(name, path, seen)


def _absent(name: str, path: Path) -> Finding:
    """Not made yet: whether it can be."""
    above = next((one for one in path.parents if one.exists()), Path("/"))
    if os.access(above, os.W_OK | os.X_OK):
        return Finding(FILES, name, OK, _("{path} is not there yet; it is made when needed").format(path=short(path)))
    words = _("{path} is not there and cannot be made: {above} is not writable").format(path=short(path), above=short(above))
    return Finding(FILES, name, FAIL, words, _("Make it by hand, or name another place with the XDG_… variables."))


def _contents(name: str, path: Path, seen: str) -> Finding:
    """The files in a directory of ours: each has to be 0600 or less, and ours."""
    count, foreign, open_ones = 0, [], []
    for file, about in _files(path):
        count += 1
        if about.st_uid != os.geteuid():
            foreign.append(file)
        elif stat.S_IMODE(about.st_mode) & 0o077:
            open_ones.append(file)
    many = n_("{n} file", "{n} files", count) if count < LOOKED_AT else _("more than {n} files").format(n=LOOKED_AT)
    if foreign:
        words = _("another user's: {files}").format(files=_some(foreign))
        return Finding(FILES, name, FAIL, f"{seen}, {many}; {words}", _("sudo chown -R $USER {path}").format(path=short(path)))
    if open_ones:
        words = _("others could read {files}, if they got into the directory").format(files=_some(open_ones))
        return Finding(FILES, name, WARN, f"{seen}, {many}; {words}", f"chmod -R go= {short(path)}")
    return Finding(FILES, name, OK, f"{seen}, {many}, {_('all yours alone')}" if count else f"{seen}, {_('empty')}")


def _files(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    count = 0
    for place, _folders, names in os.walk(path):
        for name in names:
            file = Path(place, name)
            try:
                about = file.lstat()
            except OSError:
                continue  # gone meanwhile
            if stat.S_ISLNK(about.st_mode):
                continue
            yield file, about
            count += 1
            if count >= LOOKED_AT:
                return


def _some(files: list[Path]) -> str:
    more = f" +{len(files) - SHOWN}" if len(files) > SHOWN else ""
    return ", ".join(clean(file.name) for file in sorted(files)[:SHOWN]) + more


def owner(uid: int) -> str:
    """`yours`, else whose."""
    if uid == os.geteuid():
        return _("yours")
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _disk(directories_: list[Path]) -> Finding:
    least, where = None, Path("/")
    for path in directories_:
        above = next(one for one in (path, *path.parents) if one.exists())
        free = shutil.disk_usage(above).free
        if least is None or free < least:
            least, where = free, above
    assert least is not None
    words = _("{n} MB free at {path}").format(n=least >> 20, path=short(where))
    if least < ROOM:
        return Finding(
            FILES,
            "disk",
            FAIL if least < ROOM // 10 else WARN,
            words,
            _("Make room: lists, the audit log and a local server need it."),
        )
    return Finding(FILES, "disk", OK, words)
