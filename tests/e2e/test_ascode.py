"""Export, wipe the account, apply: the same field by field, on real servers with documented limits; killed and gone on with."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from ryze_tui.api.wire import CHATWOOT_READ, WIRES

from ..fakes.chatwoot.process import Chatwoot
from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .commands import Commands, check

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(300)]
MANY = 23
"""More than may be made in a minute."""


@pytest.fixture(params=[True, False], ids=["extensions", "plain"])
def limited(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "server", extensions=request.param, speed=10.0, options=["--verbose"]) as server:
        yield server


class Own:
    """Calls with an instance's own token: what the test asks costs the account nothing."""

    def __init__(self, server: Server, token: str) -> None:
        self.http = httpx.Client(base_url=server.url, headers={"token": token}, timeout=30, trust_env=False)

    def post(self, path: str, **body: Any) -> None:
        answer = self.http.post(path, json=body)
        assert answer.is_success, (path, answer.text)

    def get(self, path: str) -> Any:
        answer = self.http.get(path)
        return answer.json() if answer.is_success else None


def everything(server: Server, name: str, token: str) -> dict[str, Any]:
    """What the server tells of an instance's blocks."""
    own = Own(server, token)
    found: dict[str, Any] = {"token": token}
    for kind, wire in WIRES.items():
        told = own.get(wire.read + name)
        if kind == "webhook":
            found[kind] = sorted(told["webhooks"], key=lambda row: str(row["label"]))
        elif kind == "chatwoot":
            text = json.dumps(told)
            found[kind] = {key: _deep(told, key) for key in CHATWOOT_READ} if '"chatwoot_base_url"' in text else None
        else:
            found[kind] = told and {key: told[wire.key].get(key) for key in (field.name for field in wire.fields)}
    return found


def _deep(value: Any, key: str) -> Any:
    if isinstance(value, dict) and key in value:
        return value[key]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for one in inner if (found := _deep(one, key)) is not None), None)


def furnish(server: Server, chatwoot: Chatwoot) -> list[str]:
    """Instances with every block set, each a little differently; one that is off where it can be; one with nothing."""
    names = ["sales", "support", "billing", "bare"]
    for number, name in enumerate(names):
        own = Own(server, server.create(name)["token"])
        if name == "bare":
            continue
        own.post(f"/api/instance/settings/{name}", autoRejectCalls=True, callRejectMessage=f"não: {number} # 'x'",
                 ignoreGroupMessages=number == 1, disableHistorySync=number != 2, keepOnlineStatus=True)  # fmt: skip
        own.post(f"/api/instance/proxy/{name}", enabled=True, host="127.0.0.1", port=str(1080 + number), protocol="socks5",
                 username="ana", password=f"proxy-hidden-{number}")  # fmt: skip
        own.post(f"/api/instance/s3/{name}", enabled=True, region="us-east-1", bucket=f"bucket-{number}", accessKey="AK",
                 secretKey=f"s3-hidden-{number}", endpoint="http://127.0.0.1:9", pathPrefix="a/b")  # fmt: skip
        for label in ("default", "crm: x", "off")[: number + 1]:
            own.post(f"/api/events/webhook/{name}", label=label, enabled=True, url=f"http://127.0.0.1:9/{number}", byEvents=True,
                     authorization=f"Bearer hook-hidden-{number}", events=["call.update", "message.status"])  # fmt: skip
        if number == 2:
            own.post(f"/api/events/webhook/{name}", label="off", enabled=False)
        events = ["instance.state"] if number else []
        own.post(f"/api/events/websocket/{name}", enabled=True, events=events, mediaBase64=bool(number))
        bridge = chatwoot.body(inboxName=f"Inbox {number}", signMessages=True, ignoreGroups=number == 1)
        own.post(f"/api/chatwoot/set/{name}", **bridge)
    return names


def wipe(server: Server) -> None:
    for name in server.instances():
        server.call("DELETE", f"/api/instance/delete/{name}")
    assert server.instances() == {}


