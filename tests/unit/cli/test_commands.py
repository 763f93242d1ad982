"""Pure parts of the commands: options derived from blocks, tables, what several outcomes come to, how time-outs are called."""

from __future__ import annotations

import pytest
from ryze_tui.api.errors import BadReply, NoAnswer, RateLimited, Refused, TokenRefused, Unreachable
from ryze_tui.api.wire import WIRES
from ryze_tui.cli import COMMANDS, exits, module_of, table
from ryze_tui.cli.blockflags import add_flags, apply, given, option_of, variable_of
from ryze_tui.cli.exits import Failure
from ryze_tui.cli.parser import Parser, descriptions
from ryze_tui.client.address import BadAddress
from ryze_tui.operations.creating import flat, fresh
from ryze_tui.operations.outcome import Outcome, failed, failed_write

OPTIONS = """
--settings-reject-calls --settings-reject-message --settings-ignore-groups --settings-always-online --settings-mark-as-read
--settings-no-history --settings-ignore-stories
--proxy --proxy-host --proxy-port --proxy-protocol --proxy-user-name --proxy-password-file
--s3 --s3-region --s3-bucket --s3-access-key --s3-secret-key-file --s3-endpoint --s3-path-prefix
--webhook --webhook-url --webhook-authorization-file --webhook-by-event --webhook-events --webhook-media-base64
--stream --stream-events --stream-media-base64
--chatwoot --chatwoot-url --chatwoot-account --chatwoot-api-token-file --chatwoot-inbox --chatwoot-sign-messages
--chatwoot-ignore-groups --chatwoot-start-as-pending --chatwoot-reopen-resolved
"""


def test_options_are_a_promise_to_scripts() -> None:
    """Whoever renames a field's title finds out here that scripts break."""
    assert [option_of(kind, field) for kind, wire in WIRES.items() for field in wire.fields] == OPTIONS.split()


def _read(*words: str, monkeypatch: pytest.MonkeyPatch | None = None) -> dict[str, object]:
    parser = Parser("x", "")
    add_flags(parser)
    edits = fresh()
    apply(edits, given(parser.read(words)))
    return flat(edits)


def test_a_block_of_which_anything_is_said_is_on() -> None:
    body = _read("--webhook-url", "http://a", "--webhook-events", "message.exchange,call.update", "--settings-mark-as-read")
    assert body == {
        "webhookEnabled": True, "webhookURL": "http://a", "webhookEvents": ["message.exchange", "call.update"],
        "autoReadMessages": True, "websocketEnabled": True, "websocketEvents": ["instance.state"],
    }  # fmt: skip
    assert _read("--no-stream") == {}
    with pytest.raises(Failure, match="--proxy-port"):
        _read("--proxy-host", "a")


