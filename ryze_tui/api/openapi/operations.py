"""Every route of the contract that our server has, and of our extensions: who may call, what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .. import errors as texts

JSON: Final = "application/json"
EXAMPLE_NAME: Final = "sales"
HTTP_METHODS: Final = frozenset({"GET", "POST", "DELETE"})
STOPPING: Final = "The server is shutting down"

Query = Mapping[str, tuple[str, dict[str, Any]]]
"""Name -> description and schema."""


@dataclass(slots=True, frozen=True)
class Answer:
    """One status. `content`: media type -> component, none = no body. `texts`: error messages to show as examples.

    `links`: operations on the instance that this answer is about.
    """

    description: str
    content: Mapping[str, str] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class Operation:
    """A method of a path. `tokens`: A the account's, I the instance's own; empty = none. `upgrade`: becomes a socket."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    answers: Mapping[int, Answer]
    tokens: str = "AI"
    description: str = ""
    query: Query = field(default_factory=dict)
    body: str = ""
    body_required: bool = True
    limited: bool = True
    upgrade: bool = False

    @property
    def schemes(self) -> tuple[str, ...]:
        """Where the token may be."""
        if not self.tokens:
            return ()
        return ("token", "bearer", "query") if self.upgrade and "I" in self.tokens else ("token", "bearer")


def ok(component: str, description: str = "Done.", status: int = 200, headers: tuple[str, ...] = ()) -> dict[int, Answer]:
    """A success in JSON."""
    return {status: Answer(description, {JSON: component}, headers=headers)}


def errors(**told: tuple[str, ...]) -> dict[int, Answer]:
    """Errors by status: `s404=("Instance not found",)`."""
    return {int(status[1:]): Answer(" / ".join(words), {JSON: "Error"}, words) for status, words in told.items()}


_ALWAYS: Final = errors(
    s401=(texts.MISSING_TOKEN, texts.INVALID_TOKEN), s429=(texts.RATE_LIMITED,), s500=(texts.INTERNAL,),
)  # fmt: skip


def refusals(**told: tuple[str, ...]) -> dict[int, Answer]:
    """Errors by status, and those of every operation that needs a token."""
    return _ALWAYS | errors(**told)


def on_instance(**more: tuple[str, ...]) -> dict[int, Answer]:
    """Errors of every operation on one instance."""
    always = {"s403": (texts.TOKEN_MISMATCH,), "s404": (texts.INSTANCE_NOT_FOUND,)}
    return refusals(**more | {status: told + more.get(status, ()) for status, told in always.items()})


_BODY: Final = (texts.INVALID_BODY, f"{texts.INVALID_BODY}: enabled: Field required")
_TOO_LARGE: Final = (texts.BODY_TOO_LARGE,)
_STOPPING: Final = (STOPPING,)

_LIFE: Final = (
    Operation(
        "POST", "/api/instance/new", "createInstance", "instance", "Create an instance", {
            201: Answer("Created, in state disconnected.", {JSON: "Created"}, links=(
                "connectInstance", "reconnectInstance", "logoutInstance", "deleteInstance", "setWebsocket", "getWebsocket")),
            **refusals(s400=(texts.INVALID_BODY, texts.NAME_REQUIRED), s403=(texts.QUOTA_EXCEEDED,),
                       s409=(texts.INSTANCE_EXISTS, texts.TOKEN_IN_USE), s413=_TOO_LARGE, s500=("Failed to create instance: …",)),
        }, tokens="A", body="NewInstance",
        description="Every block may be configured in the same call; one that cannot act is stored switched off and never "
                    "aborts the creation. Has a rate limit of its own, a fifth of the other.",
    ),
    Operation(
        "GET", "/api/instance/list", "listInstances", "instance", "List instances", {
            **ok("InstanceList", "By name."), **refusals(s404=(texts.INSTANCE_NOT_FOUND,)),
        }, description="A TokenInstance gets its own instance, whatever the filter.",
        query={"instanceName": ("One name, which must exist, or several separated by commas, of which unknown ones are dropped.",
                                {"type": "string"})},
    ),
    Operation(
        "GET", "/api/instance/connect/{instance}", "connectInstance", "instance", "Pair by QR code or pairing code", {
            **ok("Connect", "The code, or that it is connected already."),
            **on_instance(s400=("Invalid phone number: digits only, country code first, e.g. 5511999999999",
                                "Invalid history: a number of days is wanted"),
                          s409=("Replaced by a newer connect", "Replaced by a reconnect",
                                "The instance was logged out meanwhile"),
                          s500=(texts.QR_TIMEOUT, "Failed to connect: …"), s503=_STOPPING),
        }, description="Waits for the code, at most a minute. A pairing that is pending is replaced.",
        query={
            "number": ("The phone's number, country code first, for a pairing code instead of a QR code.", {"type": "string"}),
            "history": ("Days of history to ask for at the first pairing.", {"type": "string", "pattern": "^[0-9]{0,5}$"}),
        },
    ),
    Operation(
        "POST", "/api/instance/reconnect/{instance}", "reconnectInstance", "instance", "Dial again with the saved session", {
            **ok("Reconnect", "It was begun; what comes of it is told by events and the list."),
            **on_instance(s400=(texts.NO_SESSION,), s500=("Failed to reconnect: …",), s503=_STOPPING),
        }, description="A body is ignored.",
    ),
    Operation(
        "DELETE", "/api/instance/logout/{instance}", "logoutInstance", "instance", "Unlink the device, keep the instance", {
            **ok("Logout"), **on_instance(s500=("Failed to logout instance",), s503=_STOPPING),
        }, description="May be repeated.",
    ),
    Operation(
        "DELETE", "/api/instance/delete/{instance}", "deleteInstance", "instance", "Log out and remove for good", {
            **ok("Delete"),
            **refusals(s404=(texts.INSTANCE_NOT_FOUND,), s500=("Failed to delete instance: …",), s503=_STOPPING),
        }, tokens="A",
    ),
)  # fmt: skip

