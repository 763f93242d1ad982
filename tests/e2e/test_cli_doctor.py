"""`doctor` as its user meets it: all well, a wrong token, nobody there, somebody else there, blocks that do not work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ..terminal.process import Terminal
from ..terminal.server import Server
from .commands import COMMAND, Commands
from .receivers import Receiver

pytestmark = pytest.mark.e2e
WRONG = "a-wrong-token-0123456789"


def told(done: Any) -> dict[str, dict[str, Any]]:
    """The findings of a report in JSON, by name; of several the last."""
    return {one["name"]: one for one in done.document()["findings"]}


def test_all_is_well(ryze: Commands, both: Server) -> None:
    done = ryze("doctor", "--json")
    found = told(done)
    trouble = [one for one in found.values() if one["result"] in ("warn", "fail")]
    assert (done.code, trouble) == (0, [])
    assert done.document()["server"] == both.url and done.document()["result"] == "ok"
    assert {"dns", "tcp", "answer", "clock", "token", "list", "stream", "heartbeat", "file", "state", "libraries"} <= found.keys()
    assert "of an account" in found["token"]["seen"] and "12 instances" in found["list"]["seen"]
    assert ("the account's stream" if both.extensions else "the stream of sim-") in found["stream"]["seen"]
    assert found["terminal"]["result"] == "skip"
    assert ryze("audit", "--json").out == ""  # nothing was changed


def test_the_token_of_one_instance(ryze: Commands, both: Server) -> None:
    name, item = next(iter(both.instances().items()))
    found = told(ryze("doctor", "--json", env={"RYZE_TOKEN": item["token"]}))
    assert found["token"]["result"] == "ok" and f"instance {name} alone" in found["token"]["seen"]


def test_a_token_that_is_wrong_or_missing(ryze: Commands, both: Server) -> None:
    done = ryze("doctor", "--json", env={"RYZE_TOKEN": WRONG})
    found = told(done)
    assert done.code == 1 and done.document()["result"] == "fail"
    assert found["token"]["result"] == "fail" and "401" in found["token"]["seen"] and "RYZE_TOKEN" in found["token"]["advice"]
    assert found["list"]["result"] == "skip" and WRONG not in done.out
    without = ryze("doctor", "--json", env={"RYZE_TOKEN": ""})
    assert without.code == 0 and told(without)["token"]["result"] == "skip" and told(without)["answer"]["result"] == "ok"
    nothing = ryze("doctor", "--json", env={"RYZE_TOKEN": "", "RYZE_URL": ""})
    assert nothing.code == 0 and nothing.document()["server"] is None and told(nothing)["target"]["result"] == "skip"
    lost = ryze("doctor", "--json", "--token-file", "/not/there")
    assert lost.code == 1 and "/not/there" in told(lost)["token"]["seen"] and told(lost)["answer"]["result"] == "ok"


def test_nobody_there_and_somebody_else(ryze: Commands, unused_tcp_port_factory: Any) -> None:
    done = ryze("doctor", "--json", "--url", f"http://127.0.0.1:{unused_tcp_port_factory()}")
    found = told(done)
    assert done.code == 1 and found["tcp"]["result"] == "fail" and found["token"]["seen"] == "not reached"
    with Receiver().beside() as receiver:  # speaks HTTP, and is no RyzeAPI server
        done = ryze("doctor", "--json", "--url", receiver.url, "--timeout", "3")
        assert done.code == 1 and told(done)["answer"]["result"] == "fail"
        assert "no token was sent" in told(done)["token"]["seen"]
        assert not receiver.got


def test_blocks_of_an_instance(ryze: Commands, both: Server, unused_tcp_port_factory: Any) -> None:
    name = both.create("doctored", websocketEnabled=True)["name"]
    try:
        both.call("POST", f"/api/instance/proxy/{name}", json={
            "enabled": True, "host": "127.0.0.1", "port": str(unused_tcp_port_factory()), "protocol": "http", "username": "ana",
            "password": "the-secret-word",
        })  # fmt: skip
        with Receiver().beside() as receiver:
            hook = {"enabled": True, "url": f"{receiver.url}/x?key=hidden-in-the-url", "authorization": "Bearer the-other-secret"}
            both.call("POST", f"/api/events/webhook/{name}", json=hook)
            done = ryze("doctor", "--json", "--instance", name)
            assert [(sight.event, sight.data["test"]) for sight in receiver.got] == [("instance.state", True)]
            careful = ryze("doctor", "--json", "--instance", name, "--read-only")
            assert len(receiver.got) == 1  # nothing was sent this time
        found = told(done)
        assert done.code == 1
        assert found["proxy"]["result"] == "fail" and "127.0.0.1:" in found["proxy"]["seen"] and found["proxy"]["advice"]
        assert found["webhook"]["result"] == "ok" and "200" in found["webhook"]["seen"]
        assert ("tried by the server" if both.extensions else "tried from this machine") in found["webhook"]["seen"]
        assert {found[kind]["result"] for kind in ("s3", "chatwoot")} == {"skip"}
        assert found["websocket"]["result"] == "ok" and found["instance"]["result"] == "warn" and found["instance"]["advice"]
        assert told(careful)["webhook"]["result"] == "skip" and told(careful)["proxy"]["result"] == "fail"
        for secret in ("the-secret-word", "the-other-secret", "hidden-in-the-url"):
            assert secret not in done.out + careful.out
    finally:
        both.call("DELETE", f"/api/instance/delete/{name}")
    gone = ryze("doctor", "--json", "--instance", name)
    assert gone.code == 1 and told(gone)["instance"]["result"] == "fail"


def test_the_report_fits_80_columns_and_a_broken_file_is_a_finding(ryze: Commands, both: Server) -> None:
    with Terminal([*COMMAND, "doctor"], 80, 60, ryze.env | {"LANG": "C.UTF-8"}) as term:
        assert term.wait_exit(30) == 0
        lines = term.lines()
    assert all(len(line) <= 80 for line in lines)
    assert any(line.startswith("  ok    Token          of an account") for line in lines)
    assert any("80x60" in line for line in lines)
    file = Path(ryze.env["XDG_CONFIG_HOME"]) / "ryze-tui" / "config.toml"
    file.parent.mkdir(mode=0o700)
    file.write_text("default = 3\n")
    file.chmod(0o600)
    done = ryze("doctor")
    assert done.code == 1 and "config.toml:1: default must be" in " ".join(done.out.split())
    assert all(len(line) <= 80 for line in done.out.splitlines())


def test_warnings_have_an_exit_code_of_their_own(ryze: Commands) -> None:
    state = Path(ryze.env["XDG_STATE_HOME"]) / "ryze-tui"
    state.mkdir(mode=0o755)
    state.chmod(0o755)
    done = ryze("doctor", "--json")
    assert done.code == 11 and done.document()["result"] == "warn" and told(done)["state"]["advice"].startswith("chmod 700 ")
    assert ryze("doctor", "--url", "http://a", "--profile", "b", "--json").error()["kind"] == "usage"
