"""By ssh at 80x24 a person changes one field of each block: the rest is as it was, secrets too, and it takes effect.

Each instance has every block, and behind each a real thing: a proxy with a password, a store, a receiver, Chatwoot's stand-in.
What no read tells (passwords, keys) is proven by what the server does with it afterwards.
"""

from __future__ import annotations

import base64
import copy
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import obstore
import pytest
from obstore.store import S3Store

from ..fakes import weed
from ..fakes.chatwoot.process import Chatwoot
from ..fakes.real_proxies import PASSWORD, USER, RealProxy, pproxy
from ..fakes.weed import ACCESS, BUCKET, SECRET, Weed
from ..terminal.server import Server
from ..terminal.ssh import Sshd
from .driver import Console
from .receivers import Receiver, Sight

pytestmark = [pytest.mark.e2e, pytest.mark.long]

ANA: Final = "5511999990001"
GROUP: Final = "120363000000000001@g.us"
BEARER: Final = "Bearer abc123"
IN_FIELD: Final = re.compile(r"\(esc\s+leaves")
READS: Final = {
    "settings": "instance/getSettings", "proxy": "instance/getProxy", "s3": "instance/getS3", "webhook": "events/getWebhook",
    "websocket": "events/getWebsocket", "chatwoot": "chatwoot/list",
}  # fmt: skip


@dataclass
class World:
    """What an instance's blocks lead to, and the way in. `was`: the proxy at first, `becomes`: the one it is changed to."""

    sshd: Sshd
    store: Weed
    was: RealProxy
    becomes: RealProxy
    desk: Chatwoot
    hooks: Receiver


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    one, two, keys = (tmp_path_factory.mktemp(name) for name in ("proxy1", "proxy2", "ssh"))
    with (
        Sshd(keys) as sshd, weed.running() as store, pproxy(one) as was, pproxy(two) as becomes, Chatwoot() as desk,
        Receiver().beside() as hooks,
    ):  # fmt: skip
        yield World(sshd, store, was, becomes, desk, hooks)


@pytest.fixture(scope="module", params=[True, False], ids=["extensions", "plain"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), speed=10.0, rate_limit=0, extensions=request.param) as server:
        yield server


