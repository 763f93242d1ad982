"""Which language the program speaks, and that it does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from ryze_tui import i18n
from ryze_tui.i18n import _, n_


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No language is chosen by this machine; English again afterwards."""
    for name in ("RYZE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    yield
    monkeypatch.setenv("RYZE_LANG", "en")
    i18n.install()


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("pt", "pt_BR"), ("pt_BR", "pt_BR"), ("pt_PT", "pt_BR"), ("pt_BR.UTF-8", "pt_BR"),
        ("pt-br", "pt_BR"), ("pt_BR@x", "pt_BR"),
        ("es", "es"), ("es_MX.UTF-8", "es"), ("es_419", "es"), ("en_GB", "en"), ("C", "en"), ("C.UTF-8", "en"), ("POSIX", "en"),
        ("fr_FR.UTF-8", ""), ("", ""), ("../es", ""),
    ],
)  # fmt: skip
def test_names_of_locales(name: str, language: str) -> None:
    assert i18n.known(name) == language


@pytest.mark.parametrize(
    ("configured", "environment", "language"),
    [
        (None, {}, "en"),
        (None, {"LANG": "pt_BR.UTF-8"}, "pt_BR"),
        (None, {"LANG": "pt_BR.UTF-8", "LC_MESSAGES": "es_AR.UTF-8"}, "es"),
        (None, {"LANG": "pt_BR.UTF-8", "LC_MESSAGES": "es_AR.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        (None, {"LANG": "pt_BR.UTF-8", "LC_ALL": ""}, "pt_BR"),
        ("es", {"LANG": "pt_BR.UTF-8"}, "es"),
        ("", {"LANG": "pt_BR.UTF-8"}, "pt_BR"),
        ("es", {"RYZE_LANG": "pt", "LANG": "en_US.UTF-8"}, "pt_BR"),
        ("es", {"RYZE_LANG": "fr"}, "en"),
        (None, {"LANG": "ja_JP.UTF-8"}, "en"),
    ],
)
def test_who_chooses(configured: str | None, environment: dict[str, str], language: str) -> None:
    assert i18n.chosen(configured, environment) == language


def test_texts_come_in_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    assert i18n.languages() == ("en", "es", "pt_BR")
    i18n.install("pt_BR")
    assert (i18n.language(), _("connected"), n_("{n} try", "{n} tries", 1), n_("{n} try", "{n} tries", 2)) == (
        "pt_BR", "conectado", "1 tentativa", "2 tentativas",
    )  # fmt: skip
    assert _("") == "" and _("Refused by the server in its own words") == "Refused by the server in its own words"
    i18n.install("es")
    assert _("Quit") == "Salir"
    i18n.install("en")
    assert (_("Quit"), n_("{n} try", "{n} tries", 0)) == ("Quit", "0 tries")


def _run(code: str, language: str) -> str:
    environment = os.environ | {"RYZE_LANG": language, "COLUMNS": "100"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_english_costs_nothing() -> None:
    code = "import sys; from ryze_tui import i18n; i18n.install(); print('gettext' in sys.modules, 'babel' in sys.modules)"
    assert _run(code, "en").split() == ["False", "False"]
    assert _run(code, "pt_BR").split() == ["True", "False"]


@pytest.mark.parametrize(
    ("language", "help_text", "error"),
    [("pt_BR", "mostra esta ajuda e sai", "faltam os seguintes argumentos"), ("es", "muestra esta ayuda y sale", "faltan los")],
)
def test_the_command_line_speaks_it_too(language: str, help_text: str, error: str) -> None:
    assert help_text in _run("from ryze_tui.cli import main; main(['serve', '--help'])", language)
    assert error in _run("from ryze_tui.cli import main; main(['serve'])", language)
