"""The rate budget: what the server says, what we count ourselves, what is kept for the person."""

from __future__ import annotations

from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.client.budget import Budget, Budgets
from ryze_tui.client.http import retry_after

from tests.fakes.virtual import Manual


def headers(clock: Manual, left: int, *, limit: int = 100, span: float = 60, skew: float = 0.0) -> dict[str, str]:
    reset = clock.time() + skew + span
    return {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": str(left), "x-ratelimit-reset": str(reset)}


def test_unknown_until_told() -> None:
    budget = Budget(Manual())
    assert (budget.limit, budget.remaining, budget.reset_at, budget.wait(keep=30)) == (None, None, None, 0)


def test_creations_have_a_limit_of_their_own_and_those_of_a_killed_run_count() -> None:
    clock = Manual()
    new = Budgets(clock).of("t", "new")
    new.earlier(15)
    for _n in range(5):
        assert new.wait() == 0
        new.spend()
    assert new.wait() == 60
    new.told(headers(clock, 3, limit=20))
    new.earlier(20)
    assert (new.remaining, new.wait()) == (0, 60), "20 were sent, whatever the server saw of them"
    clock.now += 60
    assert (new.remaining, new.wait()) == (20, 0)


def test_it_counts_down_and_fills_up_at_the_reset() -> None:
    clock = Manual()
    budget = Budget(clock)
    budget.spend()
    budget.told(headers(clock, 50))
    for _n in range(20):
        budget.spend()
    assert budget.remaining == 30
    assert budget.wait(keep=30) == 60
    assert budget.wait() == 0
    clock.now += 60
    assert (budget.remaining, budget.wait(keep=30)) == (100, 0)


def test_of_a_small_limit_a_part_is_kept_and_not_nearly_all() -> None:
    clock = Manual()
    budget = Budget(clock)
    sent = 0
    budget.told(headers(clock, 12, limit=12))
    while budget.wait(keep=30) == 0:
        budget.spend()
        sent += 1
    assert (sent, budget.remaining) == (9, 3), "it was one request a minute"


def test_answers_that_overtake_each_other_never_give_requests_back() -> None:
    clock = Manual()
    budget = Budget(clock)
    budget.told(headers(clock, 40))
    budget.told(headers(clock, 42))
    assert budget.remaining == 40


def test_a_429_blocks_everything_for_its_time() -> None:
    clock = Manual()
    budget = Budget(clock)
    budget.refused(12)
    assert (budget.blocked(), budget.wait()) == (12, 12)
    clock.now += 12
    assert (budget.blocked(), budget.wait()) == (0, 0)


def test_a_servers_clock_that_is_wrong_does_not_matter() -> None:
    clock = Manual()
    budget = Budget(clock)
    for skew in (-86_400.0, 86_400.0):
        told = headers(clock, 10, span=30, skew=skew)
        told["date"] = formatdate(clock.time() + skew, usegmt=True)
        budget = Budget(clock)
        budget.told(told)
        assert 28 <= budget.wait(keep=30) <= 31
    budget = Budget(clock)
    budget.told(headers(clock, 10, skew=86_400.0))  # without a date it is bounded
    assert budget.wait(keep=30) == 60


def test_without_headers_our_own_requests_are_counted() -> None:
    clock = Manual()
    budget = Budget(clock)
    for _n in range(70):
        assert budget.wait(keep=30) == 0
        budget.spend()
        clock.now += 0.1
    assert 52 < budget.wait(keep=30) < 54
    assert budget.wait() == 0


NAMES = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "date", "retry-after"]


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=12) | st.floats().map(str) | st.integers().map(str)))
def test_nonsense_in_headers_harms_nothing(told: dict[str, str]) -> None:
    clock = Manual()
    budget = Budget(clock)
    budget.told(told)
    budget.spend()
    assert 0 <= budget.wait(keep=30) <= 60
    assert 1 <= retry_after(told, clock.time()) <= 300


def test_one_per_token_and_bucket() -> None:
    budgets = Budgets(Manual())
    assert budgets.of("a") is budgets.of("a")
    assert budgets.of("a") is not budgets.of("b")
    assert budgets.of("a") is not budgets.of("a", "new")


def test_a_limit_below_what_is_kept_still_lets_background_work_breathe() -> None:
    clock = Manual()
    budget = Budget(clock)
    budget.told(headers(clock, 20, limit=20))
    assert budget.wait(keep=30) == 0
    for _n in range(20):
        budget.spend()
    assert budget.wait(keep=30) == 60


def test_an_answer_of_the_window_before_tells_nothing_about_this_one() -> None:
    clock = Manual()
    budget = Budget(clock)
    budget.told(headers(clock, 99))
    late = headers(clock, 98)
    clock.now += 61
    for _n in range(60):
        budget.spend()
    budget.told(headers(clock, 40))
    budget.told(late)
    assert budget.wait(keep=30) == 0
    assert budget.remaining == 40


def test_a_server_whose_clock_is_behind_and_that_sends_no_date_is_still_counted() -> None:
    clock = Manual()
    budget = Budget(clock)
    budget.told(headers(clock, 5, skew=-3600))
    assert budget.remaining == 5
    assert budget.wait(keep=30) > 0


def test_requests_under_way_are_not_given_back_by_the_first_answer_of_a_window() -> None:
    """Windows that begin at whole minutes: the answer names another end than we assumed, and does not know of the others yet."""
    clock = Manual()
    budget = Budget(clock)
    budget.told(headers(clock, 99, span=60))
    clock.now += 60
    for _n in range(69):
        budget.spend()
    budget.told(headers(clock, 99, span=40))  # the first of the 69
    budget.spend()
    assert budget.wait(keep=30) > 0


def test_the_budgets_of_tokens_that_are_gone_are_forgotten() -> None:
    clock = Manual()
    budgets = Budgets(clock)
    budgets.keep("account")
    own = budgets.of("account")
    own.told(headers(clock, 40))
    for n in range(5000):
        clock.now += 1
        budgets.of(f"token-{n}").spend()
    assert len(budgets._all) < 1000
    assert budgets.of("account") is own
    used = budgets.of("token-4999")
    used.refused(30)
    for n in range(2000):
        budgets.of(f"other-{n}")
    assert budgets.of("token-4999") is used


def test_retry_after_on_a_server_whose_clock_is_wrong() -> None:
    clock = Manual()
    for skew in (-3600.0, 3600.0):
        told = headers(clock, 0, span=40, skew=skew)
        told["date"] = formatdate(clock.time() + skew, usegmt=True)
        assert 39 <= retry_after(told, clock.time()) <= 42
        told = {"date": told["date"], "retry-after": formatdate(clock.time() + skew + 90, usegmt=True)}
        assert 89 <= retry_after(told, clock.time()) <= 91
    told = headers(clock, 0, skew=-3600)  # without a date it cannot be known
    assert retry_after(told, clock.time()) == 30
