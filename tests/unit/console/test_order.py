"""Rows never move by themselves: what the list shows, in what order, and when that is taken again."""

from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.api import states
from ryze_tui.api.events import Event
from ryze_tui.api.instance import Instance
from ryze_tui.console.panes.order import Order
from ryze_tui.fleet.filtering import NAME, TROUBLE, parse_filter
from ryze_tui.fleet.model import Changes, FleetModel

WORDS = {
    "connected": "connected",
    "disconnected": "disconnected",
    "loggedout": "logged_out",
    "banned": "temp_banned",
    "connecting": "qr_ready",
}


def fleet(**rows: str) -> FleetModel:
    model = FleetModel()
    items = [
        Instance(name, state=state, number_jid=f"55119000{i}@s.whatsapp.net", blocks="W····")
        for i, (name, state) in enumerate(rows.items())
    ]
    model.apply_list(items, asked_at=0, received_at=1, now=1000)
    return model


def turn(model: FleetModel, name: str, state: str, at: float = 2) -> Changes:
    return model.apply_event(Event("instance.state", name, {"state": WORDS[state]}), received_at=at, now=1000 + at)


def names(order: Order) -> list[str]:
    return [row.name for row in order.rows]


def test_trouble_comes_first_then_the_name() -> None:
    order = Order(fleet(d="connected", c="disconnected", b="loggedout", a="connecting", e="banned", f="banned"))
    order.take()
    assert names(order) == ["e", "f", "b", "c", "a", "d"]


def test_a_changed_row_stays_where_it_is_and_counts_until_s_is_pressed() -> None:
    model = fleet(a="connected", b="connected", c="connected")
    order = Order(model)
    order.take()
    order.update(turn(model, "c", "banned").rows, "a")
    assert names(order) == ["a", "b", "c"] and order.out_of_order == 1
    order.next_sort()
    assert names(order) == ["c", "a", "b"] and order.out_of_order == 0 and order.sort == TROUBLE
    order.next_sort()
    assert order.sort == NAME and names(order) == ["a", "b", "c"]


def test_a_row_that_comes_back_to_its_state_is_in_order_again() -> None:
    model = fleet(a="connected", b="connected")
    order = Order(model)
    order.take()
    order.update(turn(model, "b", "banned", 2).rows, None)
    order.update(turn(model, "b", "connected", 3).rows, None)
    assert order.out_of_order == 0


def test_a_new_row_finds_its_place_and_nothing_else_moves() -> None:
    model = fleet(a="connected", c="connected", z="banned")
    order = Order(model)
    order.take()
    order.update(turn(model, "a", "banned").rows, None)  # a would be first now; it stays
    changes = model.apply_created(Instance("b", state="connected"), received_at=5, now=1005)
    order.update(changes.rows, None)
    assert names(order) == ["z", "a", "b", "c"]


def test_a_row_deleted_under_the_cursor_stays_until_the_cursor_leaves() -> None:
    model = fleet(a="connected", b="connected", c="connected")
    order = Order(model)
    order.take()
    order.update(model.apply_deleted("b", received_at=5).rows, keep="b")
    order.update(model.apply_deleted("c", received_at=5).rows, keep="b")
    assert names(order) == ["a", "b"] and order.gone == {"b"}
    order.bury()
    assert names(order) == ["a"] and not order.gone


def test_a_name_made_again_under_the_cursor_is_the_new_row() -> None:
    model = fleet(a="connected", b="connected")
    order = Order(model)
    order.take()
    order.update(model.apply_deleted("b", received_at=5).rows, keep="b")
    order.update(model.apply_created(Instance("b", state="disconnected"), received_at=6, now=1006).rows, keep="b")
    assert not order.gone and order.rows[1] is model.rows["b"]


def test_the_filter_knows_words_states_blocks_and_not() -> None:
    model = fleet(sales="connected", south="loggedout", support="connected")

    def shown(text: str) -> set[str]:
        return {row.name for row in parse_filter(text)(model.rows.values())}

    assert shown("s") == {"sales", "south", "support"}
    assert shown("state:connected !sup") == {"sales"}
    assert shown("state:logged_out") == {"south"}
    assert shown("state:") == {"sales", "south", "support"}
    assert shown("block:webhook") == {"sales", "south", "support"}
    assert shown("!block:webhook") == set()
    assert shown("block:proxy") == set()
    assert shown("90001") == {"south"}


