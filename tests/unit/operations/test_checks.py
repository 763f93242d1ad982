"""What is said about a field while it is typed."""

from __future__ import annotations

from typing import Any

import pytest
from ryze_tui.api.wire import WIRES
from ryze_tui.operations.checks import host_problem, name_problem, token_problem
from ryze_tui.operations.editing import Edit

ON: dict[str, dict[str, Any]] = {
    "webhook": {"enabled": True, "url": "https://a.example/wa", "events": []},
    "proxy": {"enabled": True, "host": "proxy.example", "port": "1080", "protocol": "http"},
    "s3": {"enabled": True, "bucket": "media", "accessKey": "AK"},
    "chatwoot": {
        "enabled": True, "chatwootBaseUrl": "https://chat.example", "chatwootAccountId": 5, "chatwootApiToken": "t",
        "inboxName": "wa",
    },
}


@pytest.mark.parametrize("kind", sorted(ON))
def test_a_good_block_has_no_problem(kind: str) -> None:
    assert Edit(WIRES[kind], ON[kind], keeps_secrets=True).problems() == {}


@pytest.mark.parametrize(
    ("kind", "field", "value", "words"),
    [
        ("webhook", "url", "", "Needed while it is on"),
        ("webhook", "url", "hooks.example/wa", "begins with https://"),
        ("webhook", "url", "ftp://a.example", "begins with https://"),
        ("webhook", "url", "https:///wa", "names no host"),
        ("webhook", "url", "https://a.example:0/", "names no host"),
        ("webhook", "url", "https://a.example:99999/", "cannot be read"),
        ("webhook", "url", "https://[::1", "cannot be read"),
        ("webhook", "url", "https://a example/", "no spaces"),
        ("webhook", "authorization", "Bearer a\nb", "One line"),
        ("proxy", "host", "http://proxy.example", "no http://"),
        ("proxy", "host", "ana:pw@proxy.example", "fields of their own"),
        ("proxy", "host", "", "Needed"),
        ("proxy", "port", "70000", "1 to 65535"),
        ("proxy", "port", "１０８０", "1 to 65535"),
        ("proxy", "port", "socks", "1 to 65535"),
        ("proxy", "protocol", "", "Needed"),
        ("proxy", "protocol", "socks4", "One of: http, https, socks5"),
        ("s3", "bucket", "", "Needed"),
        ("s3", "endpoint", "s3.example", "begins with https://"),
        ("chatwoot", "chatwootAccountId", 0, "Needed"),
        ("chatwoot", "chatwootAccountId", -4, "above 0"),
        ("chatwoot", "chatwootAccountId", "five", "whole number"),
        ("chatwoot", "chatwootBaseUrl", "chat.example", "begins with https://"),
        ("chatwoot", "inboxName", "", "Needed"),
    ],
)
def test_a_wrong_field_is_said_in_words(kind: str, field: str, value: Any, words: str) -> None:
    edit = Edit(WIRES[kind], ON[kind], keeps_secrets=True)
    edit.set(field, value)
    problems = edit.problems()
    assert words in problems[field] and problems.keys() - WIRES[kind].hidden == {field}
    edit.set("enabled", False)
    assert edit.problems() == {}, "a block that is off is never wrong"


@pytest.mark.parametrize(("host", "words"), [("a b", "no spaces"), ("a/b", "no http://"), ("proxy.example", "")])
def test_a_host_of_its_own(host: str, words: str) -> None:
    found = host_problem(host)
    assert words in found and bool(words) == bool(found)


@pytest.mark.parametrize(("name", "words"), [
    ("", "needed"), ("a b", "a space"), ("x" * 101, "at most 100"), ("a\x1b[31m", "only"), ("Sales_1-b", ""),
])  # fmt: skip
def test_a_name_of_a_new_instance(name: str, words: str) -> None:
    found = name_problem(name)
    assert words in found and bool(words) == bool(found) and "\x1b" not in found


@pytest.mark.parametrize("token", ["short", "with space 0123456789", "tokén-0123456789abc", "line\nline-0123456789"])
def test_a_token_of_ones_own_that_no_server_would_take(token: str) -> None:
    assert "16 plain characters" in token_problem(token)
    assert token_problem("") == token_problem("0123456789abcdef") == ""
