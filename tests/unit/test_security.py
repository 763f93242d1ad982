"""Each threat of SECURITY.md names tests that exist, and the container runs as a plain user."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
from ryze_tui.cli import serve
from ryze_tui.cli.parser import Parser

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", TEXT)))
THREATS = [line for line in TEXT.partition("## Threats")[2].partition("\n## ")[0].splitlines() if line.startswith("| ")][1:]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONTAINER = [line.strip() for line in re.sub(r"\\\n", " ", (ROOT / "Containerfile").read_text()).splitlines()]


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_exists(name: str) -> None:
    path, _colons, function = name.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    assert function in names if function else any(found.startswith("test_") for found in names)


@pytest.mark.parametrize("line", THREATS, ids=lambda line: line[2:40])
def test_every_threat_has_a_defence_and_a_test(line: str) -> None:
    _empty, threat, defence, tests, _end = line.split("|")
    assert threat.strip() and defence.strip()
    assert re.findall(r"`(tests/[^`]+)`", tests), "a threat without a test is a hope"


def test_the_threats_asked_for_are_all_there() -> None:
    text = "\n".join(THREATS).lower()
    for word in ("server that is malicious", "hostile names", "hostile webhook receiver", "chatwoot", "shared host",
                 "stolen configuration file", "stolen database", "stolen backup"):  # fmt: skip
        assert word in text, word


def test_the_container_runs_as_a_plain_user_and_brings_no_secret() -> None:
    words = {line.split()[0]: line.partition(" ")[2] for line in CONTAINER if line and not line.startswith("#")}
    assert words["ARG"] == "EXTRAS=whatsapp" and "whatsapp" in PROJECT["optional-dependencies"]
    assert words["USER"].isdigit() and int(words["USER"]) >= 1000
    assert "/" not in words["FROM"], "no registry's address"
    assert not re.search(r"(?i)token|password|secret", " ".join(line for line in CONTAINER if not line.startswith("#")))
    entry = json.loads(words["ENTRYPOINT"]) + json.loads(words["CMD"])
    key, data = entry[entry.index("--key-file") + 1], entry[entry.index("--data-dir") + 1]
    assert not Path(key).is_relative_to(data), "whoever copies the data must not have the key"
    assert {data, str(Path(key).parent)} == set(json.loads(words["VOLUME"]))
    parser = Parser("ryze-tui serve", "")
    serve.add_arguments(parser)
    assert entry[:2] == ["ryze-tui", "serve"] and parser.parse_args(entry[2:]).engine == "simulated"