class Visit:
    """One instance with every block, and a person's console on it, over ssh."""

    def __init__(self, world: World, server: Server, console: Console, name: str, token: str) -> None:
        self.world, self.server, self.console, self.name, self._token = world, server, console, name, token
        self.before = self.held()

    def held(self) -> dict[str, Any]:
        """What every read route tells, the same to the account's token and to the instance's own."""
        told = [self._read(token) for token in (self.server.token, self._token)]
        assert told[0] == told[1]
        return told[0]

    def _read(self, token: str) -> dict[str, Any]:
        out = {}
        for kind, path in READS.items():
            answer = httpx.get(f"{self.server.url}/api/{path}/{self.name}", headers={"token": token}, trust_env=False)
            assert answer.status_code == 200, answer.text
            out[kind] = answer.json()
        out["webhook"]["webhooks"].sort(key=lambda one: one["label"])
        return out

    def only(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Everything is as it was but for this; which is from now on how it was."""
        expected = copy.deepcopy(self.before)
        change(expected)
        self.before = self.held()
        assert self.before == expected

    # -- by keyboard -----------------------------------------------------------------------------------------------------

    def open(self, tab: str, text: str) -> None:
        """The instance's page behind a digit."""
        self.console.ready()
        self.console.wait_badge(self.name, "connected")
        self.console.put_cursor(self.name)
        self.console.press(tab)
        self.console.wait_for(text)

    def turn(self, text: str) -> None:
        """To another page behind the same digit."""
        self.console.press("right")
        self.console.wait_for(text)

    def field(self, title: str, key: str = "down") -> None:
        """By an arrow key to the field whose help says so."""
        for _step in range(30):
            if f" {title}: " in self.console.text():
                return
            before = self.console.mark()
            self.console.press(key)
            self.console.wait_for(lambda console, before=before: console.written_since(before), what="an answer to the key")
            self.console.settle(0.4)  # a toast that goes or makes room is written too, and is no answer
        raise AssertionError(f"{title} is not reached\n{self.console.picture()}")

    def put(self, title: str, value: str) -> None:
        """Empty a field, and type something else."""
        self.field(title)
        self.console.press("end")
        self.console.retype(value)

    def retype_secret(self, title: str, secret: str) -> None:
        """A server that is not known to keep what is left out: the form asks for the secret, and says why."""
        if not self.server.extensions:
            self.console.wait_for("Type it again (or del for none)")
            self.field(title, "down" if title == "Password" else "up")
            self.console.type(secret)
            self.console.wait_gone("Type it again (or del for none)")

    def save(self, says: str = "holds what was asked") -> None:
        self.console.wait_for("* unsaved")
        self.console.press("esc")
        self.console.wait_gone(IN_FIELD)
        self.console.press("r")
        self.console.wait_for("s saves")
        for secret in (PASSWORD, SECRET, BEARER):
            assert secret not in self.console.text()
        self.console.press("s")
        self.console.wait_for(says, 20)

    def leave(self) -> None:
        """Out of the form, the screen and the program; nothing is asked, for nothing is unsaved."""
        self.console.press("esc")
        self.console.wait_for("NAME")
        self.console.quit()

    # -- what comes of it ------------------------------------------------------------------------------------------------

    def writes(self, text: str, **more: Any) -> None:
        """Somebody writes to the number."""
        self.server.simulate(self.name, "message", **{"from": ANA, "text": text} | more)

    def told(self, path: str, text: str) -> list[Sight]:
        """What was delivered there about a message of this text."""
        here = [one for one in list(self.world.hooks.got) if one.path == f"/{self.name}/{path}"]
        return [one for one in here if one.event == "message.exchange" and one.data["message"]["content"] == text]


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return result


@pytest.fixture
def visit(request: pytest.FixtureRequest, world: World, server: Server, tmp_path: Path) -> Iterator[Visit]:
    """Named after its story and the mode."""
    name = request.node.originalname.removeprefix("test_")[:8] + ("-ours" if server.extensions else "-plain")
    made = server.create(
        name, proxyEnabled=True, proxyHost="127.0.0.1", proxyPort=str(world.was.port), proxyProtocol="socks5", proxyUsername=USER,
        proxyPassword=PASSWORD, websocketEnabled=True, websocketEvents=["message.exchange", "instance.state"],
    )  # fmt: skip
    hook = {"enabled": True, "authorization": BEARER, "events": ["message.exchange", "call.update"]}
    writes = [("instance/s3", world.store.block()), ("chatwoot/set", world.desk.body(inboxName=name)),
              ("instance/settings", {"autoRejectCalls": True, "callRejectMessage": "Not now", "ignoreStatus": True})]  # fmt: skip
    for label in ("default", "audit"):
        writes.append(("events/webhook", hook | {"label": label, "url": f"{world.hooks.url}/{name}/{label}"}))
    for path, body in writes:
        server.call("POST", f"/api/{path}/{name}", json=body)
    server.call("GET", f"/api/instance/connect/{name}")
    server.simulate(name, "scan")
    server.wait_state(name, "connected")
    with Console(server.url, server.token, tmp_path, (80, 24), over=world.sshd) as console:
        yield Visit(world, server, console, name, made["token"])
    server.call("DELETE", f"/api/instance/delete/{name}")


def test_settings(visit: Visit) -> None:
    visit.open("2", "Reject message")
    visit.put("Reject message", "Please write")
    visit.save()
    visit.only(lambda held: held["settings"]["settings"].update(callRejectMessage="Please write"))
    visit.server.simulate(visit.name, "call", **{"from": ANA})
    (answer,) = until(lambda: visit.told("default", "Please write"))
    assert answer.data["direction"] == "outgoing" and answer.data["chat"]["jid"].startswith(ANA)

    visit.writes("in a group before", group=GROUP)
    until(lambda: visit.told("default", "in a group before"))
    visit.console.wait_gone("holds what was asked")
    visit.field("Ignore groups")
    visit.console.press("space")
    visit.save()
    visit.only(lambda held: held["settings"]["settings"].update(ignoreGroupMessages=True))
    visit.writes("in a group after", group=GROUP)
    visit.writes("alone")
    until(lambda: visit.told("default", "alone"))
    assert not visit.told("default", "in a group after")
    visit.leave()


def test_proxy(visit: Visit) -> None:
    visit.open("3", "Host")
    visit.put("Port", str(visit.world.becomes.port))
    visit.retype_secret("Password", PASSWORD)
    visit.save("Saved. It acts at the next reconnect")
    visit.only(lambda held: held["proxy"]["proxy"].update(port=str(visit.world.becomes.port)))
    went, log = visit.world.becomes.log.read_text(), visit.world.becomes.log
    visit.console.press("esc")
    visit.console.wait_for("NAME")
    visit.console.press("r")
    until(lambda: log.read_text() != went)
    visit.server.wait_state(visit.name, "connected")
    visit.writes("through the other proxy")
    until(lambda: visit.told("default", "through the other proxy"))
    visit.console.quit()


def test_s3(visit: Visit) -> None:
    visit.open("3", "Host")
    visit.turn("Path prefix")
    visit.put("Path prefix", "new")
    visit.retype_secret("Secret key", SECRET)
    visit.save()
    visit.only(lambda held: held["s3"]["s3"].update(pathPrefix="new"))
    picture = base64.b64encode(b"a picture").decode()
    visit.writes("look", mediaType="image", mediaBase64=picture, caption="look")
    store = S3Store(
        BUCKET, endpoint=visit.world.store.url, access_key_id=ACCESS, secret_access_key=SECRET, region="us-east-1",
        client_options={"allow_http": True},
    )  # fmt: skip

    def there() -> list[Any]:
        return [one for page in obstore.list(store, prefix=f"new/{visit.name}/") for one in page]

    (one,) = until(there)
    assert bytes(obstore.get(store, one["path"]).bytes()) == b"a picture"
    visit.leave()


def test_webhook(visit: Visit) -> None:
    visit.open("4", "Authorization")
    visit.put("URL", f"{visit.world.hooks.url}/{visit.name}/new")
    visit.save()
    visit.only(lambda held: row(held, "default").update(url=f"{visit.world.hooks.url}/{visit.name}/new"))
    visit.console.wait_gone("holds what was asked")

    visit.console.press("a")
    visit.console.wait_for("Another place")
    visit.console.type("crm")
    visit.console.press("enter")
    visit.console.wait_for("crm")
    visit.put("URL", f"{visit.world.hooks.url}/{visit.name}/crm")
    visit.field("Events")
    visit.console.press("space")
    visit.save()
    made = {"url": f"{visit.world.hooks.url}/{visit.name}/crm", "events": ["message.exchange"], "authorization": ""}
    assert row(visit.held(), "crm").items() >= made.items()
    visit.only(lambda held: held["webhook"]["webhooks"].insert(1, row(visit.held(), "crm")))
    visit.console.wait_gone("holds what was asked")

    visit.console.press("left")
    visit.console.wait_for("/audit")
    visit.field("Enabled")
    visit.console.press("space")
    visit.console.wait_for("Switching it off erases the rest")
    visit.save()
    visit.only(lambda held: row(held, "audit").update(enabled=False, url="", authorization="", events=[]))

    visit.writes("to all of them")
    (new,) = until(lambda: visit.told("new", "to all of them"))
    (crm,) = until(lambda: visit.told("crm", "to all of them"))
    assert (new.authorization, crm.authorization) == (BEARER, "")
    assert not visit.told("audit", "to all of them") and not visit.told("default", "to all of them")
    visit.leave()


def row(held: dict[str, Any], label: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in held["webhook"]["webhooks"] if one["label"] == label)
    return found


def test_stream(visit: Visit) -> None:
    visit.open("5", "Media base64")
    visit.field("Events")
    visit.console.press("space")  # the first of them: message.exchange
    visit.save()
    visit.only(lambda held: held["websocket"]["websocket"].update(events=["instance.state"]))
    with visit.server.listen(visit.name) as events:
        visit.writes("not to be told")
        visit.server.simulate(visit.name, "drop", seconds=1)
        events.wait_state("connected")
        assert "message.exchange" not in {frame.get("event") for _at, frame in events.frames}
    visit.leave()


def test_chatwoot(visit: Visit) -> None:
    visit.open("6", "Start as pending")
    visit.field("Start as pending")
    visit.console.press("space")
    visit.save()
    visit.only(lambda held: held["chatwoot"].update(start_as_pending=True))
    before = len(visit.world.desk.state["messages"])
    visit.writes("to the desk")
    until(lambda: len(visit.world.desk.state["messages"]) > before)
    state = visit.world.desk.state
    shown = state["messages"][-1]
    assert shown["content"] == "to the desk"
    assert [one["status"] for one in state["conversations"] if one["id"] == shown["conversation_id"]] == ["pending"]
    visit.leave()


def test_keys_over_a_line(visit: Visit) -> None:
    """A paste of several lines, escape and a letter in one packet, another size in the middle of it, the server away."""
    visit.open("2", "Reject message")
    visit.field("Reject message")
    visit.console.press("end")
    visit.console.send(b"\x1b[200~ and later\nq\nd\r\n\x1b[201~")
    visit.console.wait_for("Not now and later")
    visit.console.wait_for("Of 3 lines only the first was pasted")
    visit.console.resize(50, 20)
    visit.console.wait_for(lambda console: "Not now and later" in console.lines()[5], what="the form in the smaller window")
    visit.console.resize(80, 24)
    visit.console.wait_for("Reject message: ")
    visit.console.send(b"\x1br")
    visit.console.wait_for("s saves")
    if visit.server.extensions:  # it takes the console 20 s to give up: told once
        visit.server.pause()
        visit.console.press("s")
        visit.console.wait_for("Not saved", 40)  # it is read once more before anything is written
        visit.server.go_on()
        visit.console.wait_for("LIVE", 30)
        visit.console.press("r")
        visit.console.wait_for("s saves", 20)
        visit.console.press("s")
        visit.console.wait_for("holds what was asked", 20)
    else:
        visit.console.press("s")
        visit.console.wait_for("holds what was asked")
    visit.only(lambda held: held["settings"]["settings"].update(callRejectMessage="Not now and later"))
    visit.leave()


def test_cut_off_it_leaves_nothing_running_and_what_was_typed(visit: Visit, tmp_path: Path) -> None:
    visit.open("2", "Reject message")
    visit.field("Reject message")
    visit.console.type("x")
    visit.console.wait_for("* unsaved")
    there = running_there(visit.server.url)
    assert there, "the console on the other side"
    visit.console.signal(signal.SIGKILL)
    until(lambda: not running_there(visit.server.url))
    visit.only(lambda held: None)
    with Console(visit.server.url, visit.server.token, tmp_path, (80, 24), over=visit.world.sshd) as again:
        visit.console = again
        visit.open("2", "went away is kept")
        again.press("f")
        again.wait_for("Not nowx")
        visit.field("Reject message")
        visit.save()
        visit.only(lambda held: held["settings"]["settings"].update(callRejectMessage="Not nowx"))
        visit.leave()


def running_there(url: str) -> list[str]:
    """Consoles on that server that this machine runs."""
    out = subprocess.run(["ps", "axww", "-o", "args="], check=True, capture_output=True, text=True).stdout
    return [line for line in out.splitlines() if "ryze_tui --url" in line and url in line and not line.startswith("/usr/bin/ssh")]
