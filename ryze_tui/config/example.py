"""The whole configuration file with words: what `ryze-tui config example` prints, made from declared.py and the table of keys."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Final

from .. import keys
from ..i18n import _
from .declared import PROFILE, TOP, Setting

WIDTH: Final = 100


def example(told: Mapping[str, str]) -> str:
    """A valid file in which every setting is there, commented out. `told`: what the keys of the main screen do, by id."""
    blocks = [
        _words(
            _("The configuration of ryze-tui. Lines with # and a blank are words; settings have no blank after their #: ")
            + _("take that away to make one yours. `ryze-tui config check` says what is wrong, with the line.")
        ),
        *[_setting(setting) for setting in TOP],
        _words(_("Profiles: a server and where its token is. As many as you like, each with a name.")) + "\n#[profiles.acme]",
        *[_setting(setting) for setting in PROFILE[:1]],
        _words(_("Where the token is: exactly one of these four.")),
        *[_setting(setting) for setting in PROFILE[1:]],
        _keys(told),
    ]
    return "\n\n".join(blocks) + "\n"


def _words(text: str) -> str:
    return "\n".join(textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# "))


def _setting(setting: Setting) -> str:
    return f"{_words(_(setting.words))}\n#{setting.name} = {setting.example}"


def _keys(told: Mapping[str, str]) -> str:
    intro = _(
        'Keys: the id of an action and its key, or several: "r,f5" or ["r", "f5"]. A key is one sign, or a name: f5, pageup, '
        "space, ctrl+t, alt+x, comma. The arrows, enter, esc, tab, ctrl+c, ctrl+q and ctrl+p stay what they are. These are the "
        "keys without a keymap."
    )
    lines = []
    for id, key in keys.KEYS.items():
        shown = ",".join(keys.written(name) for name in key.keys if name not in key.kept)
        if shown:
            lines.append(f'#{f"{id} = {_quoted(shown)}":28} # {told.get(id) or _(key.what)}')
    return "\n".join([_words(intro), "#[keys]", *lines])


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text or "\\" in text else f'"{text}"'
