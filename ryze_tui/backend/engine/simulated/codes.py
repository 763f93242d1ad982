"""QR texts and pairing codes: the real form and length, and nothing that a real phone could link."""

from __future__ import annotations

import base64
import random
import string
from typing import Final

PREFIX: Final = "https://wa.me/settings/linked_devices#"
MARK: Final = "2@SIMULATED"
"""How the ref of every code here begins; WhatsApp never made it, so a phone that scans it links nothing."""

REF_LENGTH: Final = 82
ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"
CODES: Final = 6
FIRST_SECONDS: Final = 60.0
NEXT_SECONDS: Final = 20.0
LIFE_SECONDS: Final = FIRST_SECONDS + (CODES - 1) * NEXT_SECONDS
"""160 s: then WhatsApp ends the pairing."""

_REF: Final = string.ascii_letters + string.digits + "-_"


def _field(rng: random.Random) -> str:
    return base64.b64encode(rng.randbytes(32)).decode()


def qr_texts(rng: random.Random) -> list[str]:
    """The codes of one pairing: the refs differ, the keys are the pairing's own; 257 characters each."""
    keys = ",".join(_field(rng) for _ in range(3))
    fill = REF_LENGTH - len(MARK) - 2
    return [f"{PREFIX}{MARK}{''.join(rng.choices(_REF, k=fill))}==,{keys},1" for _ in range(CODES)]


def pairing_code(rng: random.Random) -> str:
    """Eight characters of WhatsApp's alphabet (no 0, I, O, U)."""
    return "".join(rng.choices(ALPHABET, k=8))


def alive(elapsed: float) -> int | None:
    """Which of the six can be scanned `elapsed` seconds after they were given; None when it is over."""
    if elapsed >= LIFE_SECONDS:
        return None
    return 0 if elapsed < FIRST_SECONDS else 1 + int((elapsed - FIRST_SECONDS) // NEXT_SECONDS)


def normal(code: str) -> str:
    """A pairing code as a person types it -> as it was given."""
    return "".join(code.split()).replace("-", "").upper()
