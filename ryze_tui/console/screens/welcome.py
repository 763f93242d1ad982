"""The first screen without a profile: connect to a server, start one here, or look around with simulated numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from ... import config, keys, local
from ...i18n import _
from ..accounts import Place
from ..bindings import bind
from ..words import safe
from .connect import ConnectScreen
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
            self._open(profile.url, profile.token, profile.name, read_only=profile.read_only)

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

    def _open(self, url: str, token: str, name: str, *, keep: bool = True, read_only: bool = False) -> None:
        app: RyzeConsole = self.app  # type: ignore[assignment]
        close(self)
        app.accounts.open(Place(url, token, name, read_only, keep))
