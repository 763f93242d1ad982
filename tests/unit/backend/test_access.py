"""Request ids, and log lines that hold no secret."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

import pytest
from ryze_tui.backend import access

SECRET = "sEcReT-0123456789"


def scope(path: str = "/health", query: str = "", **headers: str) -> dict[str, Any]:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    about = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": sent}
    return about | {access.REQUEST_ID: "i"}


@pytest.mark.parametrize("ident", ["a", "A-b_9", "x" * 64, "0b6f5ba0-ff6c-4a2e-8c9b-7e6d5c4b3a21"])
def test_a_sane_id_is_kept(ident: str) -> None:
    assert access.request_id(scope(x_request_id=ident)) == ident


@pytest.mark.parametrize("ident", ["", "x" * 65, "a b", "a\tb", "é", "a\r\nb", "<b>", "a,b", "a\n"])
def test_anything_else_is_replaced(ident: str) -> None:
    made = [access.request_id(scope(x_request_id=ident)) for _ in range(2)]
    assert made[0] != made[1] and all(len(one) == 16 and one != ident for one in made)


def test_a_token_is_no_id() -> None:
    assert access.request_id(scope(x_request_id=SECRET, token=SECRET)) != SECRET
    assert access.request_id(scope(x_request_id=SECRET, authorization=f"Bearer {SECRET}")) != SECRET
    assert access.request_id(scope(x_request_id=SECRET, query=f"token={SECRET}")) != SECRET


@pytest.mark.parametrize(("path", "shown"), [
    ("/api/instance/connect/sales", "GET /api/instance/connect/sales"),
    ("/api/instance/list?token=x", "GET /api/instance/list"),
    ("/api/instance/connect/sales&number=5511999990001", "GET /api/instance/connect/sales"),
    ("/ws/sales;token=x", "GET /ws/sales"),
    (f"/ws/{SECRET}", "GET /ws/***"),
    ("/chatwoot/CALLBACK", "GET /chatwoot/***"),
    ("/prefix/chatwoot/CALLBACK", "GET /prefix/chatwoot/***"),
    ("//chatwoot/CALLBACK/", "GET //chatwoot/***"),
    ("/api/chatwoot/set/sales", "GET /api/chatwoot/set/sales"),
    ("/a\nb\x1b[31m", "GET /a%0Ab%1B%5B31m"),
    ("/é\ufffd", "GET /%C3%A9%EF%BF%BD"),
    ("/" + "a" * 500, "GET /" + "a" * 199 + "…"),
])  # fmt: skip
def test_the_line(path: str, shown: str) -> None:
    assert access.line(scope(path, token=SECRET)) == shown


@pytest.mark.parametrize("secret", [SECRET, "+55 11 99999-0001", "a/b+c=d.e_f~g", "it's \"quoted\""])
@pytest.mark.parametrize("place", ["token", "apikey", "bearer", "query", "plain query", "path"])
def test_no_secret_from_any_place(place: str, secret: str, caplog: pytest.LogCaptureFixture) -> None:
    """The exception repeats what was sent, as a careless library would."""
    sent = {
        "token": scope(token=secret), "apikey": scope(apikey=secret), "bearer": scope(authorization=f"Bearer {secret}"),
        "query": scope(query=f"a=1&number={quote(secret, safe='')}"), "plain query": scope(query=f"token={secret}"),
        "path": scope(f"/ws/{secret}", token=secret),
    }[place]  # fmt: skip
    caplog.set_level(logging.INFO, "ryze_tui")
    try:
        raise RuntimeError(f"it said {secret} / {quote(secret, safe='')}")
    except RuntimeError:
        access.failed(sent)
    access.answered(sent, 500, 0.001)
    trace, line = [record.getMessage() for record in caplog.records]
    assert "RuntimeError: it said" in trace and "id=i" in trace and line.startswith("GET /") and line.endswith(" ms id=i")
    assert secret not in trace + line and quote(secret, safe="") not in trace + line
