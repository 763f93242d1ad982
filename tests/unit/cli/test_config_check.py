"""Every complaint about the configuration file, with its line; all of them at once; nothing that may be a secret repeated."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui import config, keys
from ryze_tui.config.check import Check
from ryze_tui.config.declared import PROFILE, SOURCES, TOP
from ryze_tui.config.example import example
from ryze_tui.config.positions import Positions
from ryze_tui.keymap import Keymap

GOOD = '[profiles.acme]\nurl = "https://a.example"\ntoken = "ta"\n'


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the configuration is; private, and empty."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = config.path()
    path.parent.mkdir()
    path.touch(mode=0o600)
    return path


def told(file: Path, text: str, **more: bool) -> list[tuple[int, str]]:
    """(line, words) of every problem."""
    file.write_bytes(text.encode())
    return [(problem.line, problem.text) for problem in config.load(**more).problems]


COMPLAINTS = [
    ('\nthem = "x"\n', 2, 'there is no setting "them" here; did you mean "theme"?'),
    ("zzz = 1\n", 1, "there are: default, language, theme, ascii, mouse, bell, notifications, keys, profiles."),
    ("# one\n\nascii = 1\n", 3, "ascii must be true or false, like ascii = false."),
    ("theme = true\n", 1, "theme must be text in quotation marks"),
    ('language = "pt_PT"\n', 1, 'language "pt_PT" is not known; there are: en, pt_BR, es; did you mean "pt_BR"?'),
    ('mouse = "no"\n', 1, "mouse must be true or false"),
    ('default = "acm"\n' + GOOD, 1, 'there is no profile "acm"; there are: acme; did you mean "acme"?'),
    ('default = "acme"\n', 1, "there are: none."),
    ("profiles = 3\n", 1, "profiles must be a table"),
    ("[profiles]\n\nacme = 3\n", 3, "profile acme must be a table"),
    ('[profiles.a]\ntoken = "t"\n', 1, 'profile a has no url: add one, like url = "https://ryzeapi.cloud".'),
    ('[profiles.a]\nurl = "https://x"\n', 1, "add one of token, token_file, token_command, keyring."),
    ('[profiles.a]\nurl = "https://x"\nkeyring = false\n', 1, "says nowhere where its token is"),
    ('[profiles.a]\nurl = "https://x"\ntoken = "t"\n\nkeyring = true\n', 5, "has token and keyring: keep one of them."),
    ('[profiles.a]\nurl = "ftp://x"\ntoken = "t"\n', 2, "url: The URL must look like"),
    ('[profiles.a]\nurl = "https://x"\ntokn = "t"\ntoken = "u"\n', 3, 'no setting "tokn" here; did you mean "token"?'),
    ('[profiles.a]\nurl = "https://x"\ntoken = "t u"\n', 3, "token must be one word"),
    ('[profiles.a]\nurl = "https://x"\ntoken = ""\n', 3, "token must be one word"),
    ('[profiles.a]\nurl = "https://x"\ntoken_command = "pass x"\n', 3, "token_command must be a list of words"),
    ('[profiles.a]\nurl = "https://x"\ntoken_command = []\n', 3, "token_command needs a program"),
    ('[profiles.a]\nurl = "https://x"\ntoken_file = ""\n', 3, "token_file needs the path of a file."),
    ('[profiles.a]\nurl = "https://x"\ntoken = "t"\nread_only = "yes"\n', 4, "read_only must be true or false"),
    ('[profiles.""]\nurl = "https://x"\ntoken = "t"\n', 1, "a profile needs a name"),
    (GOOD + "\n[profiles.b]\n" + GOOD, 6, "there is a profile acme already, on line 1; each needs a name of its own."),
    ('ascii = true\nbell = true\nascii = false\n', 3, "ascii is there already, on line 1."),
    ("keys = 3\n", 1, "keys must be a table"),
    ('[keys]\n# mine\nsrot = "f5"\n', 3, '"srot" is no action; did you mean "sort"?'),
    ('[keys]\nzzzzzz = "f5"\n', 2, "`ryze-tui config keys` lists them."),
    ('[keys]\nsort = "pagup"\n', 2, '"pagup" is no key.'),
    ('[keys]\nsort = ["f5",\n  3]\n', 3, "sort must be a key in quotation marks"),
    ('[keys]\nsort = "r"\n', 2, '"r" cannot be the key of sort: on the main screen it is that of reconnect.'),
    ('[keys]\nsort = "f5"\nnew = "f5"\n', 3, '"f5" cannot be the key of new: on the main screen it is that of sort.'),
    ('[keys]\nedit_review = "u"\n', 2, "on the edit screen it is that of edit_revert"),
    ('[keys]\nquit = ""\n', 2, "quit needs a key"),
    ('[keys]\nclose = []\n', 2, "close needs a key"),
    ('[keys]\nsort = "esc"\n', 2, "sort: \"esc\" always does what it does everywhere"),
    ('[keys]\nyes = "enter"\n', 2, 'yes: "enter" always does what it does everywhere'),
    ('[keys]\nsort = "ctrl+c"\n', 2, '"ctrl+c" always does what it does everywhere'),
    ('[keys]\nsort = "tab"\n', 2, '"tab" always does what it does everywhere'),
    ('[keys]\nsort = "ctrl+m"\n', 2, 'sends the same for "ctrl+m" as for enter'),
    ("x = \n", 1, "it is not valid TOML: Invalid value (column 5)"),
    ("theme = dark\n", 1, "it is not valid TOML"),
    ('a = 1\ntheme = "dark\n', 2, "it is not valid TOML"),
    ('theme = """\n\n', 2, "it is not valid TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "words"), COMPLAINTS)
