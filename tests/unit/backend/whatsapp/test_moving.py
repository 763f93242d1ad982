"""`ryze-tui session`: out of a server and into another one, and everything that must not be."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from pathlib import Path

import pytest
from ryze_tui import cli
from ryze_tui.backend.boot import opened
from ryze_tui.backend.engine.whatsapp.sessions import SessionFiles, device_of
from ryze_tui.backend.settings import Settings

from .test_engine import session_file

TOKEN = "account-token-0123456789"
JID = "5511999990001@s.whatsapp.net"


class Home:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.settings = Settings(data_dir=directory / "data", key_file=directory / "key", account_token=TOKEN)
        self.files = SessionFiles(self.settings.data_dir / "whatsapp")
        self.id = ""

    async def make(self, name: str = "shop") -> None:
        async with opened(self.settings) as backend:
            (account,) = backend.catalog.accounts.all()
            record = backend.catalog.new_record(account.id, name, "", [])
            await backend.catalog.add_many([record], {record.id: []}, {})
            self.id = record.id

    def run(self, *words: str) -> int:
        return cli.main(["session", *words, "--data-dir", str(self.settings.data_dir)])


@pytest.fixture
async def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "one")
    await made.make()
    return made


async def test_from_one_server_to_another(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session_file(home.files.session(home.id))
    file = tmp_path / "shop.session"
    assert home.run("export", "shop", str(file), "--move") == 0
    assert "This server has it no more" in capsys.readouterr().out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and device_of(file) == JID
    assert not home.files.has(home.id)
    other = Home(tmp_path / "two")
    await other.make("shop-again")
    assert other.run("import", "shop-again", str(file)) == 0
    assert f"shop-again has the session of {JID} now" in capsys.readouterr().out
    session = other.files.session(other.id)
    assert device_of(session) == JID and stat.S_IMODE(session.stat().st_mode) == 0o600 and file.exists()
    assert other.files.open()[other.id].jid == JID


async def test_a_copy(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session_file(home.files.session(home.id))
    assert home.run("export", home.id, str(tmp_path / "copy")) == 0
    assert "One server only may run it" in capsys.readouterr().out
    assert home.files.has(home.id)
    assert home.run("export", "shop", str(tmp_path / "copy")) == 1
    assert "exists already; name a new file" in capsys.readouterr().err


async def test_not_while_a_server_runs(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session_file(home.files.session(home.id))
    async with opened(home.settings):
        assert home.run("export", "shop", str(tmp_path / "file")) == 1
    assert "stop it first" in capsys.readouterr().err and not (tmp_path / "file").exists()


async def test_what_cannot_be_taken_out(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (("export", "shop"), "shop has no session that could be taken out"),
        (("export", "nobody"), "there is no instance nobody"),
        (("import", "shop"), "there is no file"),
    ):
        assert home.run(*words, str(tmp_path / "file")) == 1
        assert said in capsys.readouterr().err
    assert cli.main(["session", "export", "shop", "x", "--data-dir", str(tmp_path / "nowhere")]) == 1
    assert "holds no server's data" in capsys.readouterr().err
    assert home.run("import", "shop", "x", "--move") == 2


async def test_what_is_no_session_is_not_put_in(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session_file(home.files.session(home.id))
    file = tmp_path / "file"
    file.write_bytes(b"no database at all" * 1000)
    assert home.run("import", "shop", str(file)) == 1
    assert "with --replace" in capsys.readouterr().err
    assert home.run("import", "shop", str(file), "--replace") == 1
    assert "is no session" in capsys.readouterr().err
    file.unlink()
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE other (x)")
    assert home.run("import", "shop", str(file), "--replace") == 1
    assert "it is not one of ours" in capsys.readouterr().err
    file.unlink()
    session_file(file)
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("INSERT INTO whatsmeow_device VALUES ('5511999990002:1@s.whatsapp.net')")
    assert home.run("import", "shop", str(file), "--replace") == 1
    assert "it has 2 linked devices" in capsys.readouterr().err
    assert device_of(home.files.session(home.id)) == JID
    assert [one.name for one in home.files.directory.iterdir()] == [f"{home.id}.session"]
