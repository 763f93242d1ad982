"""What the library tells, in its own protobuf, becomes our data: each kind once, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.whatsapp
_SCRIPT = '''
import json, sys, time
import neonize.events as ev
from neonize.proto.Neonize_pb2 import JID
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message
from ryze_tui.backend.engine.whatsapp.worker import convert

def message(**fields):
    return convert.content(Message(**fields))

def jid(user, server="s.whatsapp.net"):
    return JID(User=user, Server=server, RawAgent=0, Device=0, Integrator=0, IsEmpty=False)

text = {"conversation": "hi"}
inner = Message(**text)
for _ in range(12):
    inner = Message(ephemeralMessage={"message": inner})
history = ev.HistorySyncEv()
talk = history.Data.conversations.add()
talk.ID = "5511@s.whatsapp.net"
for ident, ago, body, key in (
    ("old", 40, text, {}), ("late", 1, text, {"fromMe": True}), ("nothing", 1, {}, {}),
    ("early", 2, text, {"participant": "77@lid", "remoteJID": "9@lid"}),
):
    one = talk.messages.add().message
    one.key.ID = ident
    one.key.fromMe = key.get("fromMe", False)
    one.key.participant, one.key.remoteJID = key.get("participant", ""), key.get("remoteJID", "")
    one.messageTimestamp = int(time.time() - ago * 86400)
    if body:
        one.message.CopyFrom(Message(**body))

def group(**fields):
    event = ev.GroupInfoEv(JID=jid("120363", "g.us"), Timestamp=1)
    for name, value in fields.items():
        if isinstance(value, list):
            getattr(event, name).extend(value)
        elif isinstance(value, str):
            getattr(event, name).Name = value
        else:
            getattr(event, name).SetInParent()
    return next(make(event) for kind, what, make in convert.TRAFFIC if kind is ev.GroupInfoEv)

print(json.dumps({
    "wrapped": message(ephemeralMessage={"message": Message(**text)}), "too deep": convert.content(inner),
    "extended": message(extendedTextMessage={"text": "a", "contextInfo": {"stanzaID": "Q", "mentionedJID": ["1@x"]}}),
    "bare": message(extendedTextMessage={"text": "a"}),
    "image": message(imageMessage={"caption": "look", "mimetype": "image/png", "fileLength": 5}),
    "voice": message(audioMessage={"PTT": True, "mimetype": "audio/ogg"}),
    "place": message(locationMessage={"degreesLatitude": 1.5, "degreesLongitude": 2.5, "name": "Se"}),
    "contact": message(contactMessage={"displayName": "Bob", "vcard": "BEGIN"}),
    "reaction": message(reactionMessage={"text": "x", "key": {"ID": "M"}}),
    "poll": message(pollCreationMessage={"name": "Lunch?", "options": [{"optionName": "yes"}]}),
    "revoke": message(protocolMessage={"type": 0, "key": {"ID": "M"}}),
    "edit": message(protocolMessage={"type": 14, "key": {"ID": "M"}, "editedMessage": Message(conversation="better")}),
    "edit of nothing": message(protocolMessage={"type": 14, "key": {"ID": "M"}, "editedMessage": Message()}),
    "other": message(protocolMessage={"type": 3}), "nothing": message(),
    "history": [(one["id"], one["from_me"], one["chat"], one["chat_lid"], one["sender"], one["sender_lid"])
                for one in convert.history(history, 30)],
    "join": group(Join=[jid("5511")]), "leave": group(Leave=[jid("5511")]), "promote": group(Promote=[jid("5511")]),
    "demote": group(Demote=[jid("5511")]), "name": group(Name="Team"), "topic": group(Topic=None), "delete": group(Delete=None),
    "none": group(),
}))
'''


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    script = tmp_path_factory.mktemp("convert") / "script.py"
    script.write_text(_SCRIPT)
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script.read_text()], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_texts(told: dict[str, Any]) -> None:
    assert told["wrapped"] == {"text": "hi"} and told["too deep"] is None, "nobody can have us unwrap for ever"
    assert told["extended"] == {"text": "a", "reply_to": "Q", "mentions": ["1@x"]} and told["bare"] == {"text": "a"}


def test_media(told: dict[str, Any]) -> None:
    image, voice = told["image"], told["voice"]
    assert (image["text"], image["media"]["kind"], image["media"]["mimetype"], image["media"]["size"]) == (
        "look", "image", "image/png", 5,
    )  # fmt: skip
    assert image["media"]["reference"] and not image["media"]["voice"] and voice["media"]["voice"]


def test_other_kinds(told: dict[str, Any]) -> None:
    assert told["place"]["location"] == {"latitude": 1.5, "longitude": 2.5, "name": "Se", "address": ""}
    assert told["contact"]["contact"] == {"display_name": "Bob", "vcard": "BEGIN"}
    assert (told["reaction"]["reply_to"], told["poll"]["poll"]["options"]) == ("M", [{"name": "yes"}])
    assert told["revoke"] == {"type": "message_revoke", "reply_to": "M"}
    assert told["edit"]["edit"] == {"original_id": "M", "text": "better"} and told["edit of nothing"]["edit"]["text"] == ""
    assert told["other"] is None and told["nothing"] is None


def test_history_is_of_its_days_in_order_and_of_the_right_people(told: dict[str, Any]) -> None:
    chat = "5511@s.whatsapp.net"
    assert told["history"] == [["early", False, "", "9@lid", "", "77@lid"], ["late", True, chat, "", "", ""]]


@pytest.mark.parametrize(("what", "kind"), [
    ("join", "joined"), ("leave", "left"), ("promote", "promoted"), ("demote", "demoted"), ("name", "name"), ("topic", "topic"),
    ("delete", "delete"),
])  # fmt: skip
def test_groups(told: dict[str, Any], what: str, kind: str) -> None:
    assert told[what]["type"] == kind and told[what]["group"] == "120363@g.us" and told["none"] is None
