"""Two people at two consoles on one webhook of one server: whoever saves second sees what the first one did."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from ..terminal.server import Server
from .driver import Console

IN_FIELD: Final = re.compile(r"\(esc\s+leaves")
pytestmark = [pytest.mark.e2e, pytest.mark.long]
WEBHOOK: Final = {
    "label": "default", "enabled": True, "url": "https://a.co/w", "authorization": "Bearer abc123", "byEvents": False,
    "events": ["message.exchange", "instance.state"], "mediaBase64": False,
}


def held(server: Server) -> dict[str, Any]:
    row: dict[str, Any] = server.call("GET", "/api/events/getWebhook/shared")["webhooks"][0]
    return row


def to_webhook(console: Console) -> None:
    console.ready()
    console.press("/")
    console.type("shared")
    console.press("enter")
    console.wait_for(lambda _: list(console.rows()) == ["shared"], what="only that row")
    console.press("4")
    console.wait_for("Media base64")
    console.settle(0.2)


def out(console: Console) -> None:
    """Out of the field; the keys are verbs again."""
    console.wait_for(IN_FIELD)
    console.press("esc")
    console.wait_gone(IN_FIELD)
    console.wait_for("* unsaved")


def add_to_url(console: Console, text: str) -> None:
    console.press("down", "down", "end")
    console.type(text)
    console.wait_for("* unsaved")
    out(console)


def review_and_save(console: Console) -> None:
    console.press("r")
    console.wait_for("s saves")
    console.press("s")


def the_same_field(shared: Server, ana: Console, ben: Console) -> None:
    """The same field: Ben is told, and takes hers."""
    add_to_url(ana, "/ana")
    add_to_url(ben, "/ben")
    review_and_save(ana)
    ana.wait_for("holds what was asked")
    ben.press("r")
    ben.wait_for("changed by somebody else meanwhile")
    ben.press("space")
    ben.wait_for("theirs stays")
    ben.press("s")
    ben.wait_for("holds what was asked")
    assert held(shared) == WEBHOOK | {"url": "https://a.co/w/ana"}


def a_review_that_stood_open(shared: Server, ana: Console, ben: Console) -> None:
    """A review that stood open while she saved: nothing is written before he has seen that too."""
    ben.wait_gone("holds what was asked")
    add_to_url(ben, "/ben")
    ben.press("r")
    ben.wait_for("s saves")
    ana.press("down", "down", "down", "down", "space")
    out(ana)
    ana.wait_for("* unsaved")
    review_and_save(ana)
    ana.wait_for(lambda _: held(shared)["byEvents"], what="her change on the server")
    ben.press("s")
    ben.wait_for("It was changed again by somebody else")
    ben.wait_for("By event")
    assert held(shared) == WEBHOOK | {"url": "https://a.co/w/ana", "byEvents": True}
    ben.press("s")
    ben.wait_for("holds what was asked")
    assert held(shared) == WEBHOOK | {"url": "https://a.co/w/ana/ben", "byEvents": True}


def switched_off_meanwhile(shared: Server, ana: Console, ben: Console) -> None:
    """She switches it off while he edits: saying nothing of it would lose his change, or undo hers."""
    ben.wait_gone("holds what was asked")
    add_to_url(ben, "/2")
    ana.press("R")
    ana.wait_for("w/ana/ben")
    ana.press("down", "space")
    out(ana)
    review_and_save(ana)
    ana.wait_for(lambda _: not held(shared)["enabled"], what="switched off on the server")
    ben.press("r")
    ben.wait_for("Somebody switched it off meanwhile")
    ben.press("s")
    ben.wait_for("holds what was asked")
    assert held(shared) == WEBHOOK | {"url": "https://a.co/w/ana/ben/2", "byEvents": True}


def deleted_meanwhile(shared: Server, ana: Console, ben: Console) -> None:
    """She deletes the instance while he edits."""
    ben.wait_gone("holds what was asked")
    add_to_url(ben, "/3")
    shared.call("DELETE", "/api/instance/delete/shared")
    ben.wait_for("not on the server")
    ben.press("r")
    ben.wait_for("Instance not found")
    ben.wait_for("* unsaved")


def test_conflict_switching_off_and_a_review_that_stood_open(shared: Server, tmp_path: Path) -> None:
    shared.create("shared")
    shared.call("POST", "/api/events/webhook/shared", json=WEBHOOK)
    with (
        Console(shared.url, shared.token, tmp_path / "ana", (120, 40)) as ana,
        Console(shared.url, shared.token, tmp_path / "ben", (80, 24)) as ben,
    ):
        to_webhook(ana)
        to_webhook(ben)
        the_same_field(shared, ana, ben)
        a_review_that_stood_open(shared, ana, ben)
        switched_off_meanwhile(shared, ana, ben)
        deleted_meanwhile(shared, ana, ben)
