"""What a server is started with; plain values, made by the command line or by a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .dialect import DIALECTS, Dialect

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(slots=True, frozen=True)
class Settings:
    """All of a server's settings.

    `rate_limit`: requests a minute and token, 0 = off. `instance_quota`: instances an account may have, 0 = any number.
    `key_file`: None means the default in the XDG configuration directory. `account_token` and `key` come from the
    environment. `metrics_token`: who may read /metrics; empty: nobody.
    `answers`: one of dialect.DIALECTS. `messages`: one of layouts.LAYOUTS. `private_targets`: whether users may have
    loopback and private addresses dialled; None means while bound to loopback.
    `allowed_origins`: pages that may open sockets, none = any; `cors_origins`:
    pages that may call, none = no page; each as origins.origin_of writes it. `media_spool_bytes`: how much media may wait for its
    store. `simulator_speed` divides the simulator's waits;
    `simulator_names` is `numbered` or `demo`. `sessions_per_worker`, `worker_command` (empty: our own): of the whatsapp engine.
    """

    data_dir: Path
    engine: str = "simulated"
    host: str = "127.0.0.1"
    port: int = 8080
    database: str = ""
    public_url: str = ""
    rate_limit: int = 100
    instance_quota: int = 0
    extensions: bool = True
    answers: str = "documented"
    messages: str = "observed"
    key_file: Path | None = None
    key: str = field(default="", repr=False)
    account_token: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)
    allowed_origins: tuple[str, ...] = ()
    private_targets: bool | None = None
    cors_origins: tuple[str, ...] = ()
    simulator_instances: int = 0
    simulator_speed: float = 1.0
    simulator_names: str = "numbered"
    sessions_per_worker: int = 10
    worker_command: tuple[str, ...] = ()
    ring_size: int = 50_000
    media_spool_bytes: int = 2_000_000_000

    @property
    def dialect(self) -> Dialect:
        """Whose answers ours are like where documentation and live service disagree."""
        return DIALECTS[self.answers]

    @property
    def allow_private(self) -> bool:
        """Whether users may have loopback and private addresses dialled."""
        return self.loopback if self.private_targets is None else self.private_targets

    @property
    def socket_origins(self) -> tuple[str, ...]:
        """Origins whose pages may open sockets; none = any. Who may call may listen as well."""
        return self.allowed_origins and self.allowed_origins + self.cors_origins

    @property
    def loopback(self) -> bool:
        """Whether only programs on this machine can reach the server."""
        return self.host in LOOPBACK or self.host.startswith("127.")
