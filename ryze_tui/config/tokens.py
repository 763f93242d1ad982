"""Where a profile's token comes from: the file itself, a file of its own, a program, the desktop's keyring.

What is typed here is kept in a file of its own; one in the configuration was written there by a person.
A token never gets into argv, a log, a repr or an error.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..i18n import _
from .common import ConfigError

COMMAND_SECONDS: Final = 10.0
SERVICE: Final = "ryze-tui"
"""Under which name the keyring has our tokens."""
_OURS: Final = ("RYZE_TOKEN", "RYZE_ACCOUNT_TOKEN", "RYZE_KEY")
_LONGEST: Final = 4096


def is_token(text: str) -> bool:
    """Whether it can be one: one word of plain characters."""
    return bool(text) and len(text) <= _LONGEST and text.isascii() and text.isprintable() and " " not in text


def demand_token(text: str) -> None:
    """Raises ConfigError, which does not repeat it, when a text that was typed is none."""
    if not is_token(text):
        raise ConfigError(_("This is no token: it is one word of letters, digits and signs."))


def token_of(name: str, entry: Mapping[str, Any]) -> str:
    """The token of a checked profile. Raises ConfigError, which names the profile and the way, never the token."""
    if "token" in entry:
        return str(entry["token"])
    if "token_file" in entry:
        return _from_file(name, entry["token_file"])
    if "token_command" in entry:
        return _from_command(name, entry["token_command"])
    return _from_keyring(name)


def origin(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Which of SOURCES a checked profile has, and the file or the program (never its arguments: they may be secret)."""
    from .declared import SOURCES

    source = next((one for one in SOURCES if entry.get(one)), "")
    where = {"token_file": str(entry.get("token_file", "")), "token_command": " ".join(entry.get("token_command", [])[:1])}
    return source, where.get(source, "")


def in_words(source: str, where: str) -> str:
    """The same for people."""
    words = {"token": _("in the configuration file"), "keyring": _("in the keyring")}
    if source in words:
        return words[source]
    home = str(Path.home())
    where = f"~{where[len(home):]}" if where.startswith(home + "/") else where
    return _("from {where}").format(where=where) if source == "token_command" else _("in {where}").format(where=where)


def _wrong(name: str, words: str) -> ConfigError:
    return ConfigError(_("profile {name}: {problem}").format(name=name, problem=words))


# -- a file ------------------------------------------------------------------------------------------------------------


def file_problem(text: str) -> str:
    """Why a token file cannot be used; empty when it can."""
    path = Path(text).expanduser()
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return _("token_file: {path} cannot be read: {problem}.").format(path=path, problem=error.strerror)
    except (ValueError, RuntimeError):
        return _("token_file: this is no path.")
    if stat.S_ISDIR(mode):
        return _("token_file: {path} is a directory.").format(path=path)
    if stat.S_ISREG(mode) and mode & 0o077:
        words = _("token_file: others on this machine can read {path}. Mend it with: chmod 600 {path}")
        return words.format(path=path)
    return ""


def _from_file(name: str, text: str) -> str:
    if problem := file_problem(text):
        raise _wrong(name, problem)
    path = Path(text).expanduser()
    try:
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        words = _("token_file: {path} cannot be read: {problem}.").format(path=path, problem=error.strerror)
        raise _wrong(name, words) from error
    except UnicodeDecodeError:
        token = ""
    if not is_token(token):
        raise _wrong(name, _("token_file: {path} holds no token: one line of letters, digits and signs.").format(path=path))
    return token


# -- a program ---------------------------------------------------------------------------------------------------------


