"""Adding or changing a profile: URL, token and options, tried once before they are saved."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from ... import config
from ...config.tokens import demand_token, forget_token, token_of
from ...i18n import _
from ..forms.marks import Switch
from ..words import safe
from .dialogs import FIELDS, Dialog, close, text

if TYPE_CHECKING:
    from textual.widget import Widget

Entry = Mapping[str, Any]


class ConnectScreen(Dialog["config.Profile"]):
    """With a `name` it changes that profile: no token leaves it as it is."""

    CSS = "ConnectScreen Switch { margin-left: 1; }"
    BINDINGS = FIELDS

    def __init__(
        self, name: str = "", url: str = "https://ryzeapi.cloud", *, default: bool = True, read_only: bool = False,
        token: str = "",
    ) -> None:  # fmt: skip
        """`default`: a new one is what is opened without --profile from now on. `token`: of a place that is to become one."""
        super().__init__()
        self._name, self._url, self._default, self._read_only, self._token = name, url, default, read_only, token

    def compose(self) -> ComposeResult:
        told = self._name or self._token
        token = _("as it is; another one replaces it") if told else _("TokenAccount, or the token of one instance")
        with Vertical(id="box") as box:
            title = _("Change {name}").format(name=safe(self._name)) if self._name else _("Connect to a RyzeAPI server")
            box.border_title = Content(title)
            fields: list[tuple[str, Widget]] = [
                (_("URL"), Input(self._url, id="url", max_length=300)),
                (_("Token"), Input(id="token", password=True, max_length=500, placeholder=token)),
                (_("or its file"), Input(id="file", max_length=500, placeholder=_("a path; the file yours alone (chmod 600)"))),
                (_("Call it"), Input(safe(self._name), id="name", max_length=40, placeholder=_("the host's name"))),
                (_("Read-only"), Switch(self._read_only, id="only")),
            ]
            for label, field in fields:
                field.disabled = field.id == "name" and bool(self._name)
                with Horizontal(classes="line"):
                    yield text(label, "label")
                    yield field
            yield text("", "gap")
            yield text(_("A token that is typed is kept in a file that only you can read (0600)."), "dim")
            yield text("", "warn", id="problem")
            with Horizontal(classes="buttons"):
                yield Button(f"{_('Cancel')} (esc)", id="cancel")
                yield Button(_("Check and save"), id="save")

    def on_mount(self) -> None:
        for field in self.query(Input):
            field.cursor_blink = False
        self.query_one("#url" if self._name else "#name" if self._token else "#token").focus()

    def on_input_submitted(self) -> None:
        self.run_worker(self._check(), exclusive=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "cancel":
            self.dismiss(None)
        else:
            self.run_worker(self._check(), exclusive=True)

    async def _check(self) -> None:
        problem = self.query_one("#problem", Static)
        values = {str(field.id): field.value.strip() for field in self.query(Input)}
        only = self.query_one(Switch).value
        try:
            profile, token, file = await self._typed(values, only)
            problem.update(_("Asking the server…"))
            await self._ask(profile)
            self._save(profile, token, file)
        except config.ConfigError as error:
            problem.update(safe(str(error)))
            return
        close(self, profile)

    async def _typed(self, values: Mapping[str, str], only: bool) -> tuple[config.Profile, str, str]:
        """The profile, and the token to be kept, or its file, if one is new. Raises ConfigError."""
        url, token, file = config.clean_url(values["url"]), values["token"], values["file"]
        name = self._name or values["name"] or config.host_of(values["url"])
        if not self._name and name in config.load().names:
            raise config.ConfigError(_("There is a profile of this name already: call it something else."))
        if token and file:
            raise config.ConfigError(_("Type a token or name its file, not both."))
        if not token and not file and url == config.clean_url(self._url):  # never to another server than its own
            token = self._token
        if new := token:
            demand_token(token)
        if file:
            file = _absolute(file)
            token = await asyncio.to_thread(token_of, name, {"token_file": file})
        elif not token and self._name and (kept := await asyncio.to_thread(config.load_profile, name)) is not None:
            token = kept.token
        if not token:
            raise config.ConfigError(_("The token is needed: RyzeAPI gives it once, when the account is made."))
        return config.Profile(name, url, token, only), new, file

    async def _ask(self, profile: config.Profile) -> None:
        """Raises ConfigError when the server does not take it."""
        from ...operations.account import Account

        account = Account(profile.url, profile.token, read_only=True)
        try:
            outcome = await account.check()
        finally:
            await account.close()
        if not outcome.ok:
            hint = _("Is it a token of this server, and copied whole?") if outcome.status == 401 else ""
            raise config.ConfigError(f"{outcome.message}. {hint}" if hint else outcome.message)

    def _save(self, profile: config.Profile, token: str, file: str) -> None:
        """What kept the token before is forgotten when another one does. Raises ConfigError."""
        from ...config.saving import keep_profile, put_profile

        before: Entry = config.load().document.get("profiles", {}).get(profile.name, {}) if self._name else {}
        values: dict[str, Any] = {"url": profile.url}
        if profile.read_only != (before.get("read_only") is True):
            values["read_only"] = profile.read_only
        default = self._default and not self._name
        if token:
            keep_profile(profile.name, values, token, default=default)
        else:
            put_profile(profile.name, {**values, **({"token_file": file} if file else {})}, default=default)
        if token or file:
            now = config.load().document["profiles"][profile.name]
            forget_token({key: value for key, value in before.items() if now.get(key) != value}, profile.name)


def _absolute(text: str) -> str:
    try:
        return str(Path(text).expanduser().absolute())
    except RuntimeError:  # ~somebody who is not there: reading it says so
        return text
