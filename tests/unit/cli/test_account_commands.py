"""`ryze-tui account` against a server in this process: what it prints where, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from ryze_tui import cli
from ryze_tui.backend.admin import wire
from ryze_tui.backend.app import Backend
from ryze_tui.backend.boot import opened
from ryze_tui.backend.secrets import token_digest
from ryze_tui.backend.settings import Settings
from ryze_tui.cli import admin

TOKEN = "account-token-0123456789"


class Commands:
    """The command line beside a server."""

    def __init__(self, backend: Backend, capsys: pytest.CaptureFixture[str]) -> None:
        self.backend, self._capsys = backend, capsys
        self.directory = backend.settings.data_dir

    async def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        code = await asyncio.to_thread(cli.main, ["account", *words, "--data-dir", str(self.directory)])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def owner(self, token: str) -> str | None:
        found = self.backend.catalog.accounts.of_digest(token_digest(token.strip()))
        return found.name if found is not None else None

    def names(self) -> list[str]:
        return [account.name for account in self.backend.catalog.accounts.all()]


@pytest_asyncio.fixture
async def account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Commands]:
    settings = Settings(data_dir=tmp_path / "data", key_file=tmp_path / "key", account_token=TOKEN, simulator_instances=12)
    async with opened(settings) as backend:
        yield Commands(backend, capsys)


async def test_a_new_accounts_token_is_all_that_a_pipe_gets(account: Commands) -> None:
    code, out, err = await account("add", "acme", "--quota", "3")
    assert (code, err, len(out.splitlines())) == (0, "", 1)
    assert account.owner(out) == "acme"
    code, out, err = await account("rotate", "acme")
    assert (code, account.owner(out), len(out.splitlines())) == (0, "acme", 1)
    assert "old token no longer works" in err


async def test_the_list(account: Commands) -> None:
    await account("add", "acme", "--quota", "3")
    code, out, err = await account("list")
    head, acme, first = out.splitlines()
    assert (code, err, head.split()) == (0, "", ["NAME", "INSTANCES", "QUOTA", "CREATED"])
    assert acme.split()[:3] == ["acme", "0", "3"]
    assert re.fullmatch(r"default +12 +any number +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", first)
    accounts = json.loads((await account("list", "--json"))[1])["accounts"]
    assert [(row["name"], row["instances"], row["quota"]) for row in accounts] == [("acme", 0, 3), ("default", 12, 0)]
    assert TOKEN not in out


async def test_a_token_goes_into_a_file_of_its_own(account: Commands, tmp_path: Path) -> None:
    file = tmp_path / "acme.token"
    code, out, err = await account("add", "acme", "--token-file", str(file))
    assert (code, out, err) == (0, f"{file}\n", "")
    assert (account.owner(file.read_text()), file.stat().st_mode & 0o777) == ("acme", 0o600)
    first = file.read_text()
    code, out, err = await account("add", "more", "--token-file", str(file))
    assert code == 2 and "exists already" in err and account.names() == ["acme", "default"]
    file.chmod(0o644)
    code, out, _ = await account("rotate", "acme", "--token-file", str(file))
    assert (code, out) == (0, f"{file}\n") and file.read_text() != first
    assert (account.owner(file.read_text()), file.stat().st_mode & 0o777) == ("acme", 0o600)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["acme.token", "data", "key"], "nothing is left beside it"


@pytest.mark.parametrize("where", ["nowhere/token", "."])
async def test_a_file_that_cannot_be_written_is_noticed_before_anything_happens(
    account: Commands, tmp_path: Path, where: str
) -> None:
    code, out, err = await account("rotate", "default", "--token-file", str(tmp_path / where))
    assert (code, out) == (1, "") and "cannot be written" in err
    assert account.owner(TOKEN) == "default"


async def test_a_refusal_leaves_no_file(account: Commands, tmp_path: Path) -> None:
    code, _, err = await account("rotate", "nobody", "--token-file", str(tmp_path / "token"))
    assert code == 1 and "no account of that name" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "key"]


async def test_a_token_that_nobody_took_is_said_to_be_lost(account: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("sys.stdout", Gone())
    code, _, err = await account("add", "acme")
    assert code == 1 and "is lost" in err and "rotate acme" in err
    assert account.names() == ["acme", "default"]


async def test_quotas(account: Commands) -> None:
    code, out, err = await account("set", "default", "--quota", "5")
    assert (code, out) == (0, "quota: 5\n")
    assert "12 instances" in err and "fewer than 5" in err
    assert await account("set", "default", "--quota", "0") == (0, "quota: any number\n", "")


async def test_an_account_returns_to_the_servers_quota(account: Commands) -> None:
    await account("add", "acme", "--quota", "3")
    await account("add", "more", "--quota", "default")
    assert await account("set", "acme", "--quota", "default") == (0, "quota: any number, as the server says\n", "")
    accounts = json.loads((await account("list", "--json"))[1])["accounts"]
    assert {row["name"]: (row["quota"], row["ownQuota"]) for row in accounts} == dict.fromkeys(
        ("acme", "default", "more"), (0, False)
    )
    await account("set", "acme", "--quota", "0")
    assert [row["ownQuota"] for row in json.loads((await account("list", "--json"))[1])["accounts"]] == [True, False, False]


async def test_remove_asks_or_is_told(account: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    await account("add", "acme")
    monkeypatch.setattr("sys.stdin", io.StringIO("default\n"))
    code, _, err = await account("remove", "default")
    assert code == 2 and "--yes" in err and account.names() == ["acme", "default"], "a pipe is nobody to ask"

    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    for typed in ("", "\n", "y\n", "Default\n", "acme\n"):
        monkeypatch.setattr("sys.stdin", Typed(typed))
        code, out, err = await account("remove", "default")
        assert (code, out) == (1, "") and "12 instances go with it" in err and "nothing was removed" in err
    monkeypatch.setattr("sys.stdin", Typed("default\n"))
    assert (await account("remove", "default"))[:2] == (0, "removed; 12 instances were logged out and deleted.\n")
    assert account.names() == ["acme"]
    code, _, err = await account("remove", "acme", "--yes")
    assert code == 1 and "last account" in err
    await account("add", "more")
    assert (await account("remove", "acme", "--yes"))[:2] == (0, "removed; 0 instances were logged out and deleted.\n")


PASTED = "Z_A-VAH9EePDYeOGSMzYRu_DoIlxQt0sXf_OKMtxgXA"
"""A token in the place of a name: it would pass for one."""


@pytest.mark.parametrize(("words", "code", "says"), [
    (["add", "default"], 1, "exists already"),
    (["rotate", PASTED], 1, "no account of that name"),
    (["remove", PASTED, "--yes"], 1, "no account of that name"),
    (["remove", PASTED], 1, "no account of that name"),
    (["set", PASTED, "--quota", "1"], 1, "no account of that name"),
    (["add"], 2, "needs the name"),
    (["add", ""], 2, "needs the name"),
    (["add", "two words"], 2, "letters, digits"),
    (["add", f"{PASTED}{PASTED}"], 2, "letters, digits"),
    (["list", PASTED], 2, "takes no name"),
    (["set", "default"], 2, "needs --quota"),
    (["set", PASTED, "--quota", "default"], 1, "no account of that name"),
    (["rotate", "default", "--quota", "1"], 2, "add, set only"),
    (["list", "--token-file", "x"], 2, "add, rotate only"),
    (["add", "acme", "--yes"], 2, "remove only"),
    (["remove", "default", "--json"], 2, "list only"),
])  # fmt: skip
async def test_refusals_are_sentences_and_repeat_no_name(account: Commands, words: list[str], code: int, says: str) -> None:
    told, out, err = await account(*words)
    assert (told, out) == (code, "")
    assert says in err and err.startswith("ryze-tui account: ") and len(err.splitlines()) == 1
    assert PASTED not in err and "two words" not in err
    assert account.names() == ["default"] and account.owner(TOKEN) == "default"


# -- servers that are not there, or not what they should be ------------------------------------------------------------


def refused(directory: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["account", "list", "--data-dir", str(directory)]) == 1
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1
    return said.err


def test_without_a_server_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        (tmp_path / "killed").mkdir()
        dead.bind(str(tmp_path / "killed" / "admin.sock"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for name in ("killed", "empty", "nowhere", "file", f"nowhere/{'n' * 200}"):
        said = refused(tmp_path / name, capsys)
        assert "no server answers" in said and "start it" in said, name
    assert not (tmp_path / "nowhere").exists()


@contextmanager
def impostor(directory: Path, answer: Callable[[socket.socket], Any]) -> Iterator[list[bytes]]:
    """Something else that listens there; yields what it was sent."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "admin.sock"))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(10)
                heard.append(connection.recv(4096))
                answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield heard
        thread.join(10)


