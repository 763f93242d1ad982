"""Scripts by somebody else: they know what README, --help and the schemas say, and nothing of the program's insides."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from ryze_tui.cli import COMMANDS
from ryze_tui.cli.exits import KINDS, TABLE
from ryze_tui.cli.schema import NAMES, WITH_JSON

from ..terminal.server import Server
from .commands import Commands, closed, schema

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]

BASH = r"""
set -uo pipefail
name=$1
ryze-tui create "$name" --quiet || exit 10
ryze-tui create "$name" --quiet 2>/dev/null; [ $? = 1 ] || exit 11
ryze-tui wait "$name" connected --timeout 1 2>/dev/null; [ $? = 7 ] || exit 12
ryze-tui connect "$name" --quiet & pairing=$!
until [ "$(ryze-tui ls -q --state connecting "$name")" = "$name" ]; do :; done
curl -sS -H "token: $RYZE_TOKEN" -X POST "$RYZE_URL/simulator/$name/scan" >/dev/null
wait $pairing || exit 13
[ "$(ryze-tui wait "$name" connected,disconnected --timeout 10)" = connected ] || exit 14
echo "a text from a script" | ryze-tui send "$name" 5511999990000 --yes --quiet || exit 15
ryze-tui ls | head -1 | grep -q NAME || exit 16
ryze-tui logout "$name" </dev/null 2>/dev/null; [ $? = 2 ] || exit 17
ryze-tui delete "$name" --yes --quiet || exit 18
ryze-tui show "$name" 2>/dev/null; [ $? = 3 ] || exit 19
"""

PYTHON = r"""
import json, subprocess, sys

def ryze(*words):
    done = subprocess.run(["ryze-tui", *words, "--json"], capture_output=True, text=True)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, told, json.loads(done.stderr.splitlines()[-1])["error"] if done.returncode else None

code, [listed], error = ryze("ls", "state:connected")
assert code == 0 and error is None
assert listed["instances"] and all(one["state"] == "connected" for one in listed["instances"])
names = [one["name"] for one in listed["instances"][:2]]
code, [answer], error = ryze("reconnect", *names, "nobody-has-this-name")
assert code == 8 and error["kind"] == "partly"
assert [one["instance"] for one in answer["results"]] == [*names, "nobody-has-this-name"]
assert [one["ok"] for one in answer["results"]] == [True, True, False]
for name in names:
    code, [told], error = ryze("wait", name, "connected", "--timeout", "20")
    assert code == 0 and told["reached"], (code, error)
