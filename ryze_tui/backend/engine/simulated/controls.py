"""What a person does with a virtual phone, and what WhatsApp does to it: the simulator's controls (`/simulator/…`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from ...errors import EngineError
from .codes import normal
from .conversations import ACTIONS, Conversations
from .engine import BANS, SimulatedEngine
from .fields import Impossible, Invalid, number, seconds, text
from .link import Link, Phase, Session
from .storm import Storm

NAMES: Final = ("Ana Souza", "Bruno Lima", "Carla Dias", "Diego Rocha", "Elisa Prado", "Fabio Nunes", "Gabi Torres", "Hugo Reis")


class Controls:
    """Each action takes the link and the request's body and returns what the answer adds."""

    def __init__(self, engine: SimulatedEngine) -> None:
        self._engine = engine
        self._storms: dict[str, Storm] = {}
        self.actions: dict[str, Callable[[Link, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
            "scan": self.scan, "enter-code": self.enter_code, "unlink": self.unlink, "ban": self.ban, "drop": self.drop,
        } | Conversations(engine).actions

    async def act(self, instance: str, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Raises Impossible, Invalid, KeyError for an unknown action."""
        return await self.actions[action](self._link(instance), body)

    def _link(self, instance: str) -> Link:
        return self._engine.links.get(instance) or Link(instance)

    def phone(self, instance: str) -> dict[str, Any]:
        """What the phone shows and what can be done now."""
        link = self._link(instance)
        alive = self._engine.alive_code(link)
        online, session = link.phase is Phase.ONLINE, link.session
        possible = {
            "scan": alive is not None, "enter-code": alive is not None and bool(link.code), "unlink": session is not None,
            "ban": online, "drop": online, **dict.fromkeys(ACTIONS, online),
        }
        return {
            "link": str(link.phase), "number": session.number if session else "", "name": session.name if session else "",
            "code": 0 if alive is None else alive + 1, "codes": len(link.codes),
            "pairingCode": link.code if alive is not None else "",
            "actions": [action for action, can in possible.items() if can],
        }

    # -- pairing -------------------------------------------------------------------------------------------------------

    async def scan(self, link: Link, body: dict[str, Any]) -> dict[str, Any]:
        """`{number?, name?, business?, code?}`; `code`, when given, must be the QR text that can be scanned now."""
        alive = self._engine.alive_code(link)
        if alive is None:
            raise Impossible("no QR code is waiting to be scanned")
        code = text(body, "code")
        if code and code != link.codes[alive]:
            raise Impossible("this QR code is dead: another one is shown now")
        return await self._accept(link, number(body, "number") or link.number, body)

    async def enter_code(self, link: Link, body: dict[str, Any]) -> dict[str, Any]:
        """`{code}`, as a person types it."""
        if self._engine.alive_code(link) is None or not link.code:
            raise Impossible("no pairing code is waiting to be entered")
        if normal(text(body, "code")) != link.code:
            raise Impossible("this is not the pairing code that is shown now")
        return await self._accept(link, link.number, body)

    async def _accept(self, link: Link, whose: str, body: dict[str, Any]) -> dict[str, Any]:
        rng = self._engine.rng
        whose = whose or f"55119{rng.randrange(10**8):08d}"
        business = text(body, "business")
        session = Session(whose, text(body, "name") or business or rng.choice(NAMES), business)
        if link.session is not None and link.session.number == whose:
            session.banned_until, session.ban_code = link.session.banned_until, link.session.ban_code
        try:
            await self._engine.linked(link, session)
        except EngineError as error:
            raise Impossible(str(error)) from error
        return {"number": whose, "name": session.name}

    # -- trouble -------------------------------------------------------------------------------------------------------

    def _online(self, link: Link) -> Session:
        if link.phase is not Phase.ONLINE or link.session is None:
            raise Impossible("the instance is not connected")
        return link.session

    async def _keep(self, link: Link) -> None:
        if link.session is not None:
            await self._engine.sessions.save_session(link.instance, link.session.dump())

    async def unlink(self, link: Link, body: dict[str, Any]) -> dict[str, Any]:
        """Log the device out on the phone; without a link WhatsApp says so at the next dial."""
        if link.session is None:
            raise Impossible("no device is linked")
        if link.phase in (Phase.ONLINE, Phase.LINKING):
            await self._engine.revoke(link, on_connect=False)
        else:
            link.session.revoked = True
            await self._keep(link)
        return {}

    async def ban(self, link: Link, body: dict[str, Any]) -> dict[str, Any]:
        """`{seconds? (3600), code? (104)}`"""
        lasts = seconds(body, 3600.0)
        code = body.get("code", 104)
        if not isinstance(code, int) or code not in BANS:
            raise Invalid(f"code is one of {', '.join(map(str, BANS))}")
        session = self._online(link)
        session.banned_until, session.ban_code = self._engine.clock.now() + lasts / self._engine.speed, code
        await self._keep(link)
        self._online(link)
        self._engine.ban(link)
        return {"seconds": lasts}

    async def drop(self, link: Link, body: dict[str, Any]) -> dict[str, Any]:
        """`{seconds? (10)}`: comes back by itself then, or earlier when somebody reconnects."""
        lasts = seconds(body, 10.0)
        self._online(link)
        self._engine.drop(link, lasts)
        return {"seconds": lasts}

    # -- everything at once --------------------------------------------------------------------------------------------

    def storm(self, instances: list[str], body: dict[str, Any], owner: str = "") -> dict[str, Any]:
        """`{rate, seconds}`: state changes a second over these instances; the owner's storm that blows already ends."""
        rate, lasts = seconds(body, 100.0, "rate", 100_000.0), seconds(body, 10.0, "seconds", 3600.0)
        if (storm := self._storms.pop(owner, None)) is not None:
            storm.stop()
        links = [link for instance in instances if (link := self._engine.links.get(instance)) is not None]
        links = [link for link in links if link.phase is Phase.ONLINE]
        if not links:
            raise Impossible("no instance is connected")
        self._storms[owner] = Storm(self._engine, links, rate, lasts)
        return {"rate": rate, "seconds": lasts, "instances": len(links)}
