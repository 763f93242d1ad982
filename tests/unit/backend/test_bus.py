"""Who hears what, in which order, and what a stream resumes from."""

from __future__ import annotations

from typing import Any

import pytest
from ryze_tui.backend.events.bus import Bus
from ryze_tui.backend.record import Record
from ryze_tui.backend.table import Stage

from .fakes import ACCOUNT, START, Hearer


def record(name: str = "sales", **more: Any) -> Record:
    return Record(id=f"id-{name}", account=ACCOUNT, name=name, token="secret-token", created_at=START, updated_at=START,
                  since=START, **more)  # fmt: skip


def bus(ring_size: int = 10, extensions: bool = True) -> Bus:
    made = Bus(epoch="epoch", ring_size=ring_size, extensions=extensions)
    made.base_url = "http://127.0.0.1:1"
    return made


def state(word: str) -> dict[str, Any]:
    return {"state": word}


def follow(wire: Bus, after: str = "", events: frozenset[str] | None = None, rows: list[Record] | None = None) -> Hearer:
    hearer = Hearer()
    wire.follow_account(ACCOUNT, hearer, events=events, after=after, records=rows or [])
    return hearer


WEBSOCKET = {"enabled": True, "events": [], "mediaBase64": False}


def test_an_instance_socket_gets_the_documented_envelope() -> None:
    wire, one = bus(), record(blocks={"websocket": WEBSOCKET})
    hearer = Hearer()
    wire.follow_instance(one, hearer)
    wire.publish(one, "instance.state", state("connected"))
    wire.publish(record("other"), "instance.state", state("connected"))
    assert hearer.frames == [{
        "event": "instance.state", "data": {"state": "connected"},
        "instanceData": {"baseUrl": "http://127.0.0.1:1", "instance": "sales", "token": "secret-token"},
    }]  # fmt: skip
    wire.leave_instance(one, hearer)
    wire.publish(one, "instance.state", state("x"))
    assert len(hearer.frames) == 1 and wire.listeners_of_instance(one) == 0


@pytest.mark.parametrize(("block", "heard"), [
    (WEBSOCKET, ["instance.state", "message.exchange"]),
    (WEBSOCKET | {"events": ["message.exchange"]}, ["message.exchange"]),
    ({"enabled": False, "events": [], "mediaBase64": False}, []),
])  # fmt: skip
def test_the_websocket_block_filters(block: dict[str, Any], heard: list[str]) -> None:
    wire, one, hearer = bus(), record(blocks={"websocket": block}), Hearer()
    wire.follow_instance(one, hearer)
    wire.publish(one, "instance.state", state("connected"))
    wire.publish(one, "message.exchange", {"message": {}})
    assert hearer.words() == [{"instance.state": "connected"}.get(name, name) for name in heard]


@pytest.mark.parametrize("wanted", [True, False])
def test_media_is_sent_only_where_it_is_wanted(wanted: bool) -> None:
    wire, one, hearer = bus(), record(blocks={"websocket": WEBSOCKET | {"mediaBase64": wanted}}), Hearer()
    wire.follow_instance(one, hearer)
    account = follow(wire)
    data = {"message": {"media": {"base64": "QUJD", "mimetype": "image/png"}}}
    wire.publish(one, "message.exchange", data)
    assert ("base64" in hearer.frames[0]["data"]["message"]["media"]) == wanted
    assert account.frames[-1]["data"] == {"message": {"media": {"mimetype": "image/png"}}}
    assert data["message"]["media"]["base64"] == "QUJD"


def test_a_stream_begins_with_a_snapshot_and_a_heartbeat() -> None:
    wire = bus()
    rows = [record(f"n-{index:04}") for index in range(1001)]
    rows[0].stage, rows[0].reason, rows[0].jid = Stage.BANNED, "why", "5511:3@s.whatsapp.net"
    rows[0].profile_name = "Acme"
    rows[0].blocks = {"webhook": {"enabled": True}, "s3": {"enabled": True}, "proxy": {"enabled": False}}
    hearer = follow(wire, rows=rows)
    assert [(frame["event"], len(frame["data"].get("rows", ())), frame["data"].get("last")) for frame in hearer.frames] == [
        ("snapshot", 500, False), ("snapshot", 500, False), ("snapshot", 1, True), ("heartbeat", 0, None),
    ]
    assert {frame["seq"] for frame in hearer.frames} == {"epoch.0"}
    assert hearer.frames[0]["data"]["rows"][0] == {
        "id": "id-n-0000", "name": "n-0000", "state": "banned", "since": "2027-01-15T08:00:00.000Z", "reason": "why",
        "number": "5511", "profileName": "Acme", "blocks": "W···B",
    }