def test_the_same_field_by_field(limited: Server, tmp_path: Path) -> None:
    ryze = Commands(limited, tmp_path / "commands")
    file, secrets = tmp_path / "all.yaml", tmp_path / "secrets"
    with Chatwoot() as chatwoot:
        names = furnish(limited, chatwoot)
        tokens = {name: item["token"] for name, item in limited.instances().items()}
        before = {name: everything(limited, name, tokens[name]) for name in names}
        done = ryze("export", "--all", "--output", str(file), "--secrets-dir", str(secrets))
        assert (done.code, done.out) == (0, ""), done.err
        assert str(tmp_path) not in file.read_text(), "from here, so that a repository can be cloned anywhere"
        assert "hidden" not in file.read_text() + done.err and file.stat().st_mode & 0o777 == 0o600
        assert ryze("plan", str(file)).code == 0, "what was just exported changes nothing"
        bare = ryze("export", *names)
        assert (bare.code, "hidden" in bare.out) == (0, False)

        wipe(limited)
        missing = ryze("plan", str(file), "--json")
        assert missing.code == 2 and missing.error()["message"].count("cannot be read") == 6
        for number, name in enumerate(names[:3]):  # what no read tells is for a person to bring
            (secrets / f"{name}.proxy.password").write_text(f"proxy-hidden-{number}\n")
            (secrets / f"{name}.s3.secretKey").write_text(f"s3-hidden-{number}\n")
        planned = ryze("plan", str(file), "--json")
        assert planned.code == 10
        assert [one["action"] for one in planned.document()["instances"]] == ["create"] * 4
        assert limited.instances() == {}, "a plan does nothing"
        applied = ryze("apply", str(file), "--json", seconds=200)
        assert (applied.code, applied.err) == (0, "")
        assert [(one["action"], one["ok"]) for one in applied.document()["results"]] == [("create", True)] * 4
        after = {name: everything(limited, name, item["token"]) for name, item in limited.instances().items()}
        assert after == before, "secrets too, as far as anything tells them"

        written = len(ryze.audit())
        again = ryze("apply", str(file), "--json")
        assert again.code == 0 and again.document() == {"unchanged": 4, "before": 0, "results": []}
        assert len(ryze.audit()) == written, "nothing was written"
        for text in (json.dumps(ryze.audit()), applied.out, planned.out):
            assert "hidden" not in text and not any(token in text for token in tokens.values())
    assert " 429 " not in limited.log.read_text(), "no limit was met"


def test_without_a_secrets_dir_the_same_but_for_them(limited: Server, tmp_path: Path) -> None:
    ryze = Commands(limited, tmp_path / "commands")
    with Chatwoot() as chatwoot:
        names = furnish(limited, chatwoot)
        before = {name: everything(limited, name, item["token"]) for name, item in limited.instances().items()}
        text = ryze("export").out
        wipe(limited)
        named = sorted(set(re.findall(r"from_env: (RYZE_\w+)", text)))
        given = {name: f"given-{name.lower()}" for name in named if "TOKEN" not in name}
        given |= {name: chatwoot.body()["chatwootApiToken"] for name in re.findall(r"from_env: (\w+CHATWOOTAPITOKEN)", text)}
        none = ryze("apply", "-", given=text)
        assert none.code == 2 and none.err.count("is not set") == len(given) and limited.instances() == {}
        done = ryze("apply", "-", given=text, env=given, seconds=200)
        assert done.code == 0, done.err
        after = {name: everything(limited, name, item["token"]) for name, item in limited.instances().items()}
        for name in names:
            for found in (before[name], after[name]):
                found["token"] = ""
                for row in found["webhook"]:
                    row.pop("authorization", None)
        assert after == before
        assert ryze("apply", "-", given=text).code == 0, "what is stored is kept, and nothing has to be given"
    assert " 429 " not in limited.log.read_text()


