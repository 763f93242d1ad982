"""A block as JSON: what is shown, what is copied, and what becomes of a text that comes back from an editor."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ryze_tui.console import editor
from ryze_tui.console.app import RyzeConsole
from ryze_tui.console.editor import Returned, command, editor_of
from ryze_tui.console.screens.blockjson import FaultsScreen, JsonScreen

from tests.fakes.blocks import FakeBlocks

from .conftest import Open, screen_text, until
from .test_edit import edit, into, save

Change = Callable[[str], str | Returned]


@pytest.fixture
def returns(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, int]]]:
    """An editor that gives back what each function makes of its text, in turn; the list gets (text, line) of each run."""

    def plan(*changes: Change) -> list[tuple[str, int]]:
        runs: list[tuple[str, int]] = []

        async def fake(app: RyzeConsole, words: list[str], text: str, name: str, line: int = 1) -> Returned:
            runs.append((text, line))
            made = changes[len(runs) - 1](text)
            return made if isinstance(made, Returned) else Returned(made)

        monkeypatch.setattr(editor, "edit", fake)
        monkeypatch.setenv("EDITOR", "sh")
        monkeypatch.delenv("VISUAL", raising=False)
        return runs

    return plan


def swap(old: str, new: str) -> Change:
    return lambda text: text.replace(old, new, 1)


async def test_it_is_shown_masked_and_copied_without_the_secret(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(RyzeConsole, "copy_to_clipboard", lambda _app, text: copied.append(text))
    async with opened(size=(80, 24)) as (app, account, pilot):
        await edit(app, account, pilot, "webhook", FakeBlocks())
        await pilot.press("J")
        await until(pilot, lambda: '"url": "https://hooks.acme.com/wa"' in screen_text(app))
        assert '"authorization": "••••••••"' in screen_text(app) and "abc123" not in screen_text(app)
        await pilot.press("y")
        await until(pilot, lambda: "No secret is in it" in screen_text(app))
        assert "authorization" not in copied[0] and '"label": "default"' in copied[0]
        await pilot.press("s")
        await until(pilot, lambda: '"authorization": "Bearer abc123"' in screen_text(app))
        await pilot.press("y")
        await until(pilot, lambda: "with the secret in it" in screen_text(app))
        assert "Bearer abc123" in copied[1]
        await pilot.press("s")
        await until(pilot, lambda: "abc123" not in screen_text(app))


async def test_a_hidden_secret_is_absent_with_a_remark(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        await edit(app, account, pilot, "s3", FakeBlocks())
        await pilot.press("J")
        await until(pilot, lambda: "Secret key: stored, told by no server" in screen_text(app))
        assert "secretKey" not in screen_text(app)
        await pilot.press("s")
        await until(pilot, lambda: "no secret in it that could be shown" in screen_text(app))


async def test_what_a_clipboard_cannot_take_is_not_copied(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ryze_tui.console.screens.blockjson.CLIPBOARD", 100)
    monkeypatch.setattr(RyzeConsole, "copy_to_clipboard", lambda _app, text: pytest.fail(text))
    async with opened(size=(80, 24)) as (app, account, pilot):
        await edit(app, account, pilot, "webhook", FakeBlocks())
        await pilot.press("J", "y")
        await until(pilot, lambda: "more than a terminal's clipboard takes" in screen_text(app))


async def test_hostile_and_long_values_are_shown_whole_and_harmless(opened: Open) -> None:
    server = FakeBlocks()
    server.rows["default"]["url"] = "https://a.co/" + "x" * 500 + "\u202eend"
    async with opened(size=(80, 24)) as (app, account, pilot):
        await edit(app, account, pilot, "webhook", server)
        await pilot.press("J")
        await until(pilot, lambda: "xxxend" in screen_text(app))
        assert "\u202e" not in screen_text(app) and "↓" in screen_text(app)
        await pilot.press("end")
        await until(pilot, lambda: '"mediaBase64": false' in screen_text(app))


async def test_what_comes_back_is_in_the_form_and_not_sent(opened: Open, returns: Callable[..., list[tuple[str, int]]]) -> None:
    server = FakeBlocks()
    returns(swap("https://hooks", "https://other"))
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await into(screen, pilot, "url")
        await pilot.press("end", "2", "escape", "J")
        await until(pilot, lambda: "wa2" in screen_text(app))  # as the form holds it
        await pilot.press("E")
        await until(pilot, lambda: "1 field is in the form" in screen_text(app))
        assert server.sent == [] and screen.dirty and screen.form is not None
        assert screen.form.control("url").value == "https://other.acme.com/wa2"  # type: ignore[attr-defined]
        await save(app, screen, pilot)
        await until(pilot, lambda: bool(server.sent))
    assert server.rows["default"]["url"] == "https://other.acme.com/wa2"


async def test_it_is_opened_again_at_the_line(opened: Open, returns: Callable[..., list[tuple[str, int]]]) -> None:
    wrong, right = '"instance.sate"', '"call.update"'
    runs = returns(swap('"instance.state"', wrong), swap(wrong, right))
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", FakeBlocks())
        await pilot.press("E")
        await until(pilot, lambda: "“instance.sate” is none of the events" in screen_text(app))
        await pilot.press("escape", "ctrl+q", "t")  # what was written is not thrown away by a key too many
        assert isinstance(app.screen, FaultsScreen) and not screen.dirty
        await pilot.press("o")
        await until(pilot, lambda: screen.dirty)
        assert [line for _text, line in runs] == [1, 9] and wrong in runs[1][0]


async def test_discarding_leaves_the_form_as_it_was(opened: Open, returns: Callable[..., list[tuple[str, int]]]) -> None:
    returns(lambda _text: "{")
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", FakeBlocks())
        await pilot.press("E")
        await until(pilot, lambda: "closing bracket is missing" in screen_text(app))
        await pilot.press("d")
        await until(pilot, lambda: app.screen is screen and "Discarded" in screen_text(app))
        assert not screen.dirty


async def test_a_value_that_the_form_refuses_may_be_taken(opened: Open, returns: Callable[..., list[tuple[str, int]]]) -> None:
    returns(swap('"1080"', '"99999"'))
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "proxy", FakeBlocks())
        await pilot.press("E")
        await until(pilot, lambda: "all the same" in screen_text(app))
        await pilot.press("t")
        await until(pilot, lambda: screen.dirty and "A number from 1 to 65535" in screen_text(app))


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (Returned(problem="vi ended with 1: nothing was taken from it."), "ended with 1"),
        (None, "left the text as it was"), ("reformatted", "Nothing in it is different"),
    ],
)  # fmt: skip
async def test_nothing_new_changes_nothing_and_says_so(
    opened: Open, returns: Callable[..., list[tuple[str, int]]], back: Returned | str | None, words: str
) -> None:
    returns(lambda text: back if isinstance(back, Returned) else text if back is None else text.replace("  ", ""))
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", FakeBlocks())
        await pilot.press("E")
        await until(pilot, lambda: words in screen_text(app))
        assert not screen.dirty


async def test_read_only_shows_and_edits_nothing(opened: Open, returns: Callable[..., list[tuple[str, int]]]) -> None:
    runs = returns()
    async with opened(size=(80, 24)) as (app, account, pilot):
        account.read_only = True
        await edit(app, account, pilot, "webhook", FakeBlocks())
        await pilot.press("J")
        await until(pilot, lambda: isinstance(app.screen, JsonScreen))
        await pilot.press("E")
        await until(pilot, lambda: "read-only" in screen_text(app))
        assert runs == []


async def test_letters_in_a_field_are_text(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", FakeBlocks())
        await into(screen, pilot, "url")
        await pilot.press("end", "J", "E")
        await until(pilot, lambda: "waJE" in screen_text(app))
        assert app.screen is screen


# -- which editor ------------------------------------------------------------------------------------------------------


def test_the_editor_is_the_persons_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("vi", "nano", "my-editor"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert editor_of({"VISUAL": "my-editor --wait 'a b'", "EDITOR": "vi"}) == ["my-editor", "--wait", "a b"]
    assert editor_of({"VISUAL": " ", "EDITOR": "vi"}) == ["vi"]
    assert editor_of({}) == ["nano"]
    (tmp_path / "nano").unlink()
    assert editor_of({}) == ["vi"]
    (tmp_path / "vi").unlink()
    for environment, words in (
        ({}, "set EDITOR"), ({"EDITOR": "nothing-here -x"}, "no such program"), ({"VISUAL": "my-editor 'a"}, "quote without"),
    ):  # fmt: skip
        found = editor_of(environment)
        assert isinstance(found, str) and words in found
    hostile = editor_of({"EDITOR": "\x1b[31mx"})
    assert isinstance(hostile, str) and "\x1b" not in hostile


def test_a_line_is_for_editors_that_know_it() -> None:
    path = Path("/tmp/x.json")
    assert command(["/usr/bin/vim", "-n"], path, 7) == ["/usr/bin/vim", "-n", "+7", "/tmp/x.json"]
    assert command(["vim"], path) == ["vim", "/tmp/x.json"]
    assert command(["code", "--wait"], path, 7) == ["code", "--wait", "/tmp/x.json"]




async def test_keys_that_interrupt_are_nobodys_while_the_terminal_changes_hands(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ctrl+\\ between our leaving the terminal and the editor's taking it would kill us, and what is typed."""
    safe: list[bool] = []

    @contextlib.contextmanager
    def suspend() -> Iterator[None]:
        def look() -> None:
            safe.append(all(signal.getsignal(number) is not signal.SIG_DFL for number in (signal.SIGINT, signal.SIGQUIT)))

        look()
        yield
        look()

    async with opened() as (app, _account, _pilot):
        before = signal.getsignal(signal.SIGQUIT)
        monkeypatch.setattr(app, "suspend", suspend)
        assert await editor._run(app, ["true"]) == 0
        assert safe == [True, True] and signal.getsignal(signal.SIGQUIT) is before
