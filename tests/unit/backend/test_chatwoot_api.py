"""What a Chatwoot, or whatever answers in its place, may say: read as it is meant, or refused in words without our token."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from ryze_tui.backend.egress import Forbidden, TooLarge, Whole
from ryze_tui.backend.integrations.chatwoot import api
from ryze_tui.backend.integrations.chatwoot.api import Api, ChatwootError, File, download

TOKEN = "token-of-chatwoot-0123456789"


class Line:
    """An Egress that answers with what is next, and remembers what was asked."""

    def __init__(self, *answers: Whole | BaseException) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any]] = []

    async def request(self, method: str, url: str, **how: Any) -> Whole:
        self.asked.append((method, url, how.get("query") or how.get("json") or how.get("parts")))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def said(body: object, status: int = 200, content_type: str = "application/json") -> Whole:
    return Whole(status, body if isinstance(body, bytes) else json.dumps(body).encode(), content_type)


def spoken(*answers: Whole | BaseException) -> tuple[Api, Line]:
    line = Line(*answers)
    return Api(line, "https://chat.example", 3, TOKEN, seconds=5), line  # type: ignore[arg-type]


async def test_a_new_contact_has_its_inbox_wherever_chatwoot_puts_it() -> None:
    inside = {"id": 7, "contact_inboxes": [{"source_id": "s"}]}
    for payload, boxes in (
        ({"contact": inside}, [{"source_id": "s"}]), (inside, [{"source_id": "s"}]), ({"contact": {"id": 7}}, None),
        ({"contact": {"id": 7}, "contact_inbox": {"source_id": "beside"}}, [{"source_id": "beside"}]),
    ):  # fmt: skip
        made, _ = spoken(said({"payload": payload}))
        assert (await made.create_contact({})).get("contact_inboxes") == boxes


@pytest.mark.parametrize("ident", [None, "7", True, 1.5, {}])
async def test_an_answer_without_an_id_is_none(ident: object) -> None:
    made, _ = spoken(said({"id": ident}))
    with pytest.raises(ChatwootError, match="without an id") as told:
        await made.create_inbox("Sales", "https://here.example")
    assert told.value.away and not told.value.refused


async def test_a_file_goes_with_its_words_as_fields() -> None:
    made, line = spoken(said({"id": 9}), said({"id": 10}))
    body = {"content": "see", "private": False, "content_attributes": {"a": 1}}
    assert await made.post_message(4, body, File(b"x", "", "a.bin")) == 9
    assert line.asked[0][2] == [
        ("content", (None, b"see", None)), ("private", (None, b"false", None)), ("content_attributes", (None, b'{"a": 1}', None)),
        ("attachments[]", ("a.bin", b"x", "application/octet-stream")),
    ]  # fmt: skip
    assert await made.post_message(4, body) == 10 and line.asked[1][2] == body


async def test_a_message_is_looked_for_page_by_page_and_not_for_ever() -> None:
    def page(first: int, *more: Any) -> Whole:
        return said({"payload": [{"id": first, "created_at": 100}, {"id": first + 1, "created_at": 101}, *more]})

    made, line = spoken(page(50), page(30, {"id": 1, "source_id": "ours"}))
    assert await made.has_message(4, "ours", 10)
    assert [query for _, _, query in line.asked] == [None, {"before": "50"}]
    for answers in (
        [page(50), page(50)],  # the same page again and again
        [said({"payload": [{"id": 50, "created_at": 5}]})],  # older than we look
        [said({"payload": []})], [said({"payload": "x"})], [said([])],
        [said({"payload": [{"id": "50", "created_at": True}]})],
    ):  # fmt: skip
        made, line = spoken(*answers)
        assert not await made.has_message(4, "ours", 10) and not line.answers
    made, line = spoken(*(page(10_000 - n) for n in range(api.PAGES + 1)))
    assert not await made.has_message(4, "ours", 10) and len(line.answers) == 1, "it has its end"


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (said({"error": f"no: {TOKEN}"}, 422), 422, "HTTP 422: no: ***"),
        (said({"errors": ["a", "b"]}, 422), 422, 'HTTP 422: ["a", "b"]'),
        (said(b"<h1>gateway</h1>", 502, "text/plain"), 502, "HTTP 502: an HTML page"),
        (said(b"x", 500, "text/html; charset=utf-8"), 500, "HTTP 500: an HTML page"),
        (said(b"plain \x1b[31m words\xff", 500, "text/plain"), 500, "HTTP 500: plain"),
        (said(b"", 401, ""), 401, "HTTP 401"),
        (said([], 404), 404, "HTTP 404: []"),
        (said(b"<html>", 200, "text/html"), 200, "it answered an HTML page"),
        (said(b"[" * 100_000, 200), 200, "it answered something that is not JSON"),
        (Forbidden("127.0.0.1 may not be dialled: it is private"), 0, "127.0.0.1 may not be dialled: it is private"),
        (TooLarge("its answer is larger than 4 MiB"), 413, "its answer is larger than 4 MiB"),
        (TimeoutError(), 0, "no answer within 5 s"),
        (httpx.ConnectError("https://secret"), 0, "the connection was refused or could not be made"),
        (httpx.ReadError("https://secret"), 0, "the connection broke"),
        (ConnectionResetError(104, "reset https://secret"), 0, "Connection reset by peer"),
        (OSError(-2, "Name or service not known"), 0, "Name or service not known"),
        (ValueError("https://secret"), 0, "ValueError"),
    ],
)  # fmt: skip
async def test_what_is_wrong_in_words(answer: Whole | BaseException, status: int, words: str) -> None:
    made, _ = spoken(answer)
    with pytest.raises(ChatwootError) as told:
        await made.profile()
    assert told.value.status == status and told.value.words.startswith(words)
    assert TOKEN not in told.value.words and "secret" not in told.value.words and "\x1b" not in told.value.words


async def test_without_a_token_nothing_is_taken_out_of_the_words() -> None:
    line = Line(said({"error": "no"}, 401))
    with pytest.raises(ChatwootError, match=r"^HTTP 401: no$") as told:
        await Api(line, "https://chat.example", 3, "").profile()  # type: ignore[arg-type]
    assert told.value.refused


async def test_a_stranger_is_recognised() -> None:
    for call in (Api.profile, Api.inboxes):
        made, _ = spoken(said({"hello": "world"}))
        with pytest.raises(ChatwootError, match="is it a Chatwoot"):
            await call(made)
    made, _ = spoken(said({"payload": [{"id": 1}, "x", None]}))
    assert await made.inboxes() == [{"id": 1}]


def moved(to: str) -> Whole:
    return Whole(302, b"", "", to)


async def test_a_file_is_fetched_over_its_redirects_and_its_type_is_guessed_only_where_none_is_told() -> None:
    line = Line(moved("/files/photo%20one.png?sig=1"), said(b"PNG", 200, "application/octet-stream"))
    file = await download(line, "https://chat.example/rails/1", seconds=5)  # type: ignore[arg-type]
    assert (file.name, file.mimetype, file.content) == ("photo one.png", "image/png", b"PNG")
    assert [url for _, url, _ in line.asked] == ["https://chat.example/rails/1", "https://chat.example/files/photo%20one.png?sig=1"]
    for content_type, mimetype in (("image/webp; q=1", "image/webp"), ("", "application/octet-stream")):
        line = Line(said(b"x", 200, content_type))
        assert (await download(line, "https://chat.example/blob", seconds=5)).mimetype == mimetype  # type: ignore[arg-type]


@pytest.mark.parametrize(("answers", "words"), [
    ([moved("/again")] * (api.HOPS + 1), "it was redirected too often"), ([moved("")], "HTTP 302"),
    ([said(b"", 404)], "HTTP 404"),
])  # fmt: skip
async def test_a_file_that_is_not_there(answers: list[Whole], words: str) -> None:
    line = Line(*answers)
    with pytest.raises(ChatwootError, match=words):
        await download(line, "https://chat.example/rails/1", seconds=5)  # type: ignore[arg-type]
    assert not line.answers