def test_every_complaint_has_its_line(file: Path, text: str, line: int, words: str) -> None:
    assert [at for at, said in told(file, text) if words in said] == [line]


def test_everything_is_said_at_once_in_the_order_of_the_file(file: Path) -> None:
    text = 'them = "x"\nascii = 1\n[profiles.a]\nurl = 3\n[keys]\nsort = "r"\nfoo = "f5"\n'
    problems = told(file, text)
    assert [line for line, _words in problems] == [1, 2, 3, 4, 6, 7]
    with pytest.raises(config.ConfigError) as refused:
        config.load_profile("a")
    assert str(refused.value).splitlines() == [f"{file}, line {line}: {words}" for line, words in problems]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_token_that_others_can_read(file: Path, mode: int) -> None:
    file.chmod(mode)
    ((line, words),) = told(file, GOOD)
    assert line == 3
    assert words.endswith(f"chmod 600 {file}")
    file.chmod(0o600)
    assert told(file, GOOD) == []
    file.chmod(mode)
    assert told(file, "ascii = true\n") == []  # nothing in it is secret


def test_secrets_are_not_repeated(file: Path) -> None:
    text = '[profiles.a]\nurl = "https://me:hidden-word@h"\ntoken = "hidden word"\n'
    text += '[profiles.b]\nurl = 3\ntoken = ["hidden-word"]\n'
    problems = told(file, text)
    assert len(problems) == 4
    assert "hidden" not in str(problems)
    assert "ta" not in repr(config.Profile("a", "https://a", "ta")).replace("'a'", "").replace("https://a", "")
    told(file, GOOD.replace("ta", "hidden"))
    assert "hidden" not in repr(config.load())


def test_names_of_strangers_are_made_safe(file: Path) -> None:
    text = '"\\u001b[2J" = 1\n'
    ((_line, words),) = told(file, text)
    assert "\x1b" not in words


def test_token_files_are_looked_at_when_asked(file: Path, tmp_path: Path) -> None:
    text = f'[profiles.a]\nurl = "https://x"\ntoken_file = "{tmp_path}/t"\n'
    assert told(file, text) == []
    assert told(file, text, thorough=True) == [(3, f"token_file: {tmp_path}/t cannot be read: No such file or directory.")]
    (tmp_path / "t").touch(mode=0o644)
    (tmp_path / "t").chmod(0o644)
    ((line, words),) = told(file, text, thorough=True)
    assert line == 3 and words.endswith(f"chmod 600 {tmp_path}/t")
    (tmp_path / "t").chmod(0o600)
    assert told(file, text, thorough=True) == []


def test_preferences(file: Path) -> None:
    text = 'theme = "nord"\nlanguage = "es"\nascii = true\nmouse = false\nbell = false\n[keys]\nsort = ["f5", "S-"]\n'
    assert len(told(file, text)) == 1
    assert told(file, text.replace(', "S-"', "")) == []
    preferences = config.load().preferences
    assert (preferences.theme, preferences.language, preferences.ascii, preferences.mouse) == ("nord", "es", True, False)
    assert (preferences.bell, dict(preferences.keys)) == (False, {"sort": "f5"})


