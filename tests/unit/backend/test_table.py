"""The whole table of the lifecycle, written out: a changed cell turns a test red."""

from __future__ import annotations

import pytest
from ryze_tui.api import states
from ryze_tui.backend.table import (
    DEADLINE,
    HAPPENINGS,
    OPERATIONS,
    STATE,
    Happening,
    Operation,
    Stage,
    decide,
    follow,
)

STAGES = ["new", "idle", "asking", "scanning", "linking", "dialling", "connected", "loggedout", "banned"]

# What an operation does; `a/b`: with a session saved / without.
DO = {
    "connect": "pair pair pair pair wait pair already pair pair",
    "reconnect": "nosession dial dial/nosession dial/nosession dial dial dial nosession dial/nosession",
    "logout": "logout logout logout logout logout logout logout already logout",
    "delete": "delete delete delete delete delete delete delete delete delete",
}

# What follows with a session saved: the next stage, = for unchanged, . for ignored; ! an event goes out.
FOLLOW = {
    "connected": ". connected! . . connected! connected! . . connected!",
    "qr_ready": ". . scanning! scanning! . . . . .",
    "pair_success": ". . linking! linking! . . . . .",
    "manual_reconnect": ". dialling! . . dialling! = dialling! . .",
    "pair_error": ". . =! =! . . . . .",
    "qr_scanned_no_multidevice": ". . =! =! . . . . .",
    "disconnected": ". =! idle! idle! idle! idle! idle! . .",
    "stream_error": ". =! idle! idle! idle! idle! idle! . .",
    "stream_replaced": ". =! idle! idle! idle! idle! idle! . .",
    "client_outdated": ". =! idle! idle! idle! idle! idle! . .",
    "connect_failure": ". =! idle! idle! idle! idle! idle! . .",
    "cat_refresh_error": ". =! idle! idle! idle! idle! idle! . .",
    "logged_out": ". loggedout! . . loggedout! loggedout! loggedout! . loggedout!",
    "temp_banned": ". banned! . . banned! banned! banned! . banned!",
    "keepalive_timeout": ". . . . . . =! . .",
    "keepalive_restored": ". . . . . . =! . .",
    "pair_code": ". . scanning scanning . . . . .",
    "profile": ". . . . . . connected . .",
    "message.exchange": ". . . . . . =! . .",
    "call.update": ". . . . . . =! . .",
    "message.status": ". . . . . . =! . .",
    "group.flow": ". . . . . . =! . .",
    "label.update": ". . . . . . =! . .",
    "deadline": ". . idle! idle! idle! idle! . . .",
}

STATES = {
    "new": "disconnected", "idle": "disconnected", "asking": "connecting", "scanning": "connecting", "linking": "connecting",
    "dialling": "connecting", "connected": "connected", "loggedout": "loggedout", "banned": "banned",
}


def test_every_stage_operation_and_happening_is_in_the_table() -> None:
    assert [str(stage) for stage in Stage] == STAGES
    assert {str(operation) for operation in Operation} == set(DO) == {str(operation) for operation in OPERATIONS}
    assert {str(happening) for happening in Happening} == set(FOLLOW) == {str(happening) for happening in HAPPENINGS}
    assert all(set(row) == set(Stage) for row in (*OPERATIONS.values(), *HAPPENINGS.values()))


@pytest.mark.parametrize("operation", DO)
def test_what_an_operation_does(operation: str) -> None:
    for stage, cell in zip(Stage, DO[operation].split(), strict=True):
        saved, _, none = cell.partition("/")
        assert decide(Operation(operation), stage, True).replace(" ", "") == saved, stage
        assert decide(Operation(operation), stage, False).replace(" ", "") == (none or saved), stage


@pytest.mark.parametrize("happening", FOLLOW)
def test_what_follows(happening: str) -> None:
    for stage, cell in zip(Stage, FOLLOW[happening].split(), strict=True):
        to = follow(Happening(happening), stage, True)
        shown = str(to.stage) if to.stage is not None else ("=" if to.tell or to.renew else ".")
        assert shown + ("!" if to.tell else "") == cell, stage


def test_a_fall_without_a_session_ends_in_new() -> None:
    for happening in Happening:
        for stage in Stage:
            saved, none = follow(happening, stage, True), follow(happening, stage, False)
            assert none == (saved._replace(stage=Stage.NEW) if saved.stage is Stage.IDLE else saved)


def test_stages_are_the_five_states() -> None:
    assert {str(stage): state for stage, state in STATE.items()} == STATES
    assert set(STATE.values()) == set(states.STATES)


def test_everything_that_passes_by_itself_has_a_deadline() -> None:
    assert {str(stage): seconds for stage, (seconds, _) in DEADLINE.items()} == {
        "asking": 60, "scanning": 190, "linking": 60, "dialling": 90,
    }
    assert {stage for stage, state in STATE.items() if state == "connecting"} == set(DEADLINE)


def test_event_words_mean_the_stage_that_they_lead_to() -> None:
    """What an event says to a client (contract §5.6) is what the server then answers."""
    for happening in Happening:
        if happening in states.EVENT_WORDS:
            for stage in Stage:
                to = follow(happening, stage, True)
                if to.tell and (meaning := states.from_event(happening).state):
                    assert STATE[to.stage or stage] == meaning, (happening, stage)


def test_a_deadline_starts_again_where_a_new_code_or_a_new_dial_is_told() -> None:
    renewed = {(str(happening), str(stage)) for happening in Happening for stage in Stage if follow(happening, stage, True).renew}
    codes = {("qr_ready", "asking"), ("qr_ready", "scanning")}
    assert renewed - codes == {("manual_reconnect", "dialling")} and codes <= renewed
