"""What the server answers to the queries of clients. One that is not here fails the test: nothing is answered by guessing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from .media import HOST
from .nodes import Node, at, bare, children, node, shown

if TYPE_CHECKING:
    from .link import Link

Answers = list[Node]
_Answer = Callable[["Link", Node, Node], Awaitable[Answers]]


async def answer(link: Link, query: Node) -> Answers:
    """What goes into the result; an `error` alone makes it one."""
    inside = children(query)
    body = inside[0] if inside else node("")
    known = _KNOWN.get((query.attrs.get("xmlns", ""), body.tag))
    if known is None:
        link.double.fault(f"a query that the double does not know: {shown(query)}")
        return [node("error", code=501, text="feature-not-implemented")]
    return await known(link, query, body)


async def _nothing(_link: Link, _query: Node, _body: Node) -> Answers:
    return []


async def _count(link: Link, _query: Node, _body: Node) -> Answers:
    return [node("count", value=link.device.key_count if link.device else 0)]


async def _upload(link: Link, query: Node, _body: Node) -> Answers:
    assert link.device is not None
    link.device.upload(query)
    return []


async def _active(link: Link, _query: Node, _body: Node) -> Answers:
    assert link.device is not None
    link.device.activate()
    if link.double.greets and not link.device.greeted:
        link.device.greeted = True
        link.later(link.device.phone.greet(link.device))
    return []


async def _privacy(_link: Link, _query: Node, _body: Node) -> Answers:
    return [node("privacy", [node("category", name=name, value="all") for name in ("readreceipts", "last", "online", "profile")])]


async def _code(link: Link, _query: Node, body: Node) -> Answers:
    return link.asked_for_code(body) if body.attrs.get("stage") == "companion_hello" else link.finished_code(body)


async def _logout(link: Link, _query: Node, _body: Node) -> Answers:
    assert link.device is not None
    link.double.devices.remove(link.device)
    link.double.logged_out.append(link.device.jid)
    return []


async def _keys(link: Link, _query: Node, body: Node) -> Answers:
    """Keys of people's phones and of linked devices, for messages to them."""
    users = []
    for user in children(body):
        person, device = link.double.find(user.attrs["jid"]), link.double.device(user.attrs["jid"])
        if device is not None and device.keys is not None:
            inside = device.bundle()
        elif ":" not in user.attrs["jid"] and person is not None:
            inside = await person.sessions.bundle()
        else:
            inside = [node("error", code=404, text="item-not-found")]
        users.append(node("user", inside, jid=user.attrs["jid"]))
    return [node("list", users)]


async def _usync(link: Link, _query: Node, body: Node) -> Answers:
    """Who somebody is: devices, LID, picture. Numbers that nobody has are answered as WhatsApp does, without any."""
    asked = [one.tag for one in children(at(body, "query") or body)]
    users = []
    for user in children(at(body, "list") or body):
        wanted = user.attrs.get("jid", "")
        if not wanted and (contact := at(user, "contact")) is not None and isinstance(contact.content, bytes | str):
            text = contact.content.decode() if isinstance(contact.content, bytes) else contact.content
            wanted = text.lstrip("+").split("@")[0] + "@s.whatsapp.net"
        person = link.double.find(wanted)
        inside = []
        if "contact" in asked:
            inside.append(node("contact", type="in" if person else "out"))
        if person is not None:
            numbers = [0, *(device for device in link.double.numbers(person))]
            if "devices" in asked:
                inside.append(node("devices", [node("device-list", [node("device", id=number) for number in numbers])]))
            if "lid" in asked:
                inside.append(node("lid", val=person.lid))
        users.append(node("user", inside, jid=wanted))
    return [node("usync", [node("result"), node("list", users)])]


async def _media(link: Link, _query: Node, _body: Node) -> Answers:
    return [node("media_conn", [node("host", hostname=HOST)], auth="auth-of-the-double", ttl=300, auth_ttl=21600, max_buckets=12)]


async def _group(link: Link, query: Node, _body: Node) -> Answers:
    group = link.double.groups.get(query.attrs.get("to", ""))
    if group is None:
        return [node("error", code=404, text="item-not-found")]
    if link.device is None or link.device.phone not in group.members:
        return [node("error", code=403, text="forbidden")]
    return [group.described()]


async def _groups(link: Link, _query: Node, _body: Node) -> Answers:
    phone = link.device.phone if link.device else None
    return [node("groups", [group.described() for group in link.double.groups.values() if phone in group.members])]


async def _picture(link: Link, query: Node, _body: Node) -> Answers:
    person = link.double.find(bare(query.attrs.get("target", "")))
    if person is None or not person.picture:
        return [node("error", code=404, text="item-not-found")]
    path = link.double.media.plain(person.picture)
    return [node("picture", id="1", url=f"https://pps.whatsapp.net{path}", type="image", direct_path=path)]


async def _settings(link: Link, _query: Node, body: Node) -> Answers:
    assert link.device is not None
    settings, media = link.device.phone.settings, link.double.media
    return [node("sync", [settings.collection(one.attrs["name"], one.attrs.get("return_snapshot") == "true", media,
                                              int(one.attrs.get("version", "0")))
                          for one in children(body)])]  # fmt: skip


_KNOWN: Final[dict[tuple[str, str], _Answer]] = {
    ("w:p", ""): _nothing,
    ("w:p", "ping"): _nothing,
    ("encrypt", "count"): _count,
    ("encrypt", "registration"): _upload,
    ("encrypt", "key"): _keys,
    ("passive", "active"): _active,
    ("passive", "passive"): _nothing,
    ("privacy", "privacy"): _privacy,
    ("privacy", "tokens"): _nothing,
    ("md", "link_code_companion_reg"): _code,
    ("md", "remove-companion-device"): _logout,
    ("usync", "usync"): _usync,
    ("w:m", "media_conn"): _media,
    ("w:g2", "query"): _group,
    ("w:sync:app:state", "sync"): _settings,
    ("w:g2", "participating"): _groups,
    ("w:profile:picture", "picture"): _picture,
}
