"""The controls of the virtual phones, which a server with `--engine simulated` has besides the contract's routes."""

from __future__ import annotations

from typing import Any, Final

from .. import errors as texts
from .operations import Operation, ok, refusals
from .schemas import COUNT, FLAG, TEXT, or_null, shape

NUMBER: Final[dict[str, Any]] = {
    **TEXT, "description": "Phone number, country code first: 7 to 15 digits.", "examples": ["5511999999999"],
}  # fmt: skip
_SECONDS: Final[dict[str, Any]] = {"type": "number", "exclusiveMinimum": 0, "maximum": 30 * 86400}
_GROUP: Final[dict[str, Any]] = {
    **TEXT, "pattern": r"^[0-9]{5,30}(-[0-9]{5,20})?@g\.us$", "examples": ["120363000000000001@g.us"],
}  # fmt: skip
_IN_GROUP: Final[dict[str, Any]] = {**_GROUP, "pattern": r"^([0-9]{5,30}(-[0-9]{5,20})?@g\.us)?$", "description": "Empty: none."}
_PERSON: Final = {"name": TEXT, "business": {**TEXT, "description": "Name of the business, when it is one."}}

ACTIONS: Final[dict[str, tuple[str, dict[str, Any], dict[str, Any]]]] = {
    "scan": ("Scan the QR code", {}, {"number": NUMBER, "code": {**TEXT, "description": "Only if it is this one."}, **_PERSON}),
    "enter-code": ("Type the pairing code", {"code": TEXT}, _PERSON),
    "unlink": ("Unlink the device on the phone", {}, {}),
    "ban": ("Ban the number for a time", {}, {"seconds": _SECONDS | {"default": 3600},
                                              "code": {"type": "integer", "enum": [101, 102, 103, 104, 106]}}),
    "drop": ("Cut the link for a time", {}, {"seconds": _SECONDS | {"default": 10}}),
    "message": ("A message comes in", {"from": NUMBER}, {
        "text": TEXT, "mediaType": {**TEXT, "enum": ["image", "video", "audio", "document", "sticker"]},
        "mediaBase64": {**TEXT, "contentEncoding": "base64"}, "caption": TEXT, "mimetype": TEXT, "fileName": TEXT,
        "isVoice": FLAG, "group": _IN_GROUP, "status": {**FLAG, "description": "It is a story."},
    }),
    "call": ("Somebody calls", {"from": NUMBER}, {}),
    "group-event": ("Something happens in a group", {"group": _GROUP, "type": {**TEXT, "examples": ["joined"], "minLength": 1}}, {
        "participants": {"type": "array", "items": NUMBER}, "name": TEXT,
    }),
    "label": ("A label changes", {"type": {**TEXT, "enum": ["edit", "chat"]}, "labelId": {**TEXT, "minLength": 1}}, {
        "name": TEXT, "color": {"type": "integer", "minimum": 0, "maximum": 10}, "deleted": FLAG, "chat": NUMBER,
        "action": {**TEXT, "enum": ["add", "remove"]},
    }),
}  # fmt: skip
"""Action -> summary, required and optional fields of its body."""

_RATE: Final[dict[str, Any]] = {"type": "number", "exclusiveMinimum": 0, "maximum": 100_000, "default": 100}
_STORM: Final = {"rate": _RATE, "seconds": _SECONDS | {"maximum": 3600, "default": 10}}


def _body_name(action: str) -> str:
    return "Simulator" + "".join(word.capitalize() for word in action.split("-"))


def _refused(*states: str) -> dict[int, Any]:
    return refusals(s400=(texts.INVALID_BODY, "Simulator: from is required: the sender's phone number"), s409=states,
                    s404=(texts.INSTANCE_NOT_FOUND,), s413=(texts.BODY_TOO_LARGE,))  # fmt: skip


OPERATIONS: Final = (
    *(
        Operation(
            "POST", f"/simulator/{{instance}}/{action}", _body_name(action).replace("Simulator", "simulate"), "simulator",
            summary, {**ok("Simulated"), **_refused("Simulator: the instance is not connected")},
            tokens="A", body=_body_name(action), body_required=bool(required),
        )
        for action, (summary, required, _) in ACTIONS.items()
    ),
    Operation(
        "GET", "/simulator/{instance}", "simulatorPhone", "simulator", "What the virtual phone shows",
        {**ok("SimulatedPhone"), **refusals(s404=(texts.INSTANCE_NOT_FOUND,))}, tokens="A",
    ),
    Operation(
        "POST", "/simulator/storm", "simulateStorm", "simulator", "Change states over all connected instances",
        {**ok("Simulated", "It began."), **refusals(s400=(texts.INVALID_BODY,), s409=("Simulator: no instance is connected",),
                                                     s413=(texts.BODY_TOO_LARGE,))},
        tokens="A", body="SimulatorStorm", body_required=False,
    ),
)  # fmt: skip
"""An unknown action is a 404. Limits count strangers only, so their headers may be missing."""


def components() -> dict[str, Any]:
    """The bodies and answers of the controls."""
    phone = shape({
        "link": TEXT, "number": TEXT, "name": TEXT, "code": COUNT, "codes": COUNT,
        "pairingCode": {**TEXT, "format": "password"}, "actions": {"type": "array", "items": {"enum": list(ACTIONS)}},
    })  # fmt: skip
    made = {
        _body_name(action): shape(required, {name: or_null(schema) for name, schema in optional.items()})
        for action, (_, required, optional) in ACTIONS.items()
    }
    return {
        **made, "SimulatorStorm": shape({}, {name: or_null(schema) for name, schema in _STORM.items()}),
        "Simulated": shape({"success": {"const": True}, "message": {**TEXT, "pattern": "^SIMULATED "}}),
        "SimulatedPhone": shape({"success": {"const": True}, "phone": phone}),
    }  # fmt: skip
