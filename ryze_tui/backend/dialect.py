"""Where the documentation and the live service disagree, which of the two we answer like (contract §2.13, §3, §4, §8 #11, #38).

`documented` is the default. `observed` is for clients that were written against what the service really sends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .qr import base64_png


@dataclass(frozen=True, slots=True)
class Dialect:
    """`qr_status`: connect's word with a QR code. `data_url`: whether its picture is a data URL or bare base64.

    `idle_status`: the list's top-level word of an instance that is not connected (`connection.state` is always the real one).
    `unset_is_off`: a websocket block that was never written is read as off, and not as a 404.
    """

    qr_status: str
    data_url: bool
    idle_status: str
    unset_is_off: bool

    def qr(self, code: str) -> dict[str, Any]:
        """Connect's answer with a QR code. Draws it: some 50 ms of CPU."""
        picture = ("data:image/png;base64," if self.data_url else "") + base64_png(code)
        return {
            "success": True, "message": "QR code generated", "qrCode": code, "qrCodeBase64": picture, "status": self.qr_status
        }


DIALECTS: Final = {
    "documented": Dialect(qr_status="qr", data_url=True, idle_status="disconnected", unset_is_off=False),
    "observed": Dialect(qr_status="qr_code_generated", data_url=False, idle_status="closed", unset_is_off=True),
}
