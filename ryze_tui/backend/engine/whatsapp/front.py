"""Where links of real numbers dial, and how it is known that it is them who answer there."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from ...errors import EngineError

HOST: Final = "web.whatsapp.com"
PORT: Final = 443
SECONDS: Final = 10.0


async def greet(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], context: ssl.SSLContext) -> None:
    """TLS as far as the certificate: whoever claims to have led us there and has not, shows here. Raises EngineError."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(SECONDS):
            transport = await loop.start_tls(streams[1].transport, asyncio.Protocol(), context, server_hostname=HOST)
    except TimeoutError:
        raise EngineError(f"{HOST} did not answer") from None
    except ssl.SSLCertVerificationError:
        raise EngineError(f"whoever answers there is not {HOST}: its certificate is not to be trusted") from None
    except (ssl.SSLError, OSError):
        raise EngineError(f"whoever answers there is not {HOST}") from None
    if transport is not None:
        transport.abort()
