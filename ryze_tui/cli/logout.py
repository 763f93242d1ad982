"""`ryze-tui logout`: the phone unlinks the device; the instance stays."""

from __future__ import annotations

import argparse

from ..i18n import _
from . import agreed

add_arguments = agreed.add_arguments


def run(options: argparse.Namespace) -> int:
    """It needs a phone to come back, so it asks."""
    words = _("The phone unlinks this device. The instance and its settings stay; connecting it again needs a new QR code.")
    return agreed.run(options, "logout", agreed.Question(_("Log out {name}?"), _("Log out {n} instances ({names})?"), words))
