"""The first screen without a profile: connect to a server, start one here, or look around with simulated numbers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from ... import config, keys, local
from ...i18n import _
from ..accounts import Place
from ..bindings import bind
from ..words import safe
from .dialogs import Choice, Choices, Dialog, close, text

if TYPE_CHECKING:
    from ..app import RyzeConsole


class WelcomeScreen(Dialog[None]):
    """Stays until an account is open."""

    CSS = "WelcomeScreen { background: $ink-ground; }"

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "ryze-tui"
            yield text(_("Keeps WhatsApp numbers connected. Where are yours?"))
            yield text("", "gap")
            yield Choices(
                [
                    Choice("c", _("Connect to a RyzeAPI server"), _("URL and token")),
                    Choice("s", _("Start a local server here"), _("it keeps running")),
                    Choice("d", _("Look around with simulated numbers"), _("nothing real, nothing kept")),
                ],
                self._chosen,
            )
            yield text("", "gap")
            yield text("", "dim", id="note")
            yield text(keys.fill(_("↑↓ and enter, or the key · {quit} quits")), "dim")

    BINDINGS = [bind("quit", "quit_app")]

    def on_mount(self) -> None:
        self.query_one(Choices).focus()

    def action_quit_app(self) -> None:
        self.app.exit(return_code=0)

    def action_close(self) -> None:
        """Nothing lies below this screen yet."""
        self.query_one("#note", Static).update(keys.fill(_("{quit} quits.")))

    def _chosen(self, choice: Choice) -> None:
        work = {"c": self._connect, "s": self._server, "d": self._demo}[choice.key]
        self.run_worker(work(), exclusive=True)

    async def _connect(self) -> None:
        profile = await self.app.push_screen_wait(ConnectScreen())
        if profile is not None:
            self._open(profile.url, profile.token, profile.name)

    async def _server(self) -> None:
        note = self.query_one("#note", Static)
        note.update(_("Starting a server…"))
        try:
            server = await local.start_detached()
            profile = config.Profile("local", server.url, server.token)
            config.save_profile(profile)
        except (local.ServerError, config.ConfigError) as problem:
            note.update(safe(str(problem)))
            return
        self.app.notify(
            _("The server keeps running after you leave. Stop it with: ryze-tui server stop"), markup=False, timeout=12
        )
        self._open(server.url, server.token, "local")

    async def _demo(self) -> None:
        note = self.query_one("#note", Static)
        note.update(_("Starting simulated numbers…"))
        try:
            server = await local.start_demo()
        except local.ServerError as problem:
            note.update(safe(str(problem)))
            return
        self._open(server.url, server.token, "demo", keep=False)

    def _open(self, url: str, token: str, name: str, *, keep: bool = True) -> None:
        app: RyzeConsole = self.app  # type: ignore[assignment]
        close(self)
        app.accounts.open(Place(url, token, name, keep=keep))


class ConnectScreen(Dialog["config.Profile"]):
    """URL and token, tried once before they are saved. With a `name` it changes that profile: no token leaves it as it is."""

    def __init__(self, name: str = "", url: str = "https://ryzeapi.cloud", *, default: bool = True) -> None:
        """`default`: a new one is what is opened without --profile from now on."""
        super().__init__()
        self._name, self._url, self._default = name, url, default

    def compose(self) -> ComposeResult:
        token = _("TokenAccount, or the token of one instance") if not self._name else _("as it is; another one replaces it")
        with Vertical(id="box") as box:
            title = _("Change {name}").format(name=safe(self._name)) if self._name else _("Connect to a RyzeAPI server")
            box.border_title = Content(title)
            for label, field in (
                (_("URL"), Input(self._url, id="url", max_length=300)),
                (_("Token"), Input(id="token", password=True, max_length=500, placeholder=token)),
                (_("Call it"), Input(safe(self._name), id="name", max_length=40, placeholder=_("the host's name"))),
            ):
                field.disabled = field.id == "name" and bool(self._name)
                with Horizontal(classes="line"):
                    yield text(label, "label")
                    yield field
            yield text("", "gap")
            yield text(_("The token is kept in a file that only you can read (0600)."), "dim")
            yield text("", "warn", id="problem")
            with Horizontal(classes="buttons"):
                yield Button(f"{_('Cancel')} (esc)", id="cancel")
                yield Button(_("Check and save"), id="save")

    def on_mount(self) -> None:
        for field in self.query(Input):
            field.cursor_blink = False
        self.query_one("#url" if self._name else "#token").focus()

    def on_input_submitted(self) -> None:
        self.run_worker(self._check(), exclusive=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "cancel":
            self.dismiss(None)
        else:
            self.run_worker(self._check(), exclusive=True)

    async def _check(self) -> None:
        problem = self.query_one("#problem", Static)
        values = {field.id: field.value.strip() for field in self.query(Input)}
        try:
            profile = await self._typed(values)
            problem.update(_("Asking the server…"))
            await self._ask(profile)
            self._save(profile, typed=bool(values["token"]))
        except config.ConfigError as error:
            problem.update(safe(str(error)))
            return
        close(self, profile)

    async def _typed(self, values: dict[str | None, str]) -> config.Profile:
        """Raises ConfigError."""
        url, token = config.clean_url(values["url"]), values["token"]
        name = self._name or values["name"] or config.host_of(values["url"])
        if self._name:
            if not token and (kept := await asyncio.to_thread(config.load_profile, name)) is not None:
                token = kept.token
        elif name in config.load().names:
            raise config.ConfigError(_("There is a profile of this name already: call it something else."))
        if not token:
            raise config.ConfigError(_("The token is needed: RyzeAPI gives it once, when the account is made."))
        return config.Profile(name, url, token)

    async def _ask(self, profile: config.Profile) -> None:
        """Raises ConfigError when the server does not take it."""
        from ...operations.account import Account

        account = Account(profile.url, profile.token)
        try:
            outcome = await account.check()
        finally:
            await account.close()
        if not outcome.ok:
            hint = _("Is it a token of this server, and copied whole?") if outcome.status == 401 else ""
            raise config.ConfigError(f"{outcome.message}. {hint}" if hint else outcome.message)

    def _save(self, profile: config.Profile, *, typed: bool) -> None:
        """Raises ConfigError."""
        from ...config.saving import put_profile

        values = {"url": profile.url} | ({"token": profile.token} if typed else {})
        put_profile(profile.name, values, default=self._default and not self._name)