def test_a_keymap_keeps_the_way_out(file: Path) -> None:
    assert told(file, '[keys]\nquit = "f10"\nback = "f2"\nclose = "f2"\ndown = "ctrl+n"\n') == []
    chosen = config.load().preferences.keys
    assert chosen == {"quit": "f10,ctrl+q,ctrl+c", "back": "f2,escape", "close": "f2,escape", "down": "ctrl+n,down"}


NAMES = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.sampled_from(['"a.b"', "'c d'", '"#"', '"]"', "'='", '"\\""', '"\\u00e9"', '""', "'\"'"]),
)
COMMENTS = st.sampled_from(["", " # x = 1", "\t# [t]", ' # """', " # '"])
NOISE = st.sampled_from(["", "# [not]\n", "\n\n", '  # a = """\n', "#\n\t\n"])
TEXTS = st.sampled_from(
    ['"#"', "'\"'", '"a\\"b"', '"""\n[x]\ny = 1\n"""', "'''\n# no\n'''", '"""a"" b\\\n  """', '""""q"""""', "''''q'''''",
     '""', "''", '""""""', "''''''", '"""\\""""', "1979-05-27 07:32:00", "1.5e3", "true", "0xff"]
)  # fmt: skip


class Writer:
    """TOML made of pieces; every marker is a number that stands nowhere else."""

    def __init__(self) -> None:
        self.count = 900_000

    def marker(self) -> str:
        self.count += 1
        return str(self.count)

    def value(self, draw: Any, depth: int) -> str:
        kind = draw(st.integers(0, 5 if depth else 3))
        if kind <= 1:
            return self.marker()
        if kind <= 3:
            return str(draw(TEXTS))
        if kind == 4:
            items = [draw(NOISE) + " " + self.value(draw, depth - 1) for _item in range(draw(st.integers(0, 3)))]
            begin, end = draw(st.sampled_from(["[", "[\n", "[ # [\n"])), draw(st.sampled_from(["]", ",\n]", "\n]"]))
            return begin + ",\n".join(items) + end if items else "[ # none ]\n]"
        pairs = [self.pair(draw, depth - 1, str(index)) for index in range(draw(st.integers(0, 3)))]
        return "{" + ", ".join(pairs) + "}"

    def pair(self, draw: Any, depth: int, unique: str) -> str:
        name = draw(st.sampled_from([f"k{unique}", f'"k {unique}"', f"d{unique}.e . 'f'"]))
        return f"{name}{draw(st.sampled_from(['=', ' = ', '	=']))}{self.value(draw, depth)}"


@st.composite
def documents(draw: Any) -> str:
    """Valid TOML, mostly."""
    writer, out = Writer(), []
    for table in range(draw(st.integers(1, 4))):
        if table:
            name = draw(NAMES)
            headers = [f"[t{table}.{name}]", f"[ t{table} . {name} ]", f"[[a.{name}]]", "[[a.b]]", f"[a.b.c{table}]"]
            out.append(draw(NOISE) + draw(st.sampled_from(headers)) + draw(COMMENTS) + "\n")
        for index in range(draw(st.integers(0, 4))):
            out.append(draw(NOISE) + draw(st.sampled_from(["", "  "])) + writer.pair(draw, 2, str(index)) + draw(COMMENTS) + "\n")
    text = "".join(out)
    return text.replace("\n", "\r\n") if draw(st.booleans()) and "\\\n" not in text else text


IDS = st.sampled_from(sorted(keys.KEYS))
CHOSEN = st.sampled_from(
    [*"abcdefghijklmnopqrstuvwxyzGRSTD123456/?", "f5", "f6", "ctrl+t", "space", "pgdn", "enter", "esc", "ctrl+q"]
)


@given(st.dictionaries(IDS, st.lists(CHOSEN, min_size=1, max_size=2), max_size=6))
def test_a_keymap_without_complaints_hears_each_key_once_and_can_be_left(table: dict[str, list[str]]) -> None:
    keymap = Keymap(table)
    now = {id: tuple(keymap.chosen[id].split(",")) if id in keymap.chosen else key.keys for id, key in keys.KEYS.items()}
    twice = []
    for chain in keys.CHAINS.values():
        heard = [key for id in chain for key in now[id]]
        twice += [key for key in heard if heard.count(key) > 1]
    assert "ctrl+c" in now["quit"] and "escape" in now["back"] and "escape" in now["close"]
    if not keymap.complaints:
        assert twice == []
        assert all(set(key.kept) <= set(now[id]) for id, key in keys.KEYS.items())
    elif twice:
        assert any("cannot be the key of" in words for _where, words in keymap.complaints)


