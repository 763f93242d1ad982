"""Marks and bulk by keyboard: what is marked is what is done, a plan first, pause, retry, hide, quit, and go on another day."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ryze_tui.api.errors import Refused
from ryze_tui.api.instance import Instance
from ryze_tui.console.accounts import Place
from ryze_tui.console.app import RyzeConsole
from ryze_tui.console.screens.bulkplan import PlanScreen
from ryze_tui.console.screens.bulkrun import BulkScreen
from ryze_tui.operations.bulk.plan import Pace
from ryze_tui.operations.bulk.record import Record, held, path_of, read
from textual.geometry import Region
from textual.pilot import Pilot

from .bulks import BulkServer, records
from .conftest import Open, screen_text, until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ryze_tui.console.bulking.GENTLE", Pace(1000.0, 5, 0.0))


def words(app: RyzeConsole) -> str:
    return " ".join(screen_text(app).replace("│", " ").split())


def marked(app: RyzeConsole) -> list[str]:
    return [line[3:].split()[0] for line in screen_text(app).split("\n") if line.startswith("✓")]


async def at(app: RyzeConsole, pilot: Pilot[int], *names: str) -> None:
    """Mark these."""
    for name in names:
        app.main.select(name)
        await pilot.press("space")


async def opens(app: RyzeConsole, pilot: Pilot[int], kind: type, *keys: str) -> None:
    await pilot.press(*keys)
    await until(pilot, lambda: isinstance(app.screen, kind))
    await pilot.pause()


# -- marks -------------------------------------------------------------------------------------------------------------


async def test_space_marks_and_moves_on_and_again_unmarks(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        first = app.main.instances.current_name
        await pilot.press("space", "space")
        assert marked(app) == [first, "sales"] and "12 of 12 · 2 marked" in screen_text(app)
        assert app.main.instances.current_name not in marked(app)
        await pilot.press("up", "space")
        assert marked(app) == [first]
        await pilot.press("escape")
        assert marked(app) == [] and "marked" not in screen_text(app)


async def test_marks_outlive_filter_and_order_and_go_with_their_instance(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        await at(app, pilot, "vip", "zeta")
        await pilot.press("slash", *"vip", "enter")
        assert marked(app) == ["vip"] and "2 marked, 1 of them not shown" in screen_text(app)
        await pilot.press("slash", "escape", "s")
        assert set(marked(app)) == {"vip", "zeta"}
        account.load()
        account.vanish("zeta")
        await until(pilot, lambda: "1 marked" in screen_text(app))
        assert marked(app) == ["vip"]
        account.vanish("vip")
        await until(pilot, lambda: not app.main.marks)


async def test_all_shown_and_a_range(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        await pilot.press("slash", *"sup", "enter", "asterisk")
        assert marked(app) == ["support", "support-night"]
        await pilot.press("asterisk")
        assert marked(app) == []
        await pilot.press("escape", "home")
        names = app.main.instances.names
        await pilot.press("V", "down", "down", "down", "up")
        assert marked(app) == names[:3] and "range" in screen_text(app)
        await pilot.press("V", "down")
        assert marked(app) == names[:3], "moving only moves again"
        await pilot.press("V", "end", "escape")
        assert marked(app) == names[:3], "a range is taken back"


async def test_many_marks_are_not_thrown_away_unasked(opened: Open) -> None:
    async with opened(size=(80, 24), load=False) as (app, account, pilot):
        account.load([Instance(f"sim-{index:03}", state="connected") for index in range(40)])
        await until(pilot, lambda: "40 of 40" in screen_text(app))
        await pilot.press("V", *["down"] * 24, "V", "escape")
        await until(pilot, lambda: "Take all 25 marks away?" in screen_text(app))
        await pilot.press("enter")  # Cancel
        assert len(app.main.marks) == 25
        await pilot.press("asterisk", "escape")
        assert not app.main.marks, "one key gives all of them back"


async def test_a_mark_draws_one_line_again(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        await pilot.press("end")
        drawn: list[Region] = []
        whole = app.main.instances.refresh
        monkeypatch.setattr(app.main.instances, "refresh", lambda *regions: (drawn.extend(regions), whole(*regions)))
        await pilot.press("space")
        await pilot.pause()
        assert [(region.width, region.height) for region in drawn] == [(3, 1)]


# -- plan and run ------------------------------------------------------------------------------------------------------


async def test_a_key_with_marks_is_for_the_marked_ones_and_says_so(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        server = BulkServer(account)
        await at(app, pilot, "support", "ops", "sales")
        app.main.select("zeta")
        await opens(app, pilot, PlanScreen, "r")
        assert "Reconnect 2 instances" in words(app) and "2 of the 3 that are marked" in words(app)
        assert "Left out: 1" in words(app) and "a new QR is needed" in words(app)
        await pilot.press("enter")  # Cancel has the focus
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert server.did == []
        await opens(app, pilot, PlanScreen, "r")
        await opens(app, pilot, BulkScreen, "y")
        await until(pilot, lambda: "2/2" in screen_text(app) and "It is over" in screen_text(app))
        assert server.did == [("reconnect", "support"), ("reconnect", "ops")]
        assert account.model.rows["ops"].state == "connected"
        await pilot.press("escape", "escape")
        assert not app.main.marks
        await opens(app, pilot, BulkScreen, "B")
        assert "2 done" in screen_text(app), "what came of it can be read until the next one"


async def test_what_became_senseless_while_the_plan_was_read_is_left_out(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        server = BulkServer(account)
        await at(app, pilot, "support", "vip", "sales")
        await opens(app, pilot, PlanScreen, "r")
        account.turn("vip", "banned")
        account.turn("sales", "connected")
        await opens(app, pilot, BulkScreen, "y")
        await until(pilot, lambda: "It is over" in screen_text(app))
        assert server.names == ["support"]


async def test_logging_out_asks_for_the_count(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        server = BulkServer(account)
        await at(app, pilot, "support", "vip")
        await opens(app, pilot, PlanScreen, "x")
        await pilot.press("enter", "1", "enter")
        assert "Type 2 to go on" in words(app) and server.did == []
        await opens(app, pilot, BulkScreen, "backspace", "2", "enter")
        await until(pilot, lambda: "It is over" in screen_text(app))
        assert server.did == [("logout", "support"), ("logout", "vip")]


async def test_a_proxy_for_many_with_its_password(opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(size=(120, 40)) as (app, account, pilot):
        server = BulkServer(account)
        for name in ("vip", "zeta"):
            server.blocks[name].held["proxy"] = None
        await at(app, pilot, "vip", "zeta", "support")
        app.main.select("support")
        await pilot.press("B")
        await until(pilot, lambda: "of support" in words(app))
        await opens(app, pilot, PlanScreen, "p")
        assert "proxy.acme.com" in words(app) and "replaced as a whole" in words(app) and "typed below" in words(app)
        await pilot.press("enter")
        assert "has to be typed again" in words(app) and server.did == []
        await opens(app, pilot, BulkScreen, *"hunter2-secret", "enter")
        await until(pilot, lambda: "It is over" in screen_text(app))
        assert server.did == [("proxy", "vip"), ("proxy", "zeta")]
        assert all(server.blocks[name].secrets["proxy"] == {"password": "hunter2-secret"} for name in ("vip", "zeta"))
        await pilot.press("o", "y")
        saved = next(tmp_path.glob("*.ndjson"))
        assert saved.stat().st_mode & 0o777 == 0o600 and app.clipboard == saved.read_text()
        results = {line["instance"]: line["result"] for line in map(json.loads, saved.read_text().splitlines())}
        assert results == {"vip": "done", "zeta": "done", "support": "skipped"}
        for text in (screen_text(app), saved.read_text(), records(tmp_path)):
            assert "hunter2" not in text


async def test_which_of_two_webhooks(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        server = BulkServer(account)
        server.blocks["vip"].rows.clear()
        await at(app, pilot, "vip")
        app.main.select("support")
        await pilot.press("B")
        await until(pilot, lambda: "of support" in words(app))
        await pilot.press("h")
        await until(pilot, lambda: "Which webhook of support?" in words(app))
        await opens(app, pilot, PlanScreen, "2")
        assert 'Apply the webhook "crm" of support to 1 instance' in words(app) and "abc123" not in screen_text(app)
        await opens(app, pilot, BulkScreen, "y")
        await until(pilot, lambda: "It is over" in screen_text(app))
        assert server.blocks["vip"].rows["crm"] == server.blocks["support"].rows["crm"]


async def test_equal_failures_pause_it_and_f_tries_again(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        server = BulkServer(account)
        names = ["support", "vip", "zeta", "returns", "crm-eu"]
        why = "no free slot, and as many words as a proxy's refusal has, which is more than two lines take"
        server.fails = {name: Refused(why, status=503) for name in names}
        await at(app, pilot, *names)
        await opens(app, pilot, PlanScreen, "r", "less_than_sign", "less_than_sign", "less_than_sign")
        await opens(app, pilot, BulkScreen, "y")
        await until(pilot, lambda: "Paused after 3 equal failures" in words(app))
        assert len(server.did) < 5 and "no free slot" in words(app)
        assert "space goes on; f with the failed ones too." in words(app)  # also where the reason is long
        await pilot.press("enter")
        await until(pilot, lambda: "esc closes" in words(app))
        assert "failed · HTTP 503" in words(app)
        server.fails.clear()
        await pilot.press("escape", "f")
        await until(pilot, lambda: "It is over" in screen_text(app))
        assert "5 done" in screen_text(app) and "failed" not in screen_text(app).split("──")[0]


async def test_hidden_it_goes_on_and_its_end_is_told(opened: Open) -> None:
    async with opened(size=(120, 40)) as (app, account, pilot):
        server = BulkServer(account)
        server.gate.clear()
        await at(app, pilot, "support", "vip")
        await opens(app, pilot, PlanScreen, "r")
        await opens(app, pilot, BulkScreen, "y")
        await until(pilot, lambda: len(server.did) == 2)
        await pilot.press("escape")
        assert "Reconnect 0/2" in screen_text(app)
        await pilot.press("r")
        await until(pilot, lambda: "A bulk is under way: B shows it." in words(app))
        server.gate.set()
        await until(pilot, lambda: "Reconnect: 2 done. B shows the results." in words(app))
        await until(pilot, lambda: "Reconnect 2/2" not in screen_text(app))


async def test_without_the_server_it_pauses_and_says_when_it_is_back(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        server = BulkServer(account)
        server.gate.clear()
        await at(app, pilot, "support", "vip", "zeta")
        await opens(app, pilot, PlanScreen, "r", *["less_than_sign"] * 4)
        await opens(app, pilot, BulkScreen, "y")
        await until(pilot, lambda: server.did)
        account.set_link("offline", message="127.0.0.1:9 refuses connections.")
        await until(pilot, lambda: "Paused: 127.0.0.1:9 refuses connections. space goes on." in words(app))
        server.gate.set()
        await until(pilot, lambda: "1 done" in screen_text(app))
        account.set_link("live")
        await until(pilot, lambda: "The server is back. space goes on." in words(app))
        assert len(server.did) == 1
        await pilot.press("space")
        await until(pilot, lambda: "3 done" in screen_text(app))


async def test_read_only_says_why_nothing_can_be_done(opened: Open) -> None:
    async with opened(size=(120, 40), read_only=True) as (app, account, pilot):
        server = BulkServer(account)
        await at(app, pilot, "support")
        await pilot.press("r")
        await until(pilot, lambda: "read-only" in words(app))
        await pilot.press("B")
        await until(pilot, lambda: "1 marked instance" in words(app))
        await pilot.press("r", "w")
        await pilot.pause()
        assert not isinstance(app.screen, PlanScreen) and server.did == []


async def test_nothing_marked_is_said(opened: Open) -> None:
    async with opened(size=(120, 40)) as (app, account, pilot):
        BulkServer(account)
        await pilot.press("B")
        await until(pilot, lambda: "Nothing is marked: space marks the row under the cursor" in words(app))


# -- leaving and going on ----------------------------------------------------------------------------------------------


async def broken_off(opened: Open, *keys: str) -> list[str]:
    """Quit in the middle of a bulk of four; which were sent."""
    async with opened(size=(80, 24)) as (app, account, pilot):
        server = BulkServer(account)
        await at(app, pilot, "support", "vip", "zeta", "returns")
        server.gate.clear()
        await opens(app, pilot, PlanScreen, *(keys or ("r",)), *["less_than_sign"] * 4)
        await opens(app, pilot, BulkScreen, "y")
        await until(pilot, lambda: server.did)
        await pilot.press("escape", "q")
        await until(pilot, lambda: "4 instances are not done yet" in words(app))
        await pilot.press("enter")  # Cancel
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await pilot.press("q")
        await until(pilot, lambda: "goes on with it" in words(app) or "go on with it" in words(app))
        await pilot.press("y")
        await until(pilot, lambda: not app.is_running or app._exit)
        return server.names


async def test_quitting_in_the_middle_and_going_on_at_the_next_start(opened: Open) -> None:
    sent = await broken_off(opened)
    assert sent == ["support"]
    async with opened(size=(80, 24), load=False) as (app, account, pilot):
        server = BulkServer(account)
        account.load()
        await until(pilot, lambda: "4 instances are left" in words(app))
        assert server.did == [], "nothing goes on by itself"
        await at(app, pilot, "ops")
        await pilot.press("r")
        await until(pilot, lambda: "An earlier bulk is unfinished" in words(app))
        await opens(app, pilot, PlanScreen, "B")
        assert "1 was under way then" in words(app)
        await opens(app, pilot, BulkScreen, "y")
        await until(pilot, lambda: "It is over" in screen_text(app))
        assert server.names == ["vip", "zeta", "returns"], "support was connected when it was looked at"
        await pilot.press("escape")
        assert "left" not in screen_text(app).split("\n")[1]


async def test_it_is_not_gone_on_with_before_the_list_is_there(opened: Open) -> None:
    await broken_off(opened)
    async with opened(size=(80, 24), load=False) as (app, account, pilot):
        server = BulkServer(account)
        await opens(app, pilot, PlanScreen, "B")
        assert "Waiting for the server's list" in words(app)
        await pilot.press("y", "enter")
        await pilot.pause()
        assert server.did == [] and not isinstance(app.screen, BulkScreen)


async def test_another_account_breaks_it_off_and_leaves_it_unfinished(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        server = BulkServer(account)
        server.gate.clear()
        await at(app, pilot, "support", "vip")
        await opens(app, pilot, PlanScreen, "r")
        await opens(app, pilot, BulkScreen, "y")
        await until(pilot, lambda: len(server.did) == 2)
        await pilot.press("escape")
        before = app.main.bulking
        app.accounts.open(Place("http://127.0.0.1:8", "another-token-0123456789"))
        await until(pilot, lambda: app.account is not account and not left_running(app))
        await until(pilot, lambda: before is not None and before._timer is None)  # it has drawn for the last time
        assert app.main.bulking is None and app.main.title_line.bulk == "" and not app.main.marks
        path = path_of(server.base, server.token)
        assert path is not None and read(path) is not None and not held(path)


def left_running(app: RyzeConsole) -> list[str]:
    """Workers of accounts, but the one that keeps the present one true."""
    return [worker.name for worker in app.workers if worker.group == "account" and not worker.is_finished][1:]


async def test_an_unfinished_one_can_be_forgotten(opened: Open) -> None:
    await broken_off(opened)
    async with opened(size=(80, 24), load=False) as (app, account, pilot):
        BulkServer(account)
        account.load()
        await until(pilot, lambda: "4 instances are left" in words(app))
        app.clear_notifications()  # what says so lies over the line that goes on saying it
        await until(pilot, lambda: "4 left" in words(app))
        await opens(app, pilot, PlanScreen, "B")
        await pilot.press("F")
        await until(pilot, lambda: "4 left" not in words(app))
    async with opened(size=(80, 24), load=False) as (app, account, pilot):
        assert not BulkServer(account).account.bulk_left


async def test_going_on_with_another_proxy_than_it_began_with_is_warned_of(opened: Open) -> None:
    async with opened(size=(120, 40)) as (app, account, pilot):
        server = BulkServer(account)
        server.blocks["vip"].held["proxy"] = None
        await at(app, pilot, "vip")
        app.main.select("support")
        await pilot.press("B")
        await until(pilot, lambda: "of support" in words(app))
        await opens(app, pilot, PlanScreen, "p")
        from ryze_tui.operations.bulk.desk import digest
        from ryze_tui.operations.bulk.plan import Entry, Job

        job = Job("apply", ("vip",), "proxy", source="support")
        held = dict(server.blocks["support"].held["proxy"] or {})
        kept = Record(path_of(server.base, server.token))
        kept.begin(job, [Entry("vip")], at=1.79e9, digest=digest(job, held | {"host": "other.acme.com"}))
        kept.close()
    async with opened(size=(120, 40), load=False) as (app, account, pilot):
        server = BulkServer(account)
        server.blocks["vip"].held["proxy"] = None
        account.load()
        await until(pilot, lambda: "1 left" in words(app) or "was broken off" in words(app))
        await opens(app, pilot, PlanScreen, "B")
        assert "support holds something else than when it began" in words(app)
        await opens(app, pilot, BulkScreen, *"secret-again", "enter")
        await until(pilot, lambda: "It is over" in screen_text(app))
        assert server.blocks["vip"].secrets["proxy"] == {"password": "secret-again"}


async def test_another_console_runs_one(opened: Open) -> None:
    async with opened(size=(120, 40)) as (app, account, pilot):
        server = BulkServer(account)
        other = Record(path_of(server.base, server.token))
        await at(app, pilot, "support")
        await pilot.press("r")
        await until(pilot, lambda: "Another ryze-tui runs a bulk of this account now" in words(app))
        other.close()
        await opens(app, pilot, PlanScreen, "r")


def test_nothing_of_bulk_is_imported_with_the_console() -> None:
    code = "import sys, ryze_tui.console.app, ryze_tui.console.verbs; print([m for m in sys.modules if 'bulk' in m])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_marks_of_ten_thousand() -> None:
    from ryze_tui.console.panes.marks import Marks

    names, marks = [f"n{index}" for index in range(10_000)], Marks()
    marks.all(names)
    assert len(marks) == 10_000 and marks.hidden(set(names[:9_990])) == 10
    marks.all(names[:5])
    assert len(marks) == 9_995
    marks.discard(names)
    assert not marks


