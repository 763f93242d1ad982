"""What can go wrong in the backend: answers in the contract's error shape, and reasons not to start."""

from __future__ import annotations

from collections.abc import Mapping


class BackendError(Exception):
    """Anything of ours."""


class ApiError(BackendError):
    """An answer `{"success": false, "error": {"message": ...}}` with this status (contract §0)."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


class StartupError(BackendError):
    """The server cannot start; the message says why and what to do, in one sentence or two."""


class StoreError(BackendError):
    """A write did not become durable; the message names the reason, never a value."""


class SecretError(BackendError):
    """Something encrypted cannot be read with the keys at hand."""


class EngineError(BackendError):
    """The engine could not do it; the message is shown to the operator."""


class AccountError(BackendError):
    """An account command that is refused; `code` is one of admin/wire.py, `about` what goes with it."""

    def __init__(self, code: str, **about: object) -> None:
        super().__init__(code)
        self.code = code
        self.about = about