def test_an_empty_account_has_an_empty_snapshot() -> None:
    assert follow(bus()).frames[0]["data"] == {"rows": [], "last": True}


def test_a_snapshot_is_of_its_moment_even_when_it_is_sent_later() -> None:
    wire, one = bus(), record()
    late: list[Any] = []
    hearer = Hearer()
    hearer.push = late.append  # type: ignore[method-assign]
    wire.follow_account(ACCOUNT, hearer, events=None, after="", records=[one])
    one.stage = Stage.CONNECTED
    one.changed()
    wire.publish(one, "instance.state", state("connected"))
    assert '"state":"disconnected"' in late[0]()[0] and '"state":"connected"' in late[2]


def test_frames_are_numbered_in_order_and_never_hold_a_token() -> None:
    wire, one = bus(), record()
    hearer = follow(wire)
    wire.row(one)
    wire.publish(one, "instance.state", state("connected"))
    wire.deleted(one)
    assert [(frame["seq"], frame["event"], frame["instance"]) for frame in hearer.frames[2:]] == [
        ("epoch.1", "instance.row", "sales"), ("epoch.2", "instance.state", "sales"), ("epoch.3", "instance.deleted", "sales"),
    ]
    assert "secret-token" not in str(hearer.frames)


def test_the_filter_never_holds_back_rows() -> None:
    wire, one = bus(), record()
    hearer = follow(wire, events=frozenset({"call.update"}))
    for name in ("instance.state", "call.update", "message.exchange"):
        wire.publish(one, name, {})
    wire.row(one)
    wire.deleted(one)
    assert [frame["event"] for frame in hearer.frames[2:]] == ["call.update", "instance.row", "instance.deleted"]


def test_a_stream_resumes_where_it_was_left() -> None:
    wire, one = bus(), record()
    for word in "abcde":
        wire.publish(one, "instance.state", state(word))
    assert follow(wire, after="epoch.2").words() == ["c", "d", "e", "heartbeat"]
    assert follow(wire, after="epoch.5").words() == ["heartbeat"]
    assert follow(wire, after="epoch.0").words() == ["a", "b", "c", "d", "e", "heartbeat"]
    assert follow(wire, after="epoch.2", events=frozenset({"call.update"})).words() == ["heartbeat"]


@pytest.mark.parametrize("after", [
    "epoch.6", "other.2", "epoch", "epoch.x", "epoch.-1", "epoch.²", "9" * 5000, "epoch." + "9" * 5000, ".",
])  # fmt: skip
def test_an_unknown_position_gets_a_snapshot(after: str) -> None:
    wire = bus()
    for word in "abcde":
        wire.publish(record(), "instance.state", state(word))
    assert follow(wire, after=after).words() == ["snapshot", "heartbeat"]


def test_a_position_that_left_the_ring_gets_a_snapshot() -> None:
    wire = bus(ring_size=3)
    for word in "abcde":
        wire.publish(record(), "instance.state", state(word))
    assert follow(wire, after="epoch.1").words() == ["snapshot", "heartbeat"]
    assert follow(wire, after="epoch.2").words() == ["c", "d", "e", "heartbeat"]


def test_deleting_closes_the_sockets_of_the_instance() -> None:
    wire, one, hearer = bus(), record(blocks={"websocket": WEBSOCKET}), Hearer()
    wire.follow_instance(one, hearer)
    wire.deleted(one)
    assert hearer.closed == (1008, "instance deleted")


def test_stopping_closes_everybody() -> None:
    wire, hearer = bus(), Hearer()
    wire.follow_instance(record(), hearer)
    account = follow(wire)
    wire.close(1001, "the server stops")
    assert hearer.closed == account.closed == (1001, "the server stops")


def test_without_extensions_nothing_is_kept() -> None:
    wire = bus(extensions=False)
    wire.publish(record(), "instance.state", state("a"))
    assert wire._accounts == {}