@pytest.mark.parametrize(("answer", "says"), [
    (b"", "left without an answer"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "another version"),
    (b"[1]\n", "another version"),
    (b"{}\n", "another version"),
    (b'{"error":"something-new"}\n', "another version"),
    (b'{"error":"bad-request"}\n', "another version"),
    (b'{"progress":"x"}\n', "left without an answer"),
    (b'{"error":"busy"}\n', "try again"),
    (b'{"error":"not-allowed"}\n', "its own user"),
    (b'{"error":"failed","why":"disk full"}\n', "disk full"),
    (b'{"progress":1,"of":3}\n{"error":"left-over","left":2,"of":3,"why":"disk full"}\n', "2 instances could not be deleted"),
])  # fmt: skip
def test_odd_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: bytes, says: str) -> None:
    with impostor(tmp_path, lambda connection: connection.sendall(answer)):
        assert says in refused(tmp_path, capsys)


def test_a_server_that_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "ANSWER_SECONDS", 0.05)
    with impostor(tmp_path, lambda connection: connection.recv(1)):
        assert "did not answer within" in refused(tmp_path, capsys)


def test_nothing_is_said_to_another_users_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "peer_uid", lambda _socket: os.geteuid() + 1)
    with impostor(tmp_path, lambda connection: None) as heard:
        assert "another user's program" in refused(tmp_path, capsys)
    assert heard == [b""]
