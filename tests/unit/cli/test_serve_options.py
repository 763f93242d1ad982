"""The origins that `serve` is given: on the command line for calls, in the environment for sockets."""

from __future__ import annotations

from pathlib import Path

import pytest
from ryze_tui.backend.errors import StartupError
from ryze_tui.cli import serve
from ryze_tui.cli.parser import Parser

BASE = ["--engine", "simulated", "--port", "0"]


def parser() -> Parser:
    made = Parser("ryze-tui serve", "")
    serve.add_arguments(made)
    return made


def test_origins_are_read_as_browsers_send_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RYZE_ALLOWED_ORIGINS", "https://Sockets.example:443, ,http://localhost:80/")
    words = [*BASE, "--data-dir", str(tmp_path), "--cors-origin", "https://Console.example/", "--cors-origin", "http://localhost:5173"]
    settings = serve._settings(parser().read(words))
    assert settings.cors_origins == ("https://console.example", "http://localhost:5173")
    assert settings.allowed_origins == ("https://sockets.example", "http://localhost")
    monkeypatch.delenv("RYZE_ALLOWED_ORIGINS")
    again = serve._settings(parser().read([*BASE, "--data-dir", str(tmp_path)]))
    assert again.cors_origins == again.allowed_origins == (), "and nothing is carried over"


def test_what_is_no_origin_is_said_in_words(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as left:
        parser().read([*BASE, "--cors-origin", "*"])
    assert left.value.code == 2 and "--cors-origin: must be http:// or https://, a name" in capsys.readouterr().err
    monkeypatch.setenv("RYZE_ALLOWED_ORIGINS", "https://a.example,console")
    with pytest.raises(StartupError, match="RYZE_ALLOWED_ORIGINS cannot be read: an origin is http://"):
        serve._settings(parser().read(BASE))


def test_the_metrics_token_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words, file = [*BASE, "--data-dir", str(tmp_path)], tmp_path / "token"
    assert serve._settings(parser().read(words)).metrics_token == ""
    monkeypatch.setenv("RYZE_METRICS_TOKEN", "of-the-environment")
    settings = serve._settings(parser().read(words))
    assert settings.metrics_token == "of-the-environment" and "of-the-environment" not in repr(settings)
    assert "RYZE_METRICS_TOKEN" not in serve.os.environ, "no child process gets it"
    file.write_text("of-the-file\n")
    assert serve._settings(parser().read([*words, "--metrics-token-file", str(file)])).metrics_token == "of-the-file"
    for content, why in ((b"\xff\xfe", "not text"), (b" \n", "is empty")):
        file.write_bytes(content)
        with pytest.raises(StartupError, match=why):
            serve._settings(parser().read([*words, "--metrics-token-file", str(file)]))
    with pytest.raises(StartupError, match="No such file"):
        serve._settings(parser().read([*words, "--metrics-token-file", str(tmp_path / "nope")]))
