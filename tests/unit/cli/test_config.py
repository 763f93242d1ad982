"""The configuration file: addresses as people type them, and a file that is never damaged by adding a profile."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ryze_tui import config
from ryze_tui.config import ConfigError, Profile, clean_url, host_of, load_profile, saving, tokens

NEW = Profile("new", "https://new.example", "token-of-new")


def save_profile(profile: Profile) -> None:
    """With its token in the file itself, as a person may write it: all there is to be damaged is one file."""
    saving.put_profile(profile.name, {"url": profile.url, "token": profile.token}, default=True)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("127.1.2.3:80/", "http://127.1.2.3:80"),
        ("localhost", "http://localhost"),
        ("LocalHost:8080", "http://localhost:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("[::1]", "http://[::1]"),
        ("::1", "http://[::1]"),
        ("https://localhost:8443", "https://localhost:8443"),
        ("https://127.0.0.1", "https://127.0.0.1"),
        ("ryzeapi.cloud", "https://ryzeapi.cloud"),
        ("ryzeapi.cloud:8443", "https://ryzeapi.cloud:8443"),
        ("127.evil.example", "https://127.evil.example"),
        ("127.0.0.1.evil.example:8080", "https://127.0.0.1.evil.example:8080"),
        ("localhost.evil.example", "https://localhost.evil.example"),
        ("10.0.0.1", "https://10.0.0.1"),
        ("[2001:db8::1]:8080", "https://[2001:db8::1]:8080"),
        ("http://host:8080/", "http://host:8080"),
        (" https://host ", "https://host"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    assert clean_url(text) == url


NO_ADDRESS = ["", "/", "ftp://host", "host name", "https://", "host?x", "a:b:c", "[::1", "host:port", "host:99999"]
PASSWORDS = ["https://me:hidden@host", "me:hidden@host", "https://me:hidden@host:99999", "127.0.0.1:80@evil"]


@pytest.mark.parametrize("text", NO_ADDRESS)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ConfigError):
        clean_url(text)


@pytest.mark.parametrize("text", PASSWORDS)
def test_a_password_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        clean_url(text)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "name"),
    [("https://a.example:1/x", "a.example"), ("127.0.0.1:8080", "127.0.0.1"), ("", "server"), ("http://[x", "server")],
)
def test_the_host_is_the_default_name(text: str, name: str) -> None:
    assert host_of(text) == name


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the configuration is, not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return config.path()


def put(file: Path, text: str) -> dict[str, Any]:
    """Write a configuration as a person did; what it says."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return tomllib.loads(text)


def kept(name: str) -> Profile:
    """A profile of a file that may hold what the console would complain about."""
    entry = tomllib.loads(config.path().read_bytes().decode())["profiles"][name]
    return Profile(name, entry["url"], entry["token"])


def test_the_first_profile(file: Path) -> None:
    save_profile(NEW)
    assert load_profile() == NEW
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "name", ["a.b", "a b", "127.0.0.1", "ação", 'quo"te', "it's", "a]b", "a#b", "\\", "default", "profiles", "two\nlines"]
)
def test_names_of_every_kind(file: Path, name: str) -> None:
    save_profile(NEW)
    other = Profile(name, "http://other.example", "t")
    save_profile(other)
    assert (load_profile(), load_profile(name), load_profile("new")) == (other, other, NEW)
    save_profile(Profile(name, "http://other.example", "renewed"))
    assert load_profile(name) == Profile(name, "http://other.example", "renewed")


def test_a_profile_needs_a_name(file: Path) -> None:
    with pytest.raises(ConfigError):
        save_profile(Profile("", "https://x.example", "t"))
    assert not file.exists()


OLD = [
    '[profiles.a]\nurl = "https://a.example"  # mine\ntoken = "ta"\n\n[other]\nx = 1 # why\n',
    'default = "a" # chosen\n# before\n[profiles]\na = {url = "https://a.example", token = "ta"}\n# after\n',
    '[profiles]\na.url = "https://a.example"\na.token = "ta"\n',
    '[profiles.a]\nurl = "https://a.example"\ntoken = "ta"\n[x]\n[profiles.b]\nurl = "https://b.example"\ntoken = "tb"\n',
    '[a]\r\nb = 1\r\n[profiles.a]\r\nurl = "https://a.example"\r\ntoken = "ta"\r\n',
    '[numbers]\na = nan\nb = 1.0\nc = 2020-01-01\n',
    '[profiles]\n',
    "# nothing but this",
]  # fmt: skip
HARD = [
    'profiles = {a = {url = "https://a.example", token = "ta"}}\n',
    'profiles.a.url = "https://a.example"\nprofiles.a.token = "ta"\n',
    'x = 1\nprofiles.a.url = "https://a.example"\nprofiles.a.token = "ta"\n[y]\nz = 2 # kept\n',
    'profiles = {}\n',
]  # fmt: skip
WRONG = [
    "profiles = 3\n", "[[profiles]]\nx = 1\n", "profiles = []\n", "[profiles]\nnew = 3\n",
    'default = ["a"]\n', "[default]\nx = 1\n",
]  # fmt: skip


