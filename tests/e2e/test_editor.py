"""A block in the person's own editor, in a real terminal: what comes back is checked, the screen is whole, and no file stays."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from ..terminal.server import Server
from .driver import Console

pytestmark = [pytest.mark.e2e]
NUMBERS: Final = count(1)
SCRIPT: Final = Path(__file__).with_name("fake_editor.py")
WEBHOOK: Final = {
    "label": "default", "enabled": True, "url": "https://hooks.acme.com/wa", "authorization": "Bearer abc123", "byEvents": False,
    "events": ["message.exchange", "instance.state"], "mediaBase64": False,
}


class Editing(Console):
    """The console on the webhook of an instance of its own, with an editor that follows a plan."""

    def __init__(self, server: Server, home: Path, plan: Sequence[Sequence[str]], size: tuple[int, int] = (80, 24), *,
                 editor: str = f"'{sys.executable}' '{SCRIPT}'") -> None:  # fmt: skip
        self.server, self.home = server, home
        self.instance = f"edited-{next(NUMBERS)}"
        home.mkdir(exist_ok=True)
        (home / "plan").write_text("\n".join(map(json.dumps, plan)))
        server.http.post("/api/instance/new", json={"name": self.instance}).raise_for_status()
        server.http.post(f"/api/events/webhook/{self.instance}", json=WEBHOOK).raise_for_status()
        env = {"EDITOR": editor, "FAKE_EDITOR": str(home)}
        super().__init__(server.url, server.token, home, size, env=env)

    def to_webhook(self) -> None:
        self.ready()
        self.press("/")
        self.type(self.instance)
        self.press("enter")
        self.wait_for(lambda _: list(self.rows()) == [self.instance], what="only that row")
        self.press("4")
        self.wait_for("Media base64")
        self.settle(0.2)

    @property
    def log(self) -> list[dict[str, Any]]:
        """What the editor saw."""
        return [json.loads(line) for line in (self.home / "log").read_text().splitlines()]

    @property
    def held(self) -> dict[str, Any]:
        """What the server has."""
        row: dict[str, Any] = self.server.call("GET", f"/api/events/getWebhook/{self.instance}")["webhooks"][0]
        return row

    def assert_whole(self) -> None:
        """Nothing of the editor is left on the screen, and nothing of its file on the disk."""
        self.settle(0.2)
        assert "FAKE EDITOR" not in self.text(), self.picture()
        assert not list((self.home / "run").rglob("edit-*")), list((self.home / "run").rglob("*"))
        before = self.text()
        self.resize(self.emulator.cols, self.emulator.rows - 1)
        self.settle(0.3)
        self.resize(self.emulator.cols, self.emulator.rows + 1)
        self.settle(0.3)
        toasts = ("▌",)
        kept = [line for line in before.splitlines() if not any(mark in line for mark in toasts)]
        assert [line for line in kept if line not in self.text()] == [], f"{before}\n{self.picture()}"


@pytest.mark.long
def test_broken_json_then_a_wrong_event_then_right(shared: Server, tmp_path: Path) -> None:
    plan = [
        ["replace", '"enabled": true,', '"enabled": true'],
        ["replace", '"enabled": true\n  "url"', '"enabled": true,\n  "url"'],
        ["replace", '"instance.state"', '"instance.sate"'],
        ["replace", '"instance.sate"', '"call.update"'],
    ]
    with Editing(shared, tmp_path, plan) as console:
        console.to_webhook()
        console.press("J")
        console.wait_for('"url": "https://hooks.acme.com/wa"')
        assert "abc123" not in console.text()
        console.press("E")
        console.wait_for("a comma is missing")
        console.wait_for("o opens it again at line 3")
        assert "FAKE EDITOR" not in console.text(), console.picture()
        console.press("o")
        console.wait_for("The editor left the text as it was")  # mended, it is what it was before
        console.assert_whole()
        console.press("E")
        console.wait_for("“instance.sate” is none of the events")
        console.press("esc")
        console.wait_for("is not in the form")
        console.press("o")
        console.wait_for("1 field is in the form")
        console.wait_for("* unsaved")
        console.assert_whole()
        assert console.held == WEBHOOK  # nothing is sent before the review
        console.press("r")
        console.wait_for("s saves")
        console.press("s")
        console.wait_for("holds what was asked")
        assert console.held == WEBHOOK | {"events": ["message.exchange", "call.update"]}
        first, second, _third, fourth = console.log
        assert first["mode"] == "0o600" and first["directory"] == "0o700" and first["tty"] and not first["token"]
        assert json.loads(first["text"]) == WEBHOOK and json.loads(fourth["text"]) != WEBHOOK
        assert second["argv"] == [second["path"]] and Path(first["path"]).is_relative_to(tmp_path / "run")
        console.press("esc")
        console.wait_gone("Media base64")
        console.quit()


@pytest.mark.long
def test_what_is_typed_into_the_editor_never_reaches_the_console(shared: Server, tmp_path: Path) -> None:
    with Editing(shared, tmp_path, [["typed"]], (120, 40)) as console:
        console.to_webhook()
        console.press("E")
        console.wait_for("FAKE EDITOR")
        console.type("xdq\nuJ")
        console.wait_for("nothing was changed")
        console.assert_whole()
        assert "Media base64" in console.text() and "as JSON" not in console.text()
        console.press("J")  # the console's own keys work as before
        console.wait_for("as JSON")


@pytest.mark.long
@pytest.mark.parametrize("action", [["exit", "3"], ["killed"]])
def test_an_editor_that_fails_changes_nothing(shared: Server, tmp_path: Path, action: list[str]) -> None:
    with Editing(shared, tmp_path, [action]) as console:
        console.to_webhook()
        console.press("E")
        console.wait_for("ended with 3" if action[0] == "exit" else "ended by signal 9")
        console.wait_for("nothing was taken")
        console.assert_whole()
        assert "* unsaved" not in console.text() and console.held == WEBHOOK
        console.press("esc")
        console.wait_gone("Media base64")
        console.quit()


ENDS = [("waits", signal.SIGTERM), ("waits", signal.SIGHUP), ("stubborn", signal.SIGTERM)]


@pytest.mark.parametrize(("action", "number"), ENDS)
def test_a_console_that_is_told_to_end_ends_its_editor(shared: Server, tmp_path: Path, action: str, number: int) -> None:
    with Editing(shared, tmp_path, [[action]]) as console:
        console.to_webhook()
        console.press("E")
        console.wait_for("FAKE EDITOR")
        console.signal(number)
        assert console.wait_exit() == 128 + number
        console.assert_clean()
        assert not list((tmp_path / "run").rglob("edit-*"))


@pytest.mark.long
def test_what_a_killed_console_left_is_swept_up(shared: Server, tmp_path: Path) -> None:
    with Editing(shared, tmp_path, [["waits"], ["exit", "1"]]) as console:
        console.to_webhook()
        console.press("E")
        console.wait_for("FAKE EDITOR")
        console.signal(signal.SIGKILL)
        console.wait_exit()
    left = list((tmp_path / "run").rglob("webhook.json"))
    assert left and left[0].stat().st_mode & 0o777 == 0o600
    env = {"EDITOR": f"'{sys.executable}' '{SCRIPT}'", "FAKE_EDITOR": str(tmp_path)}
    with Console(shared.url, shared.token, tmp_path, (80, 24), env=env) as again:
        again.ready()
        again.press("4")
        again.wait_for("Media base64")
        again.settle(0.2)
        again.press("E")
        again.wait_for("ended with 1")
    assert not list((tmp_path / "run").rglob("edit-*"))


def test_a_program_that_cannot_be_run_leaves_the_screen_as_it_was(shared: Server, tmp_path: Path) -> None:
    program = tmp_path / "no-interpreter"
    program.write_text("what is this\n")
    program.chmod(0o700)
    with Editing(shared, tmp_path, [], editor=str(program)) as console:
        console.to_webhook()
        console.press("E")
        console.wait_for("Exec format error")
        console.assert_whole()
        console.press("esc")
        console.wait_gone("Media base64")
        console.quit()