code, nothing, error = ryze("show", "nobody-has-this-name")
assert (code, nothing, error["kind"]) == (3, [], "not_found")
"""


def test_a_shell_script(ryze: Commands) -> None:
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{ryze.env['PATH']}"
    done = subprocess.run(
        ["bash", "-c", BASH, "script", "of-a-shell-script"], env=ryze.env | {"PATH": binaries}, capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"step {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.stderr == ""


def test_a_python_script(ryze: Commands) -> None:
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{ryze.env['PATH']}"
    done = subprocess.run(
        [sys.executable, "-c", PYTHON], env=ryze.env | {"PATH": binaries}, capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_exit_code_is_in_help_and_in_the_readme(shared: Server, tmp_path: Path) -> None:
    ryze = Commands(shared, tmp_path / "commands")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    codes = [code for code, _words in TABLE]
    assert set(KINDS.values()) <= set(codes)
    for command in WITH_JSON:
        said = ryze(command, "--help").out
        table = said[said.index("exit codes:") :]
        assert [int(line.split()[0]) for line in table.splitlines()[1:]] == codes, command
    for code, words in TABLE:
        assert re.search(rf"^\| {code} \| {re.escape(words)} \|$", readme, re.MULTILINE), f"README lacks {code}: {words}"


def test_every_command_with_json_has_a_schema_and_no_schema_is_without_one() -> None:
    files = {path.stem for path in (ROOT / "ryze_tui" / "cli" / "schemas").glob("*.json")}
    assert files == set(NAMES)
    assert set(WITH_JSON) <= set(COMMANDS)
    for name in NAMES:
        assert schema(name)["$schema"].endswith("2020-12/schema")
        assert closed(schema(name)) != schema(name)
        for part in _objects(schema(name)):
            assert part["required"] == list(part["properties"]), name  # a field that is documented is always there
    assert schema("error")["properties"]["error"]["properties"]["kind"]["enum"] == list(KINDS)


def _objects(part: Any) -> Iterator[dict[str, Any]]:
    for inner in part if isinstance(part, list) else part.values() if isinstance(part, dict) else ():
        yield from _objects(inner)
    if isinstance(part, dict) and isinstance(part.get("properties"), dict) and "type" in part:
        yield part


@pytest.mark.long
@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("serve", "demo", "session")])
def test_no_command_brings_the_screen_with_it(shared: Server, tmp_path: Path, command: str) -> None:
    ryze = Commands(shared, tmp_path / "commands")
    words = {"wait": ["sim-00001", "connected", "--timeout", "2"], "watch": ["--timeout", "1"], "server": ["status"],
             "account": ["list"], "config": ["check"], "schema": ["ls"], "completion": ["bash"], "ls": [],
             "create": ["made-for-imports"],
             "send": ["sim-00001", "5511999990000", "--text", "x", "--yes"], "delete": ["made-for-imports", "--yes"],
             "connect": ["sim-00001", "--yes", "--timeout", "2"], "audit": [], "plan": [str(tmp_path / "a.yaml")],
             "apply": [str(tmp_path / "a.yaml")], "doctor": [], "events": ["--seconds", "1"], "profile": ["list"],
             **{word: ["get", "sim-00001"] for word in ("settings", "proxy", "s3", "webhook", "stream", "chatwoot")},
             }.get(command, ["sim-00001"])  # fmt: skip
    (tmp_path / "a.yaml").write_text("version: 1\ninstances: {sim-00001: {settings: {ignoreStatus: false}}}\n")
    words = [*words, "--yes"] if command == "logout" else words
    code = (
        "import sys; from ryze_tui.cli import main; code = main(sys.argv[1:]);"
        "heavy = {name.partition('.')[0] for name in sys.modules} & {'textual', 'starlette', 'sqlalchemy', 'uvicorn'};"
        "assert 'ryze_tui.console' not in sys.modules and not heavy, heavy; assert code in (0, 1, 2, 3, 7, 11), code"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, command, *words], env=ryze.env, capture_output=True, text=True, timeout=60, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_list_imports_no_pydantic_and_no_tls(shared: Server, tmp_path: Path) -> None:
    ryze = Commands(shared, tmp_path / "commands")
    code = "import sys; from ryze_tui.cli import main; main(['ls', '--json']); assert 'pydantic' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], env=ryze.env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def complete(line: str, env: dict[str, str]) -> list[str]:
    """What bash would offer at the end of that line."""
    script = (
        'source <(ryze-tui completion bash); COMP_WORDS=($1); [[ $1 == *" " ]] && COMP_WORDS+=(""); '
        'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _ryze_tui; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script, "bash", line], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.long
def test_bash_completes(shared: Server, tmp_path: Path) -> None:
    ryze = Commands(shared, tmp_path / "commands")
    env = ryze.env | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{ryze.env['PATH']}"}
    assert complete("ryze-tui show ", env) == []  # nothing was ever listed here
    assert ryze("ls").code == 0
    env |= {"RYZE_URL": shared.url}
    names = sorted(shared.states())
    assert complete("ryze-tui show ", env) == names
    assert complete("ryze-tui delete --yes sim-0001", env) == [name for name in names if name.startswith("sim-0001")]
    assert complete(f"ryze-tui delete {names[0]} sim-00002", env) == ["sim-00002"]
    assert set(complete("ryze-tui ", env)) == set(COMMANDS)
    assert complete("ryze-tui bri", env) == ["bring-back"]
    assert complete(f"ryze-tui wait {names[0]} log", env) == ["loggedout"]
    assert complete("ryze-tui ls --sort n", env) == ["name", "newest"]
    assert complete("ryze-tui create x --webhook-url", env) == ["--webhook-url"]
    assert complete("ryze-tui server sta", env) == ["start", "status"]
    assert complete("ryze-tui server u", env) == ["unit"]
    assert "--reveal" in complete("ryze-tui show --", env)
    assert complete("ryze-tui doctor --instance sim-00002", env) == ["sim-00002"]
    assert complete("ryze-tui events sim-00003", env) == ["sim-00003"]
    assert complete("ryze-tui events --event inst", env) == ["instance.state"]
    assert complete("ryze-tui profile se", env) == ["set-token"]
    assert ryze("profile", "add", "acme", "--url", "http://127.0.0.1:9", given="some-token-of-acme").code == 0
    assert complete("ryze-tui profile remove a", env) == ["acme"]
    assert complete("ryze-tui create ", env) == []
    assert complete("ryze-tui show --url http://127.0.0.1:9 ", env | {"RYZE_URL": ""}) == []


@pytest.mark.skipif(which("fish") is None, reason="fish is not installed (CI installs it)")
def test_fish_completes(shared: Server, tmp_path: Path) -> None:
    ryze = Commands(shared, tmp_path / "commands")
    env = ryze.env | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{ryze.env['PATH']}"}
    assert ryze("ls").code == 0
    assert ryze("profile", "add", "acme", "--url", shared.url, given=shared.token).code == 0
    (tmp_path / "c.fish").write_text(ryze("completion", "fish").out)

    def complete(typed: str) -> list[str]:
        said = subprocess.run(
            ["fish", "--no-config", "-c", f"source {tmp_path}/c.fish; complete -C '{typed}'"], env=env, capture_output=True,
            text=True, timeout=60, check=True,
        )  # fmt: skip
        assert said.stderr == "", typed
        return [line.partition("\t")[0] for line in said.stdout.splitlines()]

    names = sorted(shared.states())
    assert complete("ryze-tui bri") == ["bring-back"]
    assert complete("ryze-tui wait sim-00001 log") == ["loggedout"]
    assert complete("ryze-tui profile u") == ["use"]
    assert complete("ryze-tui profile use ") == ["acme"]
    assert complete("ryze-tui ls --profile ") == ["acme"]
    assert complete("ryze-tui ls --state ba") == ["banned"]
    assert complete("ryze-tui show --profile acme sim-0001") == [name for name in names if name.startswith("sim-0001")]
    assert complete("ryze-tui proxy ") == ["get", "set"]
    assert complete("ryze-tui proxy set ") == names


def test_zsh_and_fish_scripts_name_every_command_and_option(shared: Server, tmp_path: Path) -> None:
    ryze = Commands(shared, tmp_path / "commands")
    for shell in ("zsh", "fish"):
        script = ryze("completion", shell).out
        assert all(re.search(rf"\b{re.escape(name)}\b", script) for name in COMMANDS)
        assert "webhook-url" in script
        if which(shell):
            (tmp_path / shell).write_text(script)
            subprocess.run([shell, "-n", str(tmp_path / shell)], check=True, timeout=60)
