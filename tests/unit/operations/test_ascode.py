"""The YAML file: everything that is wrong with its line, references, and what it makes of what is held."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ryze_tui.api.instance import Instance
from ryze_tui.api.wire import WIRES
from ryze_tui.operations.ascode import exporting
from ryze_tui.operations.ascode.document import Problems, read
from ryze_tui.operations.ascode.known import Known
from ryze_tui.operations.ascode.planning import Item, Planner
from ryze_tui.operations.ascode.references import Names
from ryze_tui.operations.configuring import Held

HEAD = "version: 1\ninstances:\n"
PROXY = {"enabled": True, "host": "h", "port": "1", "protocol": "http", "username": "u"}
HOOK = {"enabled": True, "url": "https://a.example/x", "authorization": "Bearer one", "byEvents": True, "events": ["call.update"],
        "mediaBase64": False}  # fmt: skip


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("SECRET", "from-the-environment")


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(Problems) as caught:
        read(None, text)
    return caught.value.problems


@pytest.mark.parametrize(("text", "line", "words"), [
    ("", 1, "empty"),
    ("version: 2\ninstances: {}", 1, "another version"),
    ("instances: {}", 1, "version: 1 is missing"),
    ("version: 1", 1, "instances is missing"),
    ("version: 1\ninstances: [a]", 2, "must be a mapping"),
    ("version: 1\n\tinstances: {}", 2, "no YAML"),
    (HEAD + "  a: {}\n  b: {}\n  a: {}", 5, "a is there twice, first in line 3"),
    (HEAD + "  a:\n    setings: {}", 4, 'no "setings" here; did you mean "settings"?'),
    (HEAD + "  a:\n    settings:\n      ignoreGroup: true", 5, 'did you mean "ignoreGroupMessages"?'),
    (HEAD + "  a:\n    settings:\n      ignoreStatus: 'yes'", 5, "must be true or false, not a text"),
    (HEAD + "  a:\n    settings:\n      callRejectMessage: 5", 5, "must be a text (quote it), not a whole number"),
    (HEAD + "  a:\n    settings:\n      callRejectMessage:", 5, "not nothing"),
    (HEAD + "  a:\n    stream: {events: []}", 4, "say enabled: true"),
    (HEAD + "  a:\n    stream: {enabled: true, events: [call.updat]}", 4, 'did you mean "call.update"?'),
    (HEAD + "  a:\n    stream: {enabled: true, events:\n [call.update,\n call.update]}", 6, "is there twice"),
    (HEAD + "  a:\n    stream: {enabled: false, events: []}", 4, "nothing of this is kept"),
    (HEAD + "  a:\n    proxy: {enabled: true, port: 70000}", 4, "1 to 65535"),
    (HEAD + "  a:\n    proxy: {enabled: true, protocol: ftp}", 4, "One of: http, https, socks5"),
    (HEAD + "  a:\n    proxy: {enabled: true, password: open}", 4, "A secret is not written here"),
    (HEAD + "  a:\n    token: open-token-0123456789", 4, "A secret is not written here"),
    (HEAD + "  a:\n    token: {from_env: NOT_THERE_AT_ALL}", 4, "the variable NOT_THERE_AT_ALL is not set"),
    (HEAD + "  a:\n    token: {from_file: /nowhere/at-all}", 4, "/nowhere/at-all cannot be read"),
    (HEAD + "  a:\n    token: {from_env: A, from_file: b, keep: true}", 4, "not both"),
    (HEAD + "  a:\n    token: {keep: false}", 4, "It needs from_env"),
    (HEAD + "  a:\n    webhooks: {d: {enabled: true, url: 'ftp://x'}}", 4, "begins with https://"),
    (HEAD + "  a:\n    webhooks: {" + ", ".join(f"{n}: {{enabled: true}}" for n in "abcd") + "}", 4, "at most 3 webhooks"),
    (HEAD + "  a:\n    stream: {enabled: true, events: call.update}", 4, "events must be a list, like ["),
    (HEAD + "  a:\n    token: {from_env: A, keep: perhaps}", 4, "keep must be true or false"),
    (HEAD + "  a:\n    settings: {[1]: true}", 4, "a name must be a text"),
    (HEAD + "  a:\n    settings: {<<: [1]}", 4, "<< needs a mapping"),
    (HEAD + "  a:\n    settings: {ignoreStatus: {x: y}}", 4, "not a mapping"),
    (HEAD + "  a:\n    settings: {callRejectMessage: [x]}", 4, "not a list"),
    (HEAD + "  a:\n    settings: {zzzzzz: 1}", 4, "; there are: "),
    ("&a [*a, *a]", 1, "must be a mapping"),
    pytest.param("[" * 20000, 1, "", id="deep"),
])  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, words: str) -> None:
    found = problems(text)
    assert any(at == line and words in said for at, said in found), found


def test_nothing_said_of_an_instance_is_nothing_changed() -> None:
    assert read(None, "version: 1\ninstances:").instances == {}
    assert set(read(None, HEAD + "  a:\n  b: {}").instances) == {"a", "b"}


def test_everything_at_once_and_no_secret_repeated() -> None:
    proxy = "proxy: {enabled: true, password: hidden, hst: x}"
    found = problems(HEAD + f"  a:\n    token: hidden-token-0123456789\n    {proxy}\n  b: 1\n")
    assert [line for line, _words in found] == [4, 5, 5, 6]
    assert "hidden" not in str(found)


def test_a_tag_makes_nothing() -> None:
    assert read(None, HEAD + "  a: !!python/object/apply:os.system {}").instances["a"].blocks == []


def test_anchors_and_merges() -> None:
    found = read(None, "version: 1\nx-quiet: &quiet {ignoreStatus: true, ignoreGroupMessages: true}\ninstances:\n"
                       "  a:\n    settings:\n      <<: *quiet\n      ignoreStatus: false\n")  # fmt: skip
    [block] = found.instances["a"].blocks
    assert {name: given.value for name, given in block.fields.items()} == {"ignoreStatus": False, "ignoreGroupMessages": True}


def test_a_name_in_quotes_is_no_merge() -> None:
    found = read(None, HEAD + "  '<<':\n    settings: {ignoreStatus: true}\n  a: {}\n")
    assert list(found.instances) == ["<<", "a"], "as `export` writes it"


def test_the_example_of_the_readme(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "sales.proxy").write_text("hidden\n")
    found = read(tmp_path / "numbers.yaml", text)
    assert [block.title for block in found.instances["sales"].blocks] == ["settings", "proxy", "webhook default"]


# -- planning ----------------------------------------------------------------------------------------------------------


def held(**kinds: dict[str, Any] | None) -> dict[str, Held]:
    made = {kind: Held(kinds.get(kind), {}) for kind in WIRES}
    hooks = kinds.get("webhooks") or {}
    return made | {"webhook": Held(hooks.get("default"), hooks)}


Blocks = dict[str, dict[str, Held]]


def plan(text: str, there: Blocks, *, keeps: bool = True, prune: bool = False) -> tuple[list[Item], list[Any]]:
    planner = Planner(read(None, HEAD + text), Known("http://a", "t"), lambda: keeps)
    rows = {name: Instance(name, token=f"own-token-of-{name}") for name in there}
    return planner.plan(there, rows, prune=prune), planner.problems


def changes(item: Item) -> dict[str, dict[str, tuple[Any, Any]]]:
    return {step.block.title: {one.field.name: (one.now, one.yours) for one in step.review} for step in item.steps}


def test_only_what_the_file_names_is_changed() -> None:
    hooks = "    webhooks:\n      default: {enabled: true, byEvents: %s}\n"
    there = {"a": held(settings={"autoRejectCalls": True}, webhooks={"default": HOOK})}
    [item], wrong = plan("  a:\n    settings: {ignoreStatus: true}\n" + hooks % "false", there)
    assert not wrong and item.action == "change"
    assert changes(item) == {"settings": {"ignoreStatus": (False, True)}, "webhook default": {"byEvents": (True, False)}}
    [item], wrong = plan("  a:\n" + hooks % "true", there)
    assert (item.action, item.steps, wrong) == ("unchanged", [], [])


def test_created_unchanged_and_deleted() -> None:
    items, wrong = plan("  a: {}\n  b: {token: {keep: true}}\n", {"a": held(), "c": held()}, prune=True)
    assert [(item.name, item.action, item.erases) for item in items] == [("a", "unchanged", False), ("b", "create", False),
                                                                          ("c", "delete", True)]  # fmt: skip
    assert items[1].notes == ["it gets a new token"] and not wrong
    _items, wrong = plan("  'a b': {}\n", {})
    assert "a space cannot be in it" in wrong[0][1]


def test_kept_and_given_secrets() -> None:
    there = {"a": held(proxy=PROXY)}
    keep = "  a:\n    proxy: {enabled: true, port: %s, password: {keep: true}}\n"
    [item], wrong = plan(keep % 1, there)
    assert item.action == "unchanged" and not wrong
    [item], wrong = plan(keep % 2, there)
    assert changes(item) == {"proxy": {"port": ("1", "2")}} and not wrong, "ours keeps it while host and user stay"
    _items, wrong = plan(keep % 2, there, keeps=False)
    assert [line for line, _words in wrong] == [4] and "may erase" in wrong[0][1]
    both = "  a:\n    proxy: {enabled: true, port: 2, password: {keep: true, from_env: SECRET}}\n"
    [item], wrong = plan(both, there, keeps=False)
    assert changes(item)["proxy"]["password"] == (None, "from-the-environment") and not wrong
    _items, wrong = plan(keep % 1, {"a": held()})
    assert "nothing is stored" in str(wrong)


def test_a_hidden_secret_that_was_sent_last_is_not_sent_again() -> None:
    there = {"a": held(proxy=PROXY)}
    text = "  a:\n    proxy: {enabled: true, password: {from_env: SECRET}}\n"
    [item], _wrong = plan(text, there)
    assert changes(item) == {"proxy": {"password": (None, "from-the-environment")}}
    Known("http://a", "t").sent("a", "proxy", "password", "from-the-environment")
    [item], _wrong = plan(text, there)
    assert item.action == "unchanged"
    kept = next((Path(Known("http://a", "t")._path or "").parent).glob("*.json"))
    assert "from-the-environment" not in kept.read_text() and kept.stat().st_mode & 0o777 == 0o600


def test_a_fourth_webhook_is_noticed_before_anything_is_done() -> None:
    others = dict.fromkeys(("x", "y", "z"), HOOK)
    text = "  a:\n    webhooks:\n      new: {enabled: true, url: 'https://b.example'}\n"
    _items, wrong = plan(text, {"a": held(webhooks=others)})
    assert [line for line, _words in wrong] == [5] and "x, y, z" in wrong[0][1]


def test_a_token_of_one_that_is_there_is_compared_and_not_changed() -> None:
    _items, wrong = plan("  a:\n    token: {from_env: SECRET}\n", {"a": held()})
    assert "cannot be changed" in wrong[0][1]


# -- exporting ---------------------------------------------------------------------------------------------------------


def test_what_is_exported_is_read_again_as_it_was(tmp_path: Path) -> None:
    nasty = "yes\t\x1b[31m\u202etxt: {not} [yaml] # 'quoted' \"twice\"\nsecond line é"
    open_one = HOOK | {"url": "https://user:hidden-pw@b.example"}
    hooks: dict[str, Any] = {"default": HOOK, "on: off": open_one, "1": {"enabled": False}}
    blocks = held(settings={"callRejectMessage": nasty}, proxy=PROXY, s3={"enabled": False}, webhooks=hooks)
    rows = {"a": Instance("a", token="own-token-hidden")}
    text = exporting.text(rows, {"a": blocks}, Names(), exporting.head())
    assert "hidden" not in text and "Bearer one" not in text and "\x1b" not in text and "\u202e" not in text
    found, wrong = plan(text.partition("instances:\n")[2], {"a": blocks})
    assert [item.action for item in found] == ["unchanged"] and not wrong
    names = Names(tmp_path / "secrets")
    text = exporting.text(rows, {"a": blocks}, names, exporting.head())
    assert names.missing == [str(tmp_path / "secrets" / "a.proxy.password")]
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "secrets").iterdir())
    (tmp_path / "secrets" / "a.proxy.password").write_text("typed\n")
    found, wrong = plan(text.partition("instances:\n")[2], {})
    assert not wrong and found[0].token == "own-token-hidden"
    made = changes(found[0])
    assert made["settings"]["callRejectMessage"][1] == nasty
    assert made["webhook on: off"]["url"][1] == "https://user:hidden-pw@b.example"
    assert made["proxy"]["password"][1] == "typed"


def test_secrets_of_long_names_have_a_file_each(tmp_path: Path) -> None:
    names = Names(tmp_path)
    refs = [names.of(("é" * 150, field), field) for field in ("token", "authorization", "password")]
    assert [Path(ref.file).read_text(encoding="utf-8") for ref in refs] == ["token\n", "authorization\n", "password\n"]
    assert all(len(path.name) <= 240 for path in tmp_path.iterdir())


def test_an_export_and_its_secrets_can_be_moved_together(tmp_path: Path) -> None:
    kept = Names(tmp_path / "repo" / "secrets", tmp_path / "repo").of(("a", "token"), "the-token")
    hidden = Names(tmp_path / "repo" / "secrets", tmp_path / "repo").of(("a", "proxy", "password"), None)
    assert (kept.file, hidden.file, hidden.keep) == ("secrets/a.token", "secrets/a.proxy.password", True)
    (tmp_path / "repo").rename(tmp_path / "clone")
    assert kept.resolve(tmp_path / "clone") == "the-token"
    for folder in ("elsewhere", "clone/~secrets"):
        ref = Names(tmp_path / folder, tmp_path / "clone").of(("a", "token"), "other-token")
        assert ref.file == str(tmp_path / folder / "a.token") and ref.resolve(tmp_path / "clone") == "other-token"


def test_names_of_secrets_never_meet() -> None:
    names = Names()
    refs = [names.of((name, "proxy", "password"), "x").env for name in ("a-b", "a_b", "A-b")]
    assert len(set(refs)) == 3 and refs[0] == "RYZE_A_B_PROXY_PASSWORD"
