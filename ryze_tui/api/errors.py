"""The error texts of the contract, and the hierarchy that a client of it sees."""

from __future__ import annotations

from typing import Final

MISSING_TOKEN: Final = "Missing token in header, Authorization header, or query parameter"
INVALID_TOKEN: Final = "Invalid token"
TOKEN_MISMATCH: Final = "Instance token does not match requested instance"
QUOTA_EXCEEDED: Final = "Account instance quota exceeded"
INSTANCE_NOT_FOUND: Final = "Instance not found"
INSTANCE_EXISTS: Final = "Instance already exists"
TOKEN_IN_USE: Final = "Token already in use"
NAME_REQUIRED: Final = "Instance name is required"
INVALID_BODY: Final = "Invalid request body"
RATE_LIMITED: Final = "Rate limit exceeded. Try again later."
NO_SESSION: Final = "Instance has no saved session, call /connect first"
QR_TIMEOUT: Final = "Timeout waiting for QR code"
NO_WEBSOCKET: Final = "WebSocket not configured for this instance"
WEBSOCKET_OFF: Final = (
    "WebSocket is not enabled for this instance. Configure it first using POST /api/events/websocket/{instance}"
)
NO_SETTING: Final = "At least one setting must be provided"
INVALID_WEBHOOK_URL: Final = "Invalid webhook URL"
WEBHOOKS_FULL: Final = "Maximum of 3 enabled webhooks reached"
WEBHOOK_NOT_FOUND: Final = "Webhook not found"
WEBHOOK_OFF: Final = "Webhook is not enabled"
PROXY_OFF: Final = "Proxy is not enabled"
S3_OFF: Final = "S3 is not enabled"
WEBHOOK_PAUSED: Final = "Webhook is paused: its receiver answered 410, configure it again first"
DELIVERY_NOT_FOUND: Final = "Delivery not found"
DELIVERY_PENDING: Final = "Delivery is still pending"
CHANGED_MEANWHILE: Final = "The configuration was changed meanwhile: read it again"
NOT_FOUND: Final = "Not found"
METHOD_NOT_ALLOWED: Final = "Method not allowed"
BODY_TOO_LARGE: Final = "Request body too large"
INTERNAL: Final = "Internal server error"
ORIGIN_REFUSED: Final = "Origin not allowed"
MALFORMED: Final = "Malformed HTTP request"
HEADERS_TOO_LARGE: Final = "Request headers too large"
CHATWOOT_INVALID_BODY: Final = "invalid body"
CHATWOOT_INSTANCE_NOT_FOUND: Final = "instance not found"
NO_CHATWOOT: Final = "no chatwoot integration for this instance"
NO_CHATWOOT_TO_DELETE: Final = "no chatwoot integration to delete"
NOT_CONNECTED: Final = "Instance is not connected to WhatsApp"


class RyzeError(Exception):
    """Anything that went wrong between us and a RyzeAPI server.

    `message` is the server's own text where there is one, else ours; it never holds a token.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class Unreachable(RyzeError):
    """No HTTP answer: refused, no route, DNS, TLS, time-out."""


class NoAnswer(Unreachable):
    """The connection was made, but no whole answer came of it: broken off, or not done in time. The server may be well."""


class BadReply(RyzeError):
    """An answer that is not the contract's: not JSON, wrong shape, too large."""


class Refused(RyzeError):
    """The server answered with an error in the contract's shape (4xx, 5xx)."""


class TokenRefused(Refused):
    """401: the token is missing, wrong or of the wrong kind."""


class RateLimited(Refused):
    """429. `retry_after` is in seconds, never negative. `of_token`: every request with this token is refused, not just this."""

    def __init__(self, message: str, *, retry_after: float, of_token: bool = True) -> None:
        super().__init__(message, status=429)
        self.of_token = of_token
        self.retry_after = retry_after