def _from_command(name: str, words: list[str]) -> str:
    import subprocess

    environment = {variable: value for variable, value in os.environ.items() if variable not in _OURS}
    environment["RYZE_PROFILE"] = name
    program = Path(words[0]).expanduser() if words[0].startswith("~") else words[0]
    try:
        child = subprocess.Popen(
            [program, *words[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or _("it cannot be run")
        raise _wrong(name, _("token_command: {program}: {problem}.").format(program=words[0], problem=problem)) from error
    try:
        out, err = child.communicate(timeout=COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        _end(child)
        problem = _("token_command: {program} did not end within {n} s and was stopped. Does it ask for something?")
        raise _wrong(name, problem.format(program=words[0], n=int(COMMAND_SECONDS))) from None
    except BaseException:
        _end(child)
        raise
    token = out.decode("utf-8", "replace").partition("\n")[0].strip()
    if child.returncode == 0 and is_token(token):
        return token
    raise _wrong(name, _failed(words[0], child.returncode, token, err.decode("utf-8", "replace")))


def _end(child: Any) -> None:
    """Not waited for its output: a grandchild may hold it open."""
    child.kill()
    for pipe in (child.stdout, child.stderr):
        pipe.close()
    child.wait()


def _failed(program: str, code: int, token: str, err: str) -> str:
    from .. import redact

    if code == 0:
        words = _("token_command: {program} printed no token: its first line must be one word of letters, digits and signs.")
        return words.format(program=program)
    if token:
        redact.register(token)
    said = next((line for line in reversed(err.splitlines()) if line.strip()), "")
    said = redact.clean(redact.mask(said))[:300]
    words = _("token_command: {program} failed (exit code {code}): {said}") if said else _(
        "token_command: {program} failed (exit code {code}) and said nothing."
    )
    return words.format(program=program, code=code, said=said)


# -- the keyring -------------------------------------------------------------------------------------------------------


def _from_keyring(name: str) -> str:
    try:
        import keyring
    except ImportError as error:
        words = _('keyring = true needs a package that is not installed: pip install "ryze-tui[keyring]"')
        raise _wrong(name, words) from error
    try:
        token = keyring.get_password(SERVICE, name)
    except Exception as error:  # backends raise what they like; a keyring that is locked is no crash
        words = _("the keyring does not answer: {problem}").format(problem=type(error).__name__)
        raise _wrong(name, words) from error
    if not token or not is_token(token.strip()):
        words = _("the keyring has no token of it. Store it with: keyring set {service} {name}")
        raise _wrong(name, words.format(service=SERVICE, name=name))
    return str(token).strip()


def keep_in_keyring(name: str, token: str) -> None:
    """Put the token of a profile into the desktop's keyring. Raises ConfigError."""
    try:
        import keyring
    except ImportError as error:
        words = _('--keyring needs a package that is not installed: pip install "ryze-tui[keyring]"')
        raise _wrong(name, words) from error
    try:
        keyring.set_password(SERVICE, name, token)
    except Exception as error:  # as above
        words = _("the keyring takes nothing: {problem}. Without a desktop, leave --keyring out: a file of its own keeps it.")
        raise _wrong(name, words.format(problem=type(error).__name__)) from error


def forget_in_keyring(name: str) -> bool:
    """Whether it is out of the keyring now, as far as that can be told."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return False
    try:
        keyring.delete_password(SERVICE, name)
    except (KeyringError, RuntimeError, OSError):  # not there, locked, no keyring at all
        return False
    return True


# -- a file of ours ----------------------------------------------------------------------------------------------------


def kept_file(name: str) -> Path:
    """Where the token of a profile is kept (0600); a name that cannot be that of a file is written with %."""
    from urllib.parse import quote

    from .. import paths

    return paths.config_dir() / "tokens" / f"{quote(name, safe='@')}.token"


def keep_in_file(name: str, token: str) -> str:
    """Put the token of a profile into a file of its own, 0600; returns its path. Raises ConfigError."""
    from .. import paths

    demand_token(token)
    path = kept_file(name)
    try:
        paths.write_private(path, token + "\n")
    except OSError as error:
        raise ConfigError(_("{path} cannot be written: {problem}").format(path=path, problem=error.strerror)) from error
    return str(path)


def forget_token(entry: Mapping[str, Any], name: str) -> None:
    """Remove what was kept for a profile: our own file, or what is in the keyring; a file of the person's stays."""
    if entry.get("token_file") == str(kept_file(name)):
        kept_file(name).unlink(missing_ok=True)
    if entry.get("keyring") is True:
        forget_in_keyring(name)