NAMES = st.sampled_from("abcdefgh")


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("turn"), NAMES, st.sampled_from(sorted(WORDS))),
            st.tuples(st.just("new"), NAMES, st.sampled_from(states.STATES)),
            st.tuples(st.just("delete"), NAMES, st.just("")),
            st.tuples(st.just("filter"), st.sampled_from(["", "a", "ab", "state:connected", "!a"]), st.just("")),
            st.tuples(st.just("sort"), st.just(""), st.just("")),
            st.tuples(st.just("leave"), st.just(""), st.just("")),
        ),
        max_size=40,
    )
)
def test_whatever_happens_the_rows_are_those_that_match_or_did_when_it_was_taken(steps: list[tuple[str, str, str]]) -> None:
    model = fleet(a="connected", b="banned", c="connecting")
    order = Order(model)
    order.take()
    for at, (what, name, state) in enumerate(steps, 10):
        before = names(order)
        if what == "turn":
            order.update(turn(model, name, state, at).rows, "a")
            assert names(order) == before or name not in before
        elif what == "new":
            order.update(model.apply_created(Instance(name, state=state), received_at=at, now=at).rows, "a")
        elif what == "delete":
            order.update(model.apply_deleted(name, received_at=at).rows, "a")
        elif what == "filter":
            order.set_filter(name)
        elif what == "sort":
            order.next_sort()
        else:
            order.bury()
        shown = names(order)
        assert len(shown) == len(set(shown))
        assert set(shown) - order.gone <= set(model.rows)
        kept = [shown_name for shown_name in before if shown_name in shown]
        if what in ("turn", "new", "delete", "leave"):
            assert [shown_name for shown_name in shown if shown_name in before] == kept
        assert order.out_of_order <= len(shown)


def test_an_order_asked_for_before_the_list_came_does_not_hide_it() -> None:
    model = FleetModel()
    order = Order(model)
    order.next_sort()
    order.set_filter("a")
    order.set_filter("")
    model.apply_list([Instance("a", state="connected")], asked_at=0, received_at=1, now=1)
    order.reload()
    assert names(order) == ["a"]


def test_a_row_made_again_between_two_drawings_is_the_new_one() -> None:
    model = fleet(a="connected", b="connected")
    order = Order(model)
    order.take()
    changes = model.apply_deleted("b", received_at=5)
    changes.merge(model.apply_created(Instance("b", state="disconnected"), received_at=6, now=1006))
    order.update(changes.rows, "a", membership=changes.order)
    assert order.rows[1] is model.rows["b"]


def test_a_connection_that_keeps_dropping_stands_before_what_is_fine() -> None:
    model = fleet(a="connected", b="connected", c="connecting", d="disconnected")
    for n in range(3):
        turn(model, "b", "disconnected", 2 + 2 * n)
        turn(model, "b", "connected", 3 + 2 * n)
    order = Order(model, lambda: 1100.0)
    order.take()
    assert names(order) == ["d", "b", "c", "a"]
    later = Order(model, lambda: 9000.0)
    later.take()
    assert names(later) == ["d", "c", "a", "b"]


class Counted(dict[str, float]):
    """How often it was looked into."""

    looks = 0

    def __getitem__(self, name: str) -> float:
        self.looks += 1
        return super().__getitem__(name)


def test_ten_thousand_that_come_at_once_are_put_in_place_in_one_pass() -> None:
    model = fleet(m0="connected", m1="banned", m2="connected")
    order = Order(model)
    order.take()
    order._taken = Counted(order._taken)
    items = [Instance(f"n{n:05}", state="connected" if n % 2 else "banned") for n in range(10_000)]
    changes = model.apply_list(items, asked_at=1, received_at=2, now=1001, complete=False)
    order.update(changes.rows, None)
    assert order._taken.looks < 50_000
    shown = names(order)
    order.take()
    assert shown == names(order) and len(shown) == 10_003


@given(st.lists(st.sampled_from("abcdefghijkl"), unique=True), st.lists(st.sampled_from("mnopqrstuvwx"), unique=True))
def test_arrivals_together_stand_where_they_would_one_by_one(first: list[str], later: list[str]) -> None:
    states_of = {name: ("banned", "connected", "loggedout")[ord(name) % 3] for name in "abcdefghijklmnopqrstuvwx"}
    together, single = (Order(fleet(**{name: states_of[name] for name in first})) for _ in range(2))
    for order in (together, single):
        order.take()
        order.model.apply_list([Instance(name, state=states_of[name]) for name in later], asked_at=1, received_at=2, now=1001,
                               complete=False)  # fmt: skip
    together.update(later, None)
    for name in later:
        single.update([name], None)
    assert names(together) == names(single)
