"""`ryze-tui delete`: the instance and all that belongs to it, for good."""

from __future__ import annotations

import argparse

from ..i18n import _
from . import agreed

add_arguments = agreed.add_arguments


def run(options: argparse.Namespace) -> int:
    """There is no undo, so it asks."""
    words = _("The number is logged out, and the instance, its token and its settings are removed for good. There is no undo.")
    return agreed.run(options, "delete", agreed.Question(_("Delete {name}?"), _("Delete {n} instances ({names})?"), words))
