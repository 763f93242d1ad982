"""Which web pages may call: the one form of an origin, and what CORS answers (contract §5.9, §7). Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

METHODS: Final = "GET, POST, DELETE"
ALLOWED_HEADERS: Final = "Content-Type, Authorization, token"
EXPOSED_HEADERS: Final = "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, X-Request-Id, Mcp-Session-Id"
PREFLIGHT_SECONDS: Final = 600
"""How long a browser may keep a preflight's answer; an origin that is taken away is refused after that at the latest."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def origin_of(text: str) -> str:
    """`https://Console.Example:443/` as browsers send it: `https://console.example`. Raises ValueError in words."""
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
        # A browser sends a name of other letters in its ASCII form.
        host = host if host is None or host.isascii() else host.encode("idna").decode()
    except ValueError:
        host = port = None
    if host is None or parts.scheme not in _DEFAULT_PORTS or parts.path not in ("", "/") or "@" in parts.netloc:
        raise ValueError("an origin is http:// or https://, a name and maybe a port, e.g. https://console.example")
    if parts.query or parts.fragment or "*" in host:
        raise ValueError("an origin has no path, no query and no *: name each one")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")


def answer_headers(origin: str, allowed: Collection[str]) -> dict[str, str]:
    """What CORS adds to an answer; nothing when no page may call. Never credentials: a token is sent in a header."""
    if not allowed:
        return {}
    # Caches must not give one page's answer to another, also when this one is refused.
    if origin not in allowed:
        return {"Vary": "Origin"}
    return {"Vary": "Origin", "Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED_HEADERS}


PREFLIGHT_HEADERS: Final = {
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": ALLOWED_HEADERS,
    "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
}
"""What the answer to a preflight has besides `answer_headers`."""
