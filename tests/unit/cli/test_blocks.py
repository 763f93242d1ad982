"""`ryze-tui BLOCK set`: what is given as options and JSON, and whether schemas have every field."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.api.wire import WIRES
from ryze_tui.cli.blockflags import add_group, block_word
from ryze_tui.cli.blockvalues import check, edited, from_json, wanted
from ryze_tui.cli.exits import Failure
from ryze_tui.cli.parser import Parser
from ryze_tui.operations.editing import Edit
from ryze_tui.redact import MASK

PROXY = {"enabled": True, "host": "h", "port": "1", "protocol": "http", "username": "u"}


def schema(name: str) -> Any:
    return json.loads(files("ryze_tui.cli").joinpath("schemas", f"{name}.json").read_text())


@pytest.mark.parametrize("kind", WIRES)
def test_a_schema_has_every_field(kind: str) -> None:
    held = schema(block_word(kind))["properties"]["results"]["items"]["properties"]["held"]["items"]
    fields = [field.name for field in WIRES[kind].fields]
    assert held["required"] == list(held["properties"]) == (["label", *fields] if kind == "webhook" else fields)


@pytest.mark.parametrize(("body", "words"), [
    ("[1]", "no JSON object"), ("{", "no JSON"), ('{"hots": "a"}', 'did you mean "host"?'),
    ('{"enabled": "yes"}', "true or false"),
    ('{"host": 5}', "a text"), (f'{{"password": "{MASK}"}}', "a mask"), ('{"host": "a", "port": true}', "a text"),
])  # fmt: skip
def test_json_that_does_not_fit(tmp_path: Path, body: str, words: str) -> None:
    (tmp_path / "a.json").write_text(body)
    with pytest.raises(Failure, match=words.replace("?", r"\?")) as caught:
        from_json("proxy", str(tmp_path / "a.json"))
    assert caught.value.code == 2


def test_json_as_get_prints_it_is_taken_again(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(PROXY | {"port": 1080, "password": None, "label": "x"}))
    assert from_json("proxy", str(tmp_path / "a.json")) == PROXY | {"port": "1080"}


def options(*words: str) -> Any:
    parser = Parser("x", "")
    add_group(parser, "proxy")
    parser.add_argument("--from-json")
    parser.add_argument("--off", action="store_true")
    return parser.read(words)


def test_off_or_fields_and_never_nothing() -> None:
    assert wanted("proxy", options("--off")) == {"enabled": False}
    assert wanted("proxy", options("--proxy-port", "3")) == {"port": "3"}
    for words in ((), ("--off", "--proxy-port", "3")):
        with pytest.raises(Failure):
            wanted("proxy", options(*words))


def test_every_instance_is_looked_at_before_one_is_written() -> None:
    given = (("a", PROXY, True, "2"), ("b", PROXY, False, "2"), ("c", None, True, "x"))
    edits = {}
    for name, held, keeps, port in given:
        edits[name] = edited(Edit(WIRES["proxy"], held, keeps_secrets=keeps), {"port": port})
    with pytest.raises(Failure) as caught:
        check(edits, "the password, too")
    assert "b: the password, too" in caught.value.message
    assert "c: --proxy-port: A number from 1 to 65535." in caught.value.message
    assert "c: --proxy-host" in caught.value.message
    assert "a:" not in caught.value.message