def test_secrets_come_from_files_and_variables_only(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    words = ["--proxy-host", "a", "--proxy-port", "1", "--proxy-protocol", "http", "--proxy-user-name", "u"]
    proxy = {field.name: field for field in WIRES["proxy"].fields}
    assert variable_of("proxy", proxy["password"]) == "RYZE_PROXY_PASSWORD"
    monkeypatch.setenv("RYZE_PROXY_PASSWORD", "from-the-environment")
    monkeypatch.setenv("RYZE_S3_SECRET_KEY", "of a block that nobody asked for")
    assert _read(*words)["proxyPassword"] == "from-the-environment"
    (tmp_path / "secret").write_text("from-a-file\nnot this\n".splitlines()[0] + "\n")
    monkeypatch.setenv("RYZE_PROXY_PASSWORD", "from-the-environment")
    body = _read(*words, "--proxy-password-file", str(tmp_path / "secret"))
    assert body["proxyPassword"] == "from-a-file"
    assert not any(str(name).startswith("s3") for name in body)
    (tmp_path / "secret").write_text("")
    with pytest.raises(Failure, match="no secret"):
        _read(*words, "--proxy-password-file", str(tmp_path / "secret"))


@pytest.mark.parametrize(("error", "read", "write"), [
    (Unreachable("x"), exits.UNREACHABLE, exits.UNREACHABLE),
    (NoAnswer("x"), exits.UNREACHABLE, exits.UNKNOWN),
    (BadReply("x"), exits.FAILED, exits.UNKNOWN),
    (BadReply("x", status=404), exits.FAILED, exits.FAILED),
    (Refused("Instance not found", status=404), exits.NO_INSTANCE, exits.NO_INSTANCE),
    (Refused("Not found", status=404), exits.FAILED, exits.FAILED),
    (TokenRefused("x", status=401), exits.NOT_ALLOWED, exits.NOT_ALLOWED),
    (Refused("x", status=403), exits.NOT_ALLOWED, exits.NOT_ALLOWED),
    (Refused("x", status=504), exits.FAILED, exits.UNKNOWN),
    (RateLimited("x", retry_after=3), exits.RATE_LIMITED, exits.RATE_LIMITED),
    (BadAddress("x"), exits.USAGE, exits.USAGE),
], ids=lambda value: repr(value) if isinstance(value, Exception) else None)  # fmt: skip
def test_every_error_has_its_exit_code(error, read, write) -> None:  # type: ignore[no-untyped-def]
    assert exits.failure_of(failed(error, "a")).code == read
    assert exits.failure_of(failed_write(error, "a")).code == write


def test_what_several_outcomes_come_to() -> None:
    done, gone = Outcome(True, "", 200, "a"), Outcome(False, "", 404, "b", kind="not_found")
    away = Outcome(False, "", kind="unreachable")
    assert exits.failure_of_many([done, done]) is None
    for outcomes, code in (([done, gone], 8), ([gone], 3), ([gone, gone], 3), ([gone, away], 1), ([done, gone, away], 8)):
        failure = exits.failure_of_many(outcomes)
        assert failure is not None and failure.code == code


def test_a_table_is_cut_where_it_must_be() -> None:
    rows = [["a-long-name-of-an-instance", "connected", "Profile \U0001f600 with \x1b[31mcolours"]]
    whole = table.lines(["NAME", "STATE", "PROFILE"], rows, give=((2, 0), (0, 8)))
    assert "\x1b" not in whole[1]
    assert whole[1].startswith("a-long-name-of-an-instance  connected  Profile")
    for width in range(1, 70):
        cut = table.lines(["NAME", "STATE", "PROFILE"], rows, give=((2, 0), (0, 8)), width=width)
        assert all(table.cells(line) <= width for line in cut)


def test_every_command_is_described_and_has_a_module() -> None:
    from importlib import import_module

    assert set(descriptions()) == set(COMMANDS)
    for name in COMMANDS:
        module = import_module(f"ryze_tui.cli.{module_of(name)}")
        assert callable(module.run) and callable(module.add_arguments)


class _Budget:
    def wait(self) -> float:
        return 0.0


class _Account:
    budget = _Budget()


async def test_several_wait_for_the_rate_limit_and_one_does_not(monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    answers = {"a": [Outcome(False, "too fast", 429, "a", kind="rate_limited", retry_after=7), Outcome(True, "done", 200, "a")],
               "b": [Outcome(True, "done", 200, "b")]}  # fmt: skip

    async def do(name: str) -> Outcome:
        return answers[name].pop(0)

    from ryze_tui.cli.output import Out
    from ryze_tui.cli.session import several

    assert await several(_Account(), ["a", "b", "a"], do, Out()) is None  # type: ignore[arg-type]
    assert 7 in slept
    assert "a: done" in capsys.readouterr().err
    answers["a"] = [Outcome(False, "too fast", 429, "a", kind="rate_limited", retry_after=7)]
    failure = await several(_Account(), ["a"], do, Out())  # type: ignore[arg-type]
    assert failure is not None and failure.code == exits.RATE_LIMITED


async def test_what_is_broken_off_in_the_middle_is_told(capsys) -> None:  # type: ignore[no-untyped-def]
    import asyncio
    import json

    from ryze_tui.cli.output import Out
    from ryze_tui.cli.session import several

    async def do(name: str) -> Outcome:
        if name == "b":
            await asyncio.Event().wait()
        return Outcome(True, "done", 200, name)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await several(_Account(), ["a", "b", "c"], do, Out(as_json=True))  # type: ignore[arg-type]
    told = json.loads(capsys.readouterr().out)["results"]
    assert [(one["instance"], one["kind"]) for one in told] == [("a", None), ("b", "unknown")]
