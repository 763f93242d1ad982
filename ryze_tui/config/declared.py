"""What the configuration file may hold: each key once. The check and the example both come from here."""

from __future__ import annotations

from typing import Final, NamedTuple

from ..i18n import mark

TEXT, FLAG, WORDS = mark("text in quotation marks"), mark("true or false"), mark("a list of words")


class Setting(NamedTuple):
    """`kind`: TEXT, FLAG or WORDS. `example`: its value as TOML. `words`: what it does. `choices`: of a text, if not any."""

    name: str
    kind: str
    example: str
    words: str
    choices: tuple[str, ...] = ()


LANGUAGES: Final = ("en", "pt_BR", "es")
THEMES: Final = (
    "ryze", "ansi", "atom-one-dark", "atom-one-light", "catppuccin-frappe", "catppuccin-latte", "catppuccin-macchiato",
    "catppuccin-mocha", "dracula", "flexoki", "gruvbox", "monokai", "nord", "rose-pine", "rose-pine-dawn", "rose-pine-moon",
    "solarized-dark", "solarized-light", "textual-dark", "textual-light", "tokyo-night",
)  # fmt: skip
"""Our own, the terminal's 16 colours, and those of Textual (a test compares)."""

TOP: Final = (
    Setting("default", TEXT, '"acme"', mark("The profile that is opened without --profile.")),
    Setting(
        "language", TEXT, '"pt_BR"', mark("en, pt_BR or es; without it that of the terminal's locale. RYZE_LANG wins."), LANGUAGES
    ),
    Setting("theme", TEXT, '"nord"', mark("Its colours; --theme wins. ansi: the terminal's own 16."), THEMES),
    Setting("ascii", FLAG, "false", mark("ASCII only, or never; else by the locale. --ascii and --no-ascii win.")),
    Setting("mouse", FLAG, "true", mark("Whether the mouse works; without it the terminal selects text. --no-mouse wins.")),
    Setting("bell", FLAG, "true", mark("Whether the terminal's bell rings when something needs a look.")),
    Setting("notifications", FLAG, "true", mark("Whether the terminal is asked to show a notification of it (OSC 9).")),
)

PROFILE: Final = (
    Setting("url", TEXT, '"https://ryzeapi.cloud"', mark("The server. https:// may be left out.")),
    Setting("token", TEXT, '"0123456789abcdef"', mark("The token itself. The file must be yours alone then: chmod 600.")),
    Setting("token_file", TEXT, '"~/.config/ryze-tui/acme.token"', mark("A file that holds it, yours alone (chmod 600).")),
    Setting(
        "token_command",
        WORDS,
        '["pass", "show", "ryzeapi/acme"]',
        mark(
            "A program that prints it; the first line counts. It is run without a shell, has 10 seconds, standard input is "
            "empty, and of your environment it gets everything but RYZE_TOKEN, RYZE_ACCOUNT_TOKEN and RYZE_KEY, and "
            "RYZE_PROFILE with the profile's name."
        ),
    ),
    Setting(
        "keyring",
        FLAG,
        "true",
        mark("The desktop's keyring, with the package keyring (ryze-tui[keyring]). Store it with: keyring set ryze-tui acme"),
    ),
    Setting("read_only", FLAG, "false", mark("Refuses everything that changes something on this server.")),
)

SOURCES: Final = ("token", "token_file", "token_command", "keyring")
"""Where a profile's token comes from: exactly one of them."""
