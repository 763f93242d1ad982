"""The profiles as their screen shows them, and what is asked before another one is opened."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .. import config, keys
from ..config.tokens import in_words, origin
from ..i18n import _
from .accounts import Place
from .words import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..config.loading import Config
    from .app import RyzeConsole


@dataclass(frozen=True, slots=True)
class Known:
    """One line: a profile, or a place that was open in this run and is none (`place`). `token`: where it comes from, in words.

    `counts`: state -> rows, as of `seen`.
    """

    name: str
    url: str = ""
    token: str = ""
    read_only: bool = False
    current: bool = False
    place: Place | None = field(default=None, repr=False)
    counts: Mapping[str, int] = field(default_factory=dict)
    seen: float = 0.0

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc


def listed(app: RyzeConsole, settings: Config) -> list[Known]:
    """The profiles in the order of the file, then what else was open. `settings`: without problems."""
    now, found = app.accounts.place, []
    for name in settings.names:
        entry: Mapping[str, Any] = settings.document["profiles"][name]
        token, only = in_words(*origin(entry)), entry.get("read_only") is True
        found.append(Known(name, config.clean_url(entry["url"]), token, only, now.profile == name))
    others = dict(app.accounts.visited)
    if now.url and now.profile not in settings.names:
        others[now.title] = now
    for name, place in others.items():
        if name not in settings.names:
            found.append(Known(name, place.url, "", place.read_only, place == now, place))
    return found


def counted(known: Known, settings: Config) -> Known:
    """With the counts of the list that was kept of it last; looks at files only: no program is run, no keyring opened."""
    from ..fleet import cache

    try:
        place = known.place or settings.profile(known.name, silent=True)
    except config.ConfigError:
        return known
    kept = cache.look(place.url, place.token) if place is not None and place.token else None
    return known if kept is None else replace(known, counts=cache.tally(kept), seen=kept.seen)


async def choose(app: RyzeConsole) -> None:
    """`P`: the screen, and then the one that was chosen."""
    from .screens.profiles import ProfilesScreen

    place: Place | None = await app.push_screen_wait(ProfilesScreen())
    if place is not None:
        app.accounts.change_over(place)


async def read(known: Known) -> Place:
    """Where it leads, with its token; a program that tells the token may take 10 s. Raises ConfigError."""
    if known.place is not None:
        return known.place
    profile = await asyncio.to_thread(config.load_profile, known.name)
    assert profile is not None
    return Place(profile.url, profile.token, profile.name, profile.read_only)


async def may_leave(app: RyzeConsole) -> bool:
    """Whether the account that is open may be closed: not while an answer is awaited, and a bulk asks first."""
    from .screens.dialogs import Question
    from .verbs import under_way

    if name := under_way(app):
        app.refuse(_("Still working on {name}: wait for the answer.").format(name=safe(name)))
        return False
    bulking = app.main.bulking
    if bulking is None or not bulking.guards_quit:
        return True
    words = keys.fill(_("It stays unfinished: {bulk} goes on with it when this account is open again. None is done twice."))
    question = Question(_("A bulk is under way. Leave it?"), words, yes=_("Leave it"))
    return await app.push_screen_wait(question) is True
