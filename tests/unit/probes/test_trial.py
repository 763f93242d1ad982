"""Trying a block out: the words of steps, what to do when one fails, secrets that are never shown, deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui import redact
from ryze_tui.api.errors import INSTANCE_NOT_FOUND, Refused, RyzeError, Unreachable
from ryze_tui.probes import from_server, trial, webhook
from ryze_tui.probes.steps import BAD, GOOD, RUNNING, SKIPPED, WARN, Failed, Step, attempt
from ryze_tui.probes.trial import Trial

PROXY = {"enabled": True, "host": "p", "port": "1", "protocol": "http", "username": "ana", "password": "xyz"}


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> Iterator[None]:
    yield
    redact.forget_all()


class Server:
    """Answers every try with the same."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def try_block(self, kind: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        if isinstance(self.answer, RyzeError):
            raise self.answer
        result: dict[str, Any] = self.answer
        return result


def tried(answer: Any, made: Trial) -> list[Step]:
    async def collect() -> list[Step]:
        return [step async for step in from_server.probe(Server(answer), made) if step.result != RUNNING]

    return asyncio.run(collect())


@pytest.mark.parametrize(("steps", "words"), [
    ([("tcp", GOOD), ("auth", BAD)], "Check user name and password."),
    ([("put", GOOD), ("get", BAD), ("delete", BAD)], "allowed to read"),
    ([("account", BAD)], "/app/accounts/5"),
    ([("upgrade", GOOD), ("heartbeat", BAD)], "carries nothing"),
    ([("something new", BAD)], "It does not work."),
    ([], "It does not work."),
])  # fmt: skip
def test_the_first_step_that_failed_says_what_to_do(steps: list[tuple[str, str]], words: str) -> None:
    made = trial.verdict([Step(name, result, name=name) for name, result in steps])
    assert made.result == BAD and made.words.startswith("It does not work.") and words in made.words


def test_what_may_do_all_the_same_works() -> None:
    assert trial.verdict([Step("a", GOOD), Step("b", WARN)]).result == GOOD


def test_every_step_has_a_name_and_an_advice() -> None:
    assert set(trial._NAMES) == set(trial._ADVICE)


def test_what_only_the_server_holds() -> None:
    assert Trial("proxy", "a", {"username": "u"}).lacks == "password"
    assert Trial("proxy", "a", {"username": ""}).lacks == "" == Trial("proxy", "a", PROXY).lacks
    assert Trial("s3", "a", {"accessKey": "k"}).lacks == "secretKey" and not Trial("webhook", "a", {"url": "x"}).lacks


def test_secrets_are_not_shown_however_short() -> None:
    made = Trial("proxy", "a", PROXY | {"password": "pw1"})
    assert "pw1" not in repr(made)
    steps = tried({"proxy": {"steps": [{"name": "auth", "milliseconds": 2, "error": "pw1 is wrong \x1b[31m"}]}}, made)
    assert "pw1" not in steps[1].words and "\x1b" not in steps[1].words and "is wrong" in steps[1].words
    assert all("pw1" not in step.words for step in tried(Refused("no pw1", status=400), made))


@pytest.mark.parametrize(("error", "result", "words"), [
    (Refused("Not found", status=404), SKIPPED, "an extension of ours"),
    (Refused(INSTANCE_NOT_FOUND, status=404), BAD, INSTANCE_NOT_FOUND),
    (Refused("instance not found", status=404), BAD, "instance not found"),
    (Unreachable("refuses connections"), BAD, "refuses connections"),
])  # fmt: skip
def test_a_server_that_does_not_try(error: RyzeError, result: str, words: str) -> None:
    (step,) = tried(error, Trial("chatwoot", "a", {}))
    assert step.result == result and words in step.words


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["steps", "proxy", "name", "error", "milliseconds", "inbox", "httpStatus", "answer", "exists"]), inner),
).filter(lambda value: isinstance(value, dict)), st.sampled_from(["proxy", "s3", "webhook", "chatwoot"]))  # fmt: skip
def test_whatever_a_server_answers_ends_in_a_verdict(answer: dict[str, Any], kind: str) -> None:
    assert tried(answer, Trial(kind, "a", {}))[-1].title == "Verdict"


async def test_a_step_ends_in_time_and_says_how_long_it_took() -> None:
    async def well() -> str:
        return "found"

    async def badly() -> str:
        raise Failed("refused", WARN)

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    assert (await attempt("T", "t", well())).words.endswith(" ms · found")
    step = await attempt("T", "t", badly())
    assert step.result == WARN and step.words.endswith(" ms · refused")
    step = await attempt("T", "t", never(), 0.01)
    assert step.result == BAD and step.words.endswith("no answer within 0.01 s")


def test_a_test_event_says_that_it_is_one_and_tells_no_token() -> None:
    made = webhook.envelope("sales", "loggedout")
    assert (made["event"], made["data"]["state"], made["data"]["test"]) == ("instance.state", "logged_out", True)
    assert made["instanceData"] == {"baseUrl": "", "instance": "sales", "token": webhook.TEST_TOKEN}
