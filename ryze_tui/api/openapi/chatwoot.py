"""The operations of an instance's Chatwoot inbox (contract §6), and where the inbox calls back."""

from __future__ import annotations

from typing import Any, Final

from .. import errors as texts
from ..blocks import Chatwoot
from .operations import JSON, Answer, Operation, errors, ok, refusals
from .schemas import FLAG, TEXT, TIME, Schema, request, shape, tried_steps

_INSTANCE: Final = (texts.CHATWOOT_INSTANCE_NOT_FOUND,)
_REQUIRED: Final = ("chatwootBaseUrl", "chatwootAccountId", "chatwootApiToken", "inboxName")


def _refused(**more: tuple[str, ...]) -> dict[int, Answer]:
    return refusals(**{"s403": (texts.TOKEN_MISMATCH,), "s404": _INSTANCE} | more)


OPERATIONS: Final = (
    Operation(
        "POST", "/api/chatwoot/set/{instance}", "setChatwoot", "chatwoot", "Connect an instance to a Chatwoot inbox", {
            201: Answer("The inbox was made, or is the one that was made before.", {JSON: "ChatwootSet"}),
            **_refused(
                s400=(f"{texts.CHATWOOT_INVALID_BODY}: …", "Chatwoot account or endpoint not found - …",
                      "Chatwoot rejected the request as invalid - …"),
                s401=(texts.MISSING_TOKEN, texts.INVALID_TOKEN, "Chatwoot rejected the API token - …"),
                s403=(texts.TOKEN_MISMATCH, "Chatwoot denied the request - …"), s412=(texts.CHANGED_MEANWHILE,),
                s413=(texts.BODY_TOO_LARGE,),
                s502=("Chatwoot at … cannot answer now - …",), s503=("Chatwoot could not be reached at … - …",),
            ),
        }, body="ChatwootConfiguration",
        description="Token and account are tried out. Sending it again uses the inbox of that name again. "
                    "Heeds `If-Match`, as settings do.",
    ),
    Operation(
        "POST", "/api/chatwoot/test/{instance}", "testChatwoot", "chatwoot", "Try a Chatwoot configuration out", {
            **ok("ChatwootTested", "What `set` would find; the step that failed is the last one."),
            **_refused(s400=(f"{texts.CHATWOOT_INVALID_BODY}: …",), s413=(texts.BODY_TOO_LARGE,),
                       s500=("Failed to read chatwoot integration: …",)),
        }, body="ChatwootTrial",
        description="An extension. Nothing is made and nothing stored. A token that is left out is the stored one, for the "
                    "Chatwoot it was set with; for another it is asked for.",
    ),
    Operation(
        "GET", "/api/chatwoot/list/{instance}", "getChatwoot", "chatwoot", "How an instance is connected to Chatwoot", {
            **ok("ChatwootRead", "With the API token in clear, and why the last message could not be shown."),
            **_refused(s404=(*_INSTANCE, texts.NO_CHATWOOT)),
        },
    ),
    Operation(
        "DELETE", "/api/chatwoot/delete/{instance}", "deleteChatwoot", "chatwoot", "Disconnect an instance from Chatwoot", {
            **ok("ChatwootDeleted", "The inbox stays."),
            **_refused(s404=(*_INSTANCE, texts.NO_CHATWOOT_TO_DELETE), s412=(texts.CHANGED_MEANWHILE,)),
        },
    ),
    Operation(
        "POST", "/chatwoot/{secret}", "chatwootCallback", "chatwoot", "Where a Chatwoot inbox calls back", {
            **ok("ChatwootReceived", "It is kept, and done afterwards."),
            **errors(s400=(texts.INVALID_BODY,), s404=(texts.NOT_FOUND,), s413=(texts.BODY_TOO_LARGE,),
                     s429=(texts.RATE_LIMITED,), s500=(texts.INTERNAL,)),
        }, tokens="", body="ChatwootEvent", limited=False,
        description="For Chatwoot only: the path is the secret. Limited by instance, strangers by address.",
    ),
)  # fmt: skip


def components() -> dict[str, Schema]:
    """Bodies and answers; successes carry no `success` here."""
    number: Schema = {"type": "integer"}
    body: dict[str, Any] = request(Chatwoot, _REQUIRED)
    body["properties"].pop("enabled")
    body["properties"]["chatwootAccountId"] |= {"minimum": 1}
    for name in ("chatwootBaseUrl", "chatwootApiToken", "inboxName"):
        body["properties"][name] |= {"minLength": 1}
    inbox = shape({"exists": FLAG, "id": {"type": ["integer", "null"]}})
    return {
        "ChatwootConfiguration": body,
        "ChatwootTrial": body | {"required": [name for name in body["required"] if name != "chatwootApiToken"]},
        "ChatwootTested": shape({
            "message": {"enum": ["Chatwoot test passed", "Chatwoot test failed"]},
            "steps": tried_steps("token", "account", "inbox"),
            "inbox": {**inbox, "description": "That `set` would use: one of ours, or one that is made then."},
        }),
        "ChatwootSet": shape({
            "instance": TEXT, "status": {"const": "active"}, "bridge_integration_id": TEXT,
            "message": {"const": "chatwoot integration activated"},
        }),
        "ChatwootRead": shape({
            "instance_name": TEXT, "status": {"enum": ["active", "paused", "error"]}, "bridge_integration_id": TEXT,
            "chatwoot_base_url": TEXT, "chatwoot_account_id": number, "chatwoot_api_token": {**TEXT, "format": "password"},
            "chatwoot_inbox_id": number, "chatwoot_inbox_name": TEXT, "last_error": TEXT, "created_at": TIME,
            "sign_messages": FLAG, "ignore_groups": FLAG, "start_as_pending": FLAG, "reopen_resolved": FLAG,
        }),
        "ChatwootDeleted": shape({"message": {"const": "chatwoot integration deactivated"}}),
        "ChatwootEvent": {"type": "object", "description": "As Chatwoot sends it; only replies of agents matter."},
        "ChatwootReceived": shape({"success": {"const": True}, "message": {"const": "Received"}}),
    }  # fmt: skip
