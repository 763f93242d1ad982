"""One request from this machine for a probe: not through the environment's proxies, no redirects, what goes wrong in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from ..i18n import _
from ..redact import clean, mask
from .steps import Failed

MOST: Final = 4 << 20
"""Bytes of an answer that are read."""
SHOWN: Final = 160


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the rest of a longer answer is left where it is."""

    status: int
    text: str

    @property
    def beginning(self) -> str:
        """As it can be shown."""
        return clean(mask(self.text[:2048]))[:SHOWN].strip()


async def ask(method: str, url: str, headers: dict[str, str], json: Any = None) -> Answer:
    """Ask once; whoever calls sets the deadline. Raises Failed."""
    import httpx

    from ..client.transport import USER_AGENT, in_words, tls_context

    host = urlsplit(url).netloc.rpartition("@")[2]
    verify = tls_context() if url.lower().startswith("https:") else False
    sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"} | headers
    try:
        async with (
            httpx.AsyncClient(verify=verify, trust_env=False, follow_redirects=False, timeout=None) as client,
            client.stream(method, url, headers=sent, json=json) as response,
        ):
            text = b""
            async for part in response.aiter_raw():
                text += part
                if len(text) > MOST:
                    break
            return Answer(response.status_code, text[:MOST].decode("utf-8", "replace"))
    except (httpx.RemoteProtocolError, httpx.ReadError) as error:
        raise Failed(_("{host} broke off its answer, or does not speak HTTP").format(host=host)) from error
    except httpx.TransportError as error:
        raise Failed(in_words(error, host)) from error
    except (httpx.InvalidURL, httpx.HTTPError, OSError, ValueError) as error:
        raise Failed(_("the request could not be made: {reason}").format(reason=type(error).__name__)) from error
