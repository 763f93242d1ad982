"""The pairing state machine: stories as tables, and the one promise as a property."""

# ruff: noqa: E501 (a story reads as one line of a table)

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ryze_tui.pairing.flow import CODES_MOST, FINAL, STAGES, Flow, View

SIX = tuple(f"2@code{n}" for n in range(1, 7))


def drive(*steps: tuple[Any, ...], number: str = "", state: str = "disconnected") -> tuple[Flow, list[tuple[float, str]]]:
    """Play (second, what, arguments) against a flow that began at 0; returns it and the wishes it made, with their times."""
    flow = Flow(0.0, number=number, state=state)
    wishes = [(0.0, wish) for wish in flow.take_wishes()]
    for at, what, *arguments in steps:
        keywords = arguments.pop() if arguments and isinstance(arguments[-1], dict) else {}
        if what in ("tick", "renew"):
            getattr(flow, what)(float(at))
        elif what == "cancel":
            flow.cancel()
        elif what in ("event", "refused", "read_failed"):
            getattr(flow, what)(arguments[0], float(at), **keywords)
        else:
            getattr(flow, what)(float(at), **keywords)
        wishes += [(float(at), wish) for wish in flow.take_wishes()]
    return flow, wishes


QR_READY = ("event", "qr_ready", {"codes": SIX})
ONE = ("answered", {"qr": "2@one"})
STORIES: dict[str, tuple[list[tuple[Any, ...]], dict[str, Any], float, dict[str, Any], list[tuple[float, str]]]] = {
    # name: (steps, options, look at second, expected of the view, wishes after the first connect)
    "asking at first": ([], {}, 0, {"stage": "asking", "code": ""}, []),
    "codes before the answer": ([(1, *QR_READY)], {}, 1, {"stage": "qr", "code": SIX[0], "index": 1, "total": 6}, []),
    "the first code lives 60 s": ([(1, *QR_READY)], {}, 60.9, {"code": SIX[0], "expires_at": 61.0}, []),
    "then the second, without a call": ([(1, *QR_READY)], {}, 61, {"code": SIX[1], "index": 2, "expires_at": 81.0}, []),
    "the last": ([(1, *QR_READY), (150, "tick")], {}, 150, {"code": SIX[5], "index": 6, "expires_at": 161.0}, []),
    "all codes are dead": ([(1, *QR_READY), (161, "tick")], {}, 161, {"stage": "renewing", "code": ""}, [(161, "list")]),
    "six are enough": (
        [(1, *QR_READY), (1.2, "answered", {"qr": SIX[0]}), (161, "tick"), (162, "read", {"state": "disconnected"})], {}, 162,
        {"stage": "ended", "message": "no phone scanned the code"}, [(161, "list")],
    ),
    "an answer alone lives 20 s": ([(2, *ONE)], {}, 21.9, {"stage": "qr", "code": "2@one", "index": 0, "total": 0}, []),
    "one code, and the server says how long it lives": (
        [(1, "event", "qr_ready", {"codes": ("2@one",), "seconds": 60.0}), (1.2, *ONE)], {}, 60.9,
        {"stage": "qr", "code": "2@one", "total": 0, "expires_at": 61.0}, [],
    ),
    "the same after the answer": (
        [(1, *ONE), (1.2, "event", "qr_ready", {"codes": ("2@one",), "seconds": 60.0})], {}, 60.9,
        {"stage": "qr", "code": "2@one", "expires_at": 61.0}, [],
    ),
    "its next code comes by itself, and is nobody's": (
        [(1, *ONE), (1.2, "event", "qr_ready", {"codes": ("2@one",), "seconds": 60.0}), (61, "tick"),
         (61.1, "event", "qr_ready", {"codes": ("2@two",), "seconds": 20.0})], {}, 62,
        {"stage": "qr", "code": "2@two", "message": "", "expires_at": 81.1}, [(61, "list")],
    ),
    "then a list": ([(2, *ONE), (22, "tick")], {}, 22, {"stage": "renewing", "code": ""}, [(22, "list")]),
    "then one connect": (
        [(2, *ONE), (22, "tick"), (23, "read", {"state": "connecting"})], {}, 23, {"stage": "renewing", "code": ""},
        [(22, "list"), (23, "connect")],
    ),
    "no connect while the phone links": (
        [(2, *ONE), (22, "tick"), (23, "read", {"state": "connecting", "number": "5511"}), (27.9, "tick")], {}, 27.9,
        {"stage": "renewing"}, [(22, "list")],
    ),
    "after the grace it looks again": (
        [(2, *ONE), (22, "tick"), (23, "read", {"state": "connecting", "number": "5511"}), (28, "tick"),
         (29, "read", {"state": "connecting", "number": "5511"})], {}, 29, {"stage": "renewing"},
        [(22, "list"), (28, "list"), (29, "connect")],
    ),
    "success by a list": (
        [(2, *ONE), (22, "tick"), (23, "read", {"state": "connected", "number": "5511", "profile": "Acme"})], {}, 23,
        {"stage": "connected", "number": "5511", "profile": "Acme", "seconds": 23.0, "code": ""}, [(22, "list")],
    ),
    "success by an event": (
        [(1, *QR_READY), (9, "event", "pair_success", {"number": "5511"}), (10, "event", "connected", {})], {}, 10,
        {"stage": "connected", "number": "5511", "seconds": 10.0, "code": ""}, [],
    ),
    "a scanned code is gone at once": (
        [(1, *QR_READY), (9, "event", "pair_success", {"number": "5511"})], {}, 9, {"stage": "linking", "code": ""}, [],
    ),
    "success by a poll": (
        [(2, *ONE), (9, "row", {"state": "connected", "as_of": 8.0, "number": "5511"})], {}, 9, {"stage": "connected"}, [],
    ),
    "an old list is no success": (
        [(2, *ONE), (9, "row", {"state": "connected", "as_of": 1.0})], {"state": "connected"}, 9, {"stage": "qr"}, [],
    ),
    "nor is a list while asking": (
        [(1, "row", {"state": "connected", "as_of": 0.5})], {"state": "connected"}, 1, {"stage": "asking"}, [],
    ),
    "the server says it is connected": ([(1, "answered", {"connected": True})], {}, 1, {"stage": "connected"}, []),
    "the list of codes that the answer is from": (
        [(2, *ONE), (3, "event", "qr_ready", {"codes": ("2@one", "2@two")})], {}, 3,
        {"code": "2@one", "index": 1, "total": 2, "expires_at": 62.0}, [],
    ),
    "that list, told again after a gap": (
        [(2, *ONE), (9, "event", "qr_ready", {"codes": ("2@one", "2@two"), "live": False})], {}, 9,
        {"code": "2@one", "index": 1, "total": 2, "expires_at": 62.0}, [],
    ),
    "other codes told again after a gap": (
        [(2, *ONE), (9, "event", "qr_ready", {"codes": SIX, "live": False})], {}, 9, {"stage": "renewing", "code": ""}, [(9, "list")],
    ),
    "codes told again while asking": ([(2, "event", "qr_ready", {"codes": SIX, "live": False})], {}, 2, {"stage": "asking"}, []),
    "another operator's connect": (
        [(1, *QR_READY), (1.2, "answered", {"qr": SIX[0]}), (30, "event", "qr_ready", {"codes": ("2@x", "2@y")})], {}, 30,
        {"code": "2@x", "index": 1, "total": 2, "expires_at": 90.0, "message": "another connect replaced the code"}, [],
    ),
    "the answer of our connect beats older codes": ([(1, *QR_READY), (2, *ONE)], {}, 2, {"code": "2@one", "total": 0}, []),
    "a late answer of a connect that was replaced": (
        [(1, *QR_READY), (1.1, "event", "qr_ready", {"codes": ("2@x", "2@y")}), (1.2, "answered", {"qr": SIX[0]})], {}, 1.2,
        {"stage": "qr", "code": "2@x", "total": 2}, [],
    ),
    "the same codes again change nothing": (
        [(1, *QR_READY), (1.2, "answered", {"qr": SIX[0]}), (50, *QR_READY)], {}, 50, {"code": SIX[0], "expires_at": 61.0}, [],
    ),
    "the rest of the same codes": (
        [(1, *QR_READY), (1.2, "answered", {"qr": SIX[0]}), (61, "event", "qr_ready", {"codes": SIX[1:]})], {}, 62,
        {"code": SIX[1], "index": 2, "total": 6}, [],
    ),
    "connect fails": ([(5, "refused", "Failed to connect: proxy")], {}, 5, {"stage": "failed", "message": "Failed to connect: proxy"}, []),
    "a failed answer does not take codes away": ([(1, *QR_READY), (75, "refused", "timeout")], {}, 75, {"code": SIX[1]}, []),
    "the pairing fails": (
        [(1, *QR_READY), (1.2, "answered", {"qr": SIX[0]}), (9, "event", "pair_error", {"reason": "not allowed"})], {}, 9,
        {"stage": "failed", "message": "not allowed", "code": ""}, [],
    ),
    "banned": (
        [(1, *QR_READY), (9, "event", "temp_banned", {})], {}, 9, {"stage": "failed", "code": ""}, [],
    ),
    "the phone is too old": ([(1, *QR_READY), (9, "event", "qr_scanned_no_multidevice", {})], {}, 9, {"stage": "qr", "code": SIX[0]}, []),
    "the server drops the pairing": (
        [(1, *QR_READY), (1.2, "answered", {"qr": SIX[0]}), (9, "event", "disconnected", {"reason": "bye"})], {}, 9,
        {"stage": "renewing", "code": ""}, [],
    ),
    "and it ends": (
        [(1, *QR_READY), (1.2, "answered", {"qr": SIX[0]}), (9, "event", "disconnected", {"reason": "bye"}), (14, "tick"),
         (15, "read", {"state": "disconnected"})], {}, 15, {"stage": "ended", "message": "bye"}, [(14, "list")],
    ),
    "unless codes follow at once": (
        [(1, *QR_READY), (1.2, "answered", {"qr": SIX[0]}), (9, "event", "disconnected", {}),
         (10, "event", "qr_ready", {"codes": ("2@x", "2@y")}), (20, "tick")], {}, 20, {"stage": "qr", "code": "2@x"}, [],
    ),
    "what was there before ends while asking": ([(1, "event", "disconnected", {})], {"state": "connected"}, 1, {"stage": "asking"}, []),
    "WhatsApp restarts while linking": (
        [(1, *QR_READY), (9, "event", "pair_success", {}), (9.5, "event", "stream_error", {}), (10, "event", "connected", {})], {}, 10,
        {"stage": "connected"}, [],
    ),
    "linking that never ends": (
        [(1, *QR_READY), (1.2, "answered", {"qr": SIX[0]}), (9, "event", "pair_success", {}),
         *((t, what, *more) for n in range(4) for t, what, *more in
           [(24 + 15 * n, "tick"), (24 + 15 * n, "read", {"state": "connecting"})])], {}, 69,
        {"stage": "failed"}, [(24, "list"), (39, "list"), (54, "list")],
    ),
    "the instance is deleted": (
        [(2, *ONE), (22, "tick"), (23, "read", {"state": None})], {}, 23, {"stage": "failed", "message": "the instance is gone"},
        [(22, "list")],
    ),
    "a list that fails is asked again, no connect": (
        [(2, *ONE), (22, "tick"), (23, "read_failed", "no answer"), (25, "tick"), (26, "read_failed", "no answer"), (30, "tick")], {},
        30, {"stage": "renewing", "message": "no answer"}, [(22, "list"), (25, "list"), (30, "list")],
    ),
    "renew": ([(2, *ONE), (9, "renew")], {}, 12, {"stage": "asking", "code": "", "asked_at": 9.0}, [(9, "connect")]),
    "nothing is awaited after the answer": (
        [(2, *ONE), (9, "renew"), (12, *ONE)], {}, 12, {"stage": "qr", "asked_at": 0.0}, [(9, "connect")],
    ),
    "renew while asking asks once": ([(1, "renew")], {}, 1, {"stage": "asking"}, []),
    "renew after the end": ([(5, "refused", "no"), (9, "renew"), (10, *ONE)], {}, 10, {"stage": "qr", "code": "2@one"}, [(9, "connect")]),
    "cancel": ([(1, *QR_READY), (2, "cancel"), (3, "event", "qr_ready", {"codes": SIX})], {}, 3, {"stage": "ended", "code": ""}, []),
    "a pairing code": (
        [(2, "answered", {"code": "ABCD-1234"})], {"number": "5511"}, 100,
        {"stage": "code", "code": "ABCD-1234", "number": "5511", "expires_at": 160.0, "total": 0}, [],
    ),
    "our own echo": (
        [(1, *QR_READY), (2, "answered", {"code": "ABCD-1234"}), (4, *QR_READY)], {"number": "5511"}, 4,
        {"stage": "code", "code": "ABCD-1234"}, [],
    ),
    "another connect kills the pairing code": (
        [(2, "answered", {"code": "ABCD-1234"}), (30, *QR_READY)], {"number": "5511"}, 30, {"stage": "qr", "code": SIX[0]}, [],
    ),
    "a pairing code is not renewed by itself": (
        [(2, "answered", {"code": "ABCD-1234"}), (160, "tick"), (161, "read", {"state": "connecting"})], {"number": "5511"}, 161,
        {"stage": "ended", "message": "the pairing code has expired", "code": ""}, [(160, "list")],
    ),
    "success after the end still counts": (
        [(5, "refused", "timeout"), (9, "event", "connected", {"number": "5511"})], {}, 9, {"stage": "connected", "number": "5511"}, [],
    ),
    "but not the connection that was there": (
        [(5, "refused", "429"), (9, "row", {"state": "connected", "as_of": 8.0})], {"state": "connected"}, 9, {"stage": "failed"}, [],
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_story(story: str) -> None:
    steps, options, at, expected, wishes = STORIES[story]
    flow, wished = drive(*steps, **options)
    view = flow.view(at)
    assert {name: getattr(view, name) for name in expected} == expected
    assert wished == [(0.0, "connect"), *wishes]


def test_at_most_six_connects_and_each_only_after_the_answer_of_the_last() -> None:
    flow, now, connects = Flow(0.0), 0.0, 0
    while not flow.done:
        for wish in flow.take_wishes():
            if wish == "connect":
                connects += 1
                flow.answered(now, qr=f"2@code{connects}")
            else:
                flow.read(now, state="connecting")
        wake = flow.wake_at()
        now = now if wake is None else max(now, wake)
        flow.tick(now)
    assert (connects, flow.view(now).stage) == (CODES_MOST, "ended")
    assert now == 120.0


def test_the_code_is_not_in_the_repr() -> None:
    assert "2@secret" not in repr(View("qr", code="2@secret"))


CODES = st.lists(st.sampled_from(["2@a", "2@b", "2@c", "2@d"]), min_size=0, max_size=4, unique=True).map(tuple)
STEPS = st.one_of(
    st.tuples(st.just("event"), st.sampled_from(["qr_ready"]), CODES, st.booleans()),
    st.tuples(
        st.just("event"),
        st.sampled_from(["connected", "pair_success", "pair_error", "disconnected", "temp_banned", "logged_out", "nonsense"]),
        st.just(()), st.booleans(),
    ),
    st.tuples(st.just("answer"), st.sampled_from(["2@a", "2@z"])),
    st.tuples(st.just("code"), st.just("ABCD-1234")),
    st.tuples(st.just("refuse")),
    st.tuples(st.just("read"), st.sampled_from(["connected", "connecting", "disconnected", "banned", None])),
    st.tuples(st.just("read_failed")),
    st.tuples(st.just("row"), st.sampled_from(["connected", "connecting"])),
    st.tuples(st.just("renew")),
    st.tuples(st.just("tick")),
    st.tuples(st.just("nothing")),
)


@given(st.lists(st.tuples(st.floats(0, 70), STEPS), max_size=40), st.sampled_from(["", "5511999990000"]))
@settings(deadline=None, max_examples=300)
def test_a_dead_code_is_never_on_the_view_and_connect_is_never_doubled(steps: list, number: str) -> None:  # type: ignore[type-arg]  # noqa: C901
    flow = Flow(0.0, number=number)
    now, in_flight, first_seen = 0.0, 0, {}
    told_at: dict[str, float] = {}
    for pause, (what, *arguments) in steps:
        now += pause
        for wish in flow.take_wishes():
            in_flight += wish == "connect"
        assert in_flight <= 1
        if what == "event":
            word, codes, live = arguments
            if live:
                told_at |= dict.fromkeys(codes, now)
            elif known := [told_at[code] for code in codes if code in told_at]:  # told again after a gap: as old as what is known
                told_at = dict.fromkeys(codes, max(known)) | told_at
            flow.event(word, now, codes=codes, live=live)
        elif what == "answer" and in_flight:
            in_flight, told_at[arguments[0]] = 0, now
            flow.answered(now, qr=arguments[0])
        elif what == "code" and in_flight and number:
            in_flight, told_at["ABCD-1234"] = 0, now
            flow.answered(now, code="ABCD-1234")
        elif what == "refuse" and in_flight:
            in_flight = 0
            flow.refused("no", now)
        elif what == "read":
            flow.read(now, state=arguments[0])
        elif what == "read_failed":
            flow.read_failed("no answer", now)
        elif what == "row":
            flow.row(now, state=arguments[0], as_of=now)
        elif what in ("renew", "tick"):
            getattr(flow, what)(now)
        view = flow.view(now)
        assert view.stage in STAGES
        assert bool(view.code) <= (view.stage in ("qr", "code"))
        assert (view.expires_at > now) == bool(view.code)
        if view.code:
            first_seen.setdefault(view.code, now)
            longest = 160.0 if view.stage == "code" else 60.0 + 20.0 * 3
            assert now - told_at[view.code] <= longest
            assert (view.index <= view.total) if view.total else view.index == 0
            assert flow.wake_at() is not None
        if view.stage in FINAL and view.stage != "ended":
            assert not flow.take_wishes() or what == "renew"


@pytest.mark.parametrize("code", ["ü" * 2000, "2@é", "\ud800", "a\nb", "x" * 1501, ""])
def test_a_code_that_cannot_be_drawn_is_none(code: str) -> None:
    flow = Flow(0.0)
    flow.event("qr_ready", 1.0, codes=(code,))
    assert (flow.stage, flow.view(1.0).code) == ("asking", "")
    flow.event("qr_ready", 2.0, codes=(code, "2@good"))
    assert flow.view(2.0).code == "2@good"