@pytest.mark.parametrize("text", OLD)
def test_the_rest_of_the_file_stays(file: Path, text: str) -> None:
    old = put(file, text)
    save_profile(NEW)
    new = tomllib.loads(file.read_bytes().decode())
    assert kept("new") == NEW
    assert new.pop("default") == "new"
    assert new["profiles"].pop("new") == {"url": NEW.url, "token": NEW.token}
    old.pop("default", None)
    old.setdefault("profiles", {})
    assert repr(sorted(new.items())) == repr(sorted(old.items()))
    for line in text.splitlines():
        assert not line.strip().startswith("#") or line in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", [*OLD, *HARD, *WRONG])
def test_a_valid_file_is_never_damaged(file: Path, text: str) -> None:
    put(file, text)
    try:
        save_profile(NEW)
    except ConfigError as refused:
        assert file.read_bytes() == text.encode()
        assert str(file) in str(refused)
        assert NEW.token not in str(refused)
        assert "token =" not in str(refused)
    else:
        assert kept("new") == NEW
        assert 'ta"' not in text or kept("a") == Profile("a", "https://a.example", "ta")
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("text", [*HARD[:3], *WRONG])
def test_what_cannot_be_changed_safely_is_left_to_a_person(file: Path, text: str) -> None:
    put(file, text)
    with pytest.raises(ConfigError, match=r"line \d|profiles must|profile new|default must"):
        save_profile(NEW)


def test_the_line_to_look_at_is_named(file: Path) -> None:
    put(file, "# mine\n\n" + HARD[0])
    with pytest.raises(ConfigError, match="line 3"):
        save_profile(NEW)


def test_a_profile_is_renewed_in_place(file: Path) -> None:
    put(file, '[profiles.new] # mine\nurl = "https://old.example"\nnote = "kept"\ntoken = "old"\n')
    save_profile(NEW)
    assert kept("new") == NEW
    assert tomllib.loads(file.read_text())["profiles"]["new"]["note"] == "kept"
    assert "# mine" in file.read_text()


@pytest.mark.parametrize("text", ["x = ", "a = 1\na = 2\n", "\ufeffx = 1\n"])
def test_a_file_that_is_no_toml_is_left_alone(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"line \d+: (it is not valid TOML|a is there already)"):
        save_profile(NEW)
    assert file.read_text() == text


def test_a_file_that_is_no_text(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"\xff\xfe")
    for act in (load_profile, lambda: save_profile(NEW)):
        with pytest.raises(ConfigError):
            act()
    assert file.read_bytes() == b"\xff\xfe"


def test_a_token_that_cannot_be_written(file: Path) -> None:
    save_profile(NEW)
    before = file.read_bytes()
    with pytest.raises(ConfigError):
        save_profile(Profile("x", "https://x.example", "\udcff"))
    assert file.read_bytes() == before


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    target = tmp_path / "dotfiles" / "ryze.toml"
    target.parent.mkdir()
    target.write_text("x = 1 # kept\n")
    file.symlink_to(target)
    save_profile(NEW)
    assert file.is_symlink()
    assert "x = 1 # kept" in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_token_is_kept_in_a_file_of_its_own(file: Path) -> None:
    for name in ("new", "a b/../../c", "ação"):
        config.save_profile(Profile(name, NEW.url, "first"))
        config.save_profile(Profile(name, NEW.url, "token-of-new"))
        assert load_profile(name) == load_profile() == Profile(name, NEW.url, "token-of-new")
        path = tokens.kept_file(name)
        assert path.parent == file.parent / "tokens" and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "token-of-new" not in file.read_text() and len(list((file.parent / "tokens").iterdir())) == 3


@pytest.mark.parametrize("before", ["", "the-one-before"])
def test_a_token_whose_profile_cannot_be_written_is_not_kept(file: Path, before: str) -> None:
    put(file, HARD[1])
    path = tokens.kept_file("new")
    if before:
        path.parent.mkdir()
        path.write_text(before)
    for profile in (NEW, Profile("new", NEW.url, "no token"), Profile("", NEW.url, "t")):
        with pytest.raises(ConfigError):
            config.save_profile(profile)
    assert (path.read_text() if path.exists() else "") == before
    assert file.read_text() == HARD[1]