def test_drift_prune_and_what_is_wrong(limited: Server, tmp_path: Path) -> None:
    ryze = Commands(limited, tmp_path / "commands")
    token = limited.create("sales")["token"]
    limited.create("extra")
    file = tmp_path / "all.yaml"
    file.write_text("version: 1\ninstances:\n  sales:\n    settings: {ignoreStatus: true}\n    proxy: {enabled: false}\n")
    assert ryze("apply", str(file)).code == 0
    Own(limited, token).post("/api/instance/settings/sales", ignoreStatus=False)
    drifted = ryze("plan", str(file), "--prune", "--json").document()["instances"]
    assert [(one["instance"], one["action"]) for one in drifted] == [("sales", "change"), ("extra", "delete")]
    assert drifted[0]["blocks"][0]["changes"] == [{"field": "ignoreStatus", "before": False, "after": True, "erased": False}]
    asked = ryze("apply", str(file), "--prune")
    assert asked.code == 2 and "--yes" in asked.err and set(limited.instances()) == {"sales", "extra"}
    assert ryze("apply", str(file), "--prune", "--yes").code == 0
    assert set(limited.instances()) == {"sales"}
    proxy = {"enabled": True, "host": "h", "port": "1", "protocol": "http", "username": "", "password": ""}
    Own(limited, token).post("/api/instance/proxy/sales", **proxy)
    erases = ryze("apply", str(file), "--json")
    assert erases.code == 2 and "erases" in erases.error()["message"]
    assert ryze("apply", str(file), "--yes", "--read-only").code == 4
    stream = "stream: {enabled: true, events: [nothing]}"
    file.write_text(f"version: 1\ninstances:\n  sales:\n    setings: {{}}\n    {stream}\n  sales: {{}}\n")
    wrong = ryze("apply", str(file))
    assert wrong.code == 2
    assert [line.partition(f"{file}:")[2].split(":")[0] for line in wrong.err.splitlines()[:-1]] == ["4", "5", "6"]
    assert "nothing was done" in wrong.err


def test_killed_in_the_middle_and_run_again_it_does_the_rest(limited: Server, tmp_path: Path) -> None:
    rng = random.Random(int(os.environ.get("RYZE_SEED", "11")))
    names = [f"made-{number:02}" for number in range(MANY)]
    lines = ["version: 1", "instances:"]
    for number, name in enumerate(names):
        lines += [
            f"  {name}:", f"    settings: {{ignoreStatus: true, callRejectMessage: 'no {number}'}}",
            f"    proxy: {{enabled: true, host: 127.0.0.1, port: {2000 + number}, protocol: http, username: u, "
            "password: {from_env: PROXY_PW}}",
            f"    webhooks: {{default: {{enabled: true, url: 'http://127.0.0.1:9/{number}', events: [call.update]}}}}",
            "    stream: {enabled: true, events: [instance.state]}",
        ]  # fmt: skip
    file = tmp_path / "many.yaml"
    file.write_text("\n".join(lines))
    with Proxy(limited.url) as proxy:
        ryze = Commands(limited, tmp_path / "commands", RYZE_URL=proxy.url, PROXY_PW="hidden-for-all")
        kills = 0
        for _life in range(4):
            process = ryze.start("apply", str(file), "--json")
            until = len(proxy.seen("POST /api/")) + rng.randint(3, 22)
            while process.poll() is None and len(proxy.seen("POST /api/")) < until:
                time.sleep(rng.random() * 0.01)
            kills += process.poll() is None
            process.kill()
            process.communicate()
        assert kills == 4
        last = ryze("apply", str(file), "--json", seconds=250)
        assert last.code == 0, last.err
        assert last.document()["before"] + len(last.document()["results"]) >= MANY - 4
        sent = Counter(request.path for request in proxy.seen("POST /api/") if not request.path.endswith("/new"))
        made = len(proxy.seen("POST /api/instance/new"))
        assert set(limited.instances()) == set(names)
        assert MANY <= made <= MANY + kills * 4, "none is made twice but what was under way at a kill"
        assert len(sent) == MANY * 4
        assert sum(sent.values()) - len(sent) <= kills * 4, "only what was under way at a kill was sent again"
        before = len(proxy.seen("POST /api/"))
        assert ryze("apply", str(file), "--json").document()["unchanged"] == MANY
        assert len(proxy.seen("POST /api/")) == before, "nothing to do, and nothing sent"
    assert " 429 " not in limited.log.read_text(), "no limit was met"
    check("apply", last.document())