_FULL: Final = (texts.RATE_LIMITED, "At most 16 sockets at a time")
_UPGRADED: Final = Answer("The socket is open; events follow as text frames of JSON.")

_EVENTS: Final = (
    Operation(
        "POST", "/api/events/websocket/{instance}", "setWebsocket", "events", "Configure an instance's socket", {
            **ok("WebsocketWritten"),
            **on_instance(s400=_BODY, s412=(texts.CHANGED_MEANWHILE,), s413=_TOO_LARGE,
                          s500=("Failed to update websocket configuration: …",)),
        }, body="WebsocketConfiguration",
        description="Replaces it as a whole; sockets that are open stay open. Heeds `If-Match`, as settings do.",
    ),
    Operation(
        "GET", "/api/events/getWebsocket/{instance}", "getWebsocket", "events", "How an instance's socket is configured", {
            **ok("WebsocketRead"), **on_instance(s404=(texts.NO_WEBSOCKET,)),
        },
    ),
    Operation(
        "GET", "/ws/{instance}", "instanceSocket", "events", "Follow one instance", {
            101: _UPGRADED,
            **on_instance(s400=(texts.WEBSOCKET_OFF.format(instance=EXAMPLE_NAME),), s403=(texts.ORIGIN_REFUSED,),
                          s404=(texts.NOT_FOUND,), s429=_FULL),
        }, upgrade=True,
        query={"token": ("For browsers, which cannot send the header.", {"type": "string", "format": "password"})},
        description="A WebSocket. Without an upgrade it is 404.",
    ),
    Operation(
        "GET", "/ws", "accountSocket", "events", "Follow every instance of the account", {
            101: _UPGRADED, **refusals(s403=(texts.ORIGIN_REFUSED,), s404=(texts.NOT_FOUND,), s429=_FULL),
        },
        tokens="A", upgrade=True,
        description="A WebSocket, an extension. Without an upgrade it is 404. The token is never in the query.",
        query={
            "events": ("Names of events, separated by commas; none means all.", {"type": "string"}),
            "after": ("`seq` of the last frame that was seen: only what came later is sent, if that is known still.",
                      {"type": "string"}),
        },
    ),
)  # fmt: skip

_RPC_BAD: Final = {400: Answer("Not JSON, or not a JSON-RPC 2.0 request.", {JSON: "RpcFailure"})}

_SERVER: Final = (
    Operation(
        "GET", "/health", "health", "server", "Whether the server is well", {
            **ok("Health", "It is."), **ok("Health", "It is not; `checks` says why.", 503), **errors(s500=(texts.INTERNAL,)),
        }, tokens="", limited=False,
    ),
    Operation(
        "GET", "/openapi.json", "openapi", "server", "This document", {**ok("OpenApi"), **errors(s500=(texts.INTERNAL,))},
        tokens="", limited=False, description="An extension.",
    ),
    Operation(
        "POST", "/mcp", "mcp", "mcp", "JSON-RPC 2.0", {
            200: Answer("The answer; an event stream of one event for `tools/call`.",
                        {JSON: "RpcAnswer", "text/event-stream": "EventStream"}, headers=("Mcp-Session-Id",)),
            202: Answer("A notification was taken."), **_RPC_BAD, **refusals(s413=_TOO_LARGE),
        }, body="RpcRequest",
        description="`initialize`, `ping`, `tools/list` and `tools/call` of the tools of the life cycle, of webhooks and of "
                    "messages.",
    ),
    Operation("DELETE", "/mcp", "endMcp", "mcp", "End a session", {204: Answer("It is over."), **refusals()}),
)  # fmt: skip

OPERATIONS: Final = (*_LIFE, *_EVENTS, *_SERVER)
"""In the order of the document."""