@given(st.data(), documents())
def test_a_wrong_value_anywhere_is_found_on_its_line(data: st.DataObject, rest: str) -> None:
    """Whatever stands before and behind it: the complaint about a value is on the line where it stands."""
    noise = data.draw(NOISE)
    text = noise + "theme = 899999" + data.draw(COMMENTS) + "\n" + rest
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    positions = Positions(text)
    lines = [positions.line(where) for where, words in Check(document).complaints if words.startswith("theme must be")]
    assert lines == [text[: text.index("899999")].count("\n") + 1]


def test_two_keys_can_change_places(file: Path) -> None:
    assert told(file, '[keys]\nsort = "r"\nreconnect = "s"\n') == []


# -- the example -------------------------------------------------------------------------------------------------------


def test_the_example_is_valid_and_says_nothing(file: Path) -> None:
    assert told(file, example({})) == []
    assert config.load().document == {}


@pytest.mark.parametrize("source", SOURCES)
def test_every_setting_of_the_example_is_valid(file: Path, source: str) -> None:
    lines = [line[1:] if line.startswith("#") and not line.startswith("# ") else line for line in example({}).splitlines()]
    kept = [line for line in lines if not any(line.startswith(f"{other} =") for other in SOURCES if other != source)]
    assert told(file, "\n".join(kept)) == []
    document = config.load().document
    assert [setting.name for setting in TOP] == [name for name in document if name not in ("keys", "profiles")]
    assert list(document["profiles"]["acme"]) == [
        setting.name for setting in PROFILE if setting.name == source or setting.name not in SOURCES
    ]
    assert set(document["keys"]) == {id for id, key in keys.KEYS.items() if set(key.keys) - set(key.kept)}
    assert all(keys.KEYS[id].keys == tuple(chosen.split(",")) for id, chosen in config.load().preferences.keys.items())


def test_the_file_of_the_readme_is_valid(file: Path) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    (text,) = [block.partition("```")[0] for block in readme.split("```toml\n")[1:]]
    assert told(file, text) == []
    assert config.load().preferences.keys == {"sort": "f5", "reconnect": "r,ctrl+r"}


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], int]]:
    """(path, marker) of every marker."""
    if isinstance(value, dict):
        return [leaf for name, item in value.items() for leaf in leaves(item, (*path, name))]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in leaves(item, (*path, index))]
    return [(path, value)] if isinstance(value, int) and value > 900_000 else []


@given(documents())
def test_lines_are_the_real_ones(text: str) -> None:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        Positions(text)  # whatever it is, no crash
        return
    positions, lines = Positions(text), text.replace("\r\n", "\n").split("\n")
    assert positions.twice == []
    for path, marker in leaves(document):
        (real,) = [number for number, line in enumerate(lines, 1) if str(marker) in line]
        assert positions.lines[path] == real, (path, marker)


@given(st.text(alphabet="[]{}=.,\"'#\\\n ab1", max_size=60))
def test_no_text_breaks_the_scanner(text: str) -> None:
    positions = Positions(text)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert positions.twice == []
    assert set(document) <= {path[0] for path in positions.lines if len(path) == 1}


def test_a_good_start_imports_neither_tomlkit_nor_what_complains(file: Path) -> None:
    file.write_text(GOOD + '[keys]\nsort = "f5"\n')
    code = """
        import sys
        from ryze_tui import config
        assert not config.load().problems
        late = {"tomlkit", "ryze_tui.config.positions", "ryze_tui.config.saving", "subprocess", "textual", "rich", "keyring"}
        assert not late & set(sys.modules), late & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_names_of_themes_are_checked_where_they_are_known(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = ("dark", "light", "solarized-light")
    settings = tuple(setting._replace(choices=known) if setting.name == "theme" else setting for setting in TOP)
    monkeypatch.setattr("ryze_tui.config.check.TOP", settings)
    said = 'theme "solarised" is not known; there are: dark, light, solarized-light; did you mean "solarized-light"?'
    assert told(file, 'ascii = true\ntheme = "solarised"\n') == [(2, said)]
    assert told(file, 'theme = "light"\n') == []
