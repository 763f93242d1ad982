"""What the badge may say, from what was proven when."""

from __future__ import annotations

from ryze_tui.api.errors import BadReply, TokenRefused, Unreachable
from ryze_tui.fleet.freshness import Coverage, Freshness


def made(**coverage: object) -> Freshness:
    fresh = Freshness(100.0)
    fresh.good_for = 35.0
    fresh.coverage = Coverage(**coverage)  # type: ignore[arg-type]
    return fresh


def test_nothing_known_yet() -> None:
    link = made().link(101)
    assert (link.kind, link.since, link.age) == ("connecting", 100, 1)


def test_a_list_is_polling_while_it_stands_and_stale_after() -> None:
    fresh = made()
    fresh.listed(110)
    assert fresh.link(145).kind == "polling"
    assert fresh.next_change(145) == 145
    late = fresh.link(146)
    assert (late.kind, late.since, late.age) == ("stale", 110, 36)


def test_live_needs_every_row_a_heartbeat_and_a_fresh_list_for_the_rest() -> None:
    assert made(complete=True, proof=110, silence=20).link(130).kind == "live"
    assert made(complete=True, proof=110, silence=20).link(130.1).kind == "stale"
    assert made(complete=False, proof=110, silence=20).link(111).kind == "stale"
    fresh = made(complete=True, proof=110, silence=20, rest=True)
    assert fresh.link(111).kind == "stale"
    fresh.listed(105)
    assert fresh.link(111).kind == "live"
    fresh.coverage = Coverage(True, 141, 20, True)
    assert fresh.link(141).kind == "stale"


def test_failures_in_words_and_their_end() -> None:
    fresh = made()
    fresh.failed(BadReply("not JSON"), 120)
    assert (fresh.link(111).kind, fresh.link(111).message, fresh.link(111).retry_at) == ("offline", "not JSON", 120)
    fresh.listed(112)
    assert (fresh.link(113).kind, fresh.link(113).message) == ("polling", "")
    fresh.failed(BadReply("not JSON"), 120)
    assert fresh.link(114).kind == "stale"
    fresh.lost(Unreachable("refuses"), 121)
    assert fresh.link(114).kind == "offline"
    fresh.recovered(113)
    assert fresh.link(115).kind == "stale"  # it answers, but what was listed before it was away proves nothing
    fresh.failed(TokenRefused("Invalid token"), 140)
    assert fresh.link(115).kind == "refused"
    fresh.recovered(113)
    assert fresh.link(115).kind == "refused"
    fresh.listed(116)
    assert fresh.link(117).kind == "polling"


def test_the_whole_list_is_proven_by_the_older_of_what_proves_its_parts() -> None:
    fresh = made()
    assert fresh.whole() is None
    fresh.listed(110)
    assert fresh.whole() == 110
    fresh.coverage = Coverage(True, 150, 20)
    assert fresh.whole() == 150
    fresh.coverage = Coverage(True, 150, 20, rest=True)
    assert fresh.whole() == 110
    fresh.coverage = Coverage(False, 150, 20)  # the account stream ended: until then it was whole
    assert fresh.whole() == 150
    fresh.coverage = Coverage(False, 0.0, 20)
    assert fresh.whole() == 110
    assert made(complete=True, proof=120, rest=True).whole() is None
