"""The systemd user unit of a server: what `ryze-tui server unit` prints."""

from __future__ import annotations

import sys
import textwrap

from .. import paths
from ..i18n import _

NAME = "ryze-tui.service"


def quoted(word: str) -> str:
    """A word of ExecStart: systemd takes % and $ for its own, within quotation marks too (systemd.service(5))."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def unit(engine: str, port: int) -> str:
    """Its text, with every path whole: systemd starts it without this shell's environment."""
    from ..backend.secrets import default_key_file

    words = (
        sys.executable, "-m", "ryze_tui", "serve", "--engine", engine, "--port", str(port),
        "--data-dir", str(paths.data_dir()), "--key-file", str(default_key_file()),
    )  # fmt: skip
    about = [
        _("Keep this as ~/.config/systemd/user/{name}, and then: systemctl --user enable --now {short}").format(
            name=NAME, short=NAME.removesuffix(".service")
        ),
        _("It ends when you log out, and starts when you log in, unless you say once: loginctl enable-linger"),
        _("Its account's token: {path}").format(path=paths.data_dir() / "account-token"),
    ]
    lines = [line for text in about for line in textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)]
    comment = "\n".join(f"# {line}" for line in lines)
    return "\n".join([
        comment,
        "[Unit]", f"Description={_('Server of ryze-tui on 127.0.0.1:{port}').format(port=port)}", "",
        "[Service]", "Type=exec", f"ExecStart={' '.join(map(quoted, words))}", "Restart=on-failure", "RestartSec=5",
        "KillMode=mixed", "TimeoutStopSec=60",  # the server alone is told to stop, and ends its workers
        "UMask=0077", "NoNewPrivileges=yes", "",
        "[Install]", "WantedBy=default.target",
    ])  # fmt: skip
