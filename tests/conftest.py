"""Tests read English, whatever this machine speaks; those of translations say so themselves."""

from __future__ import annotations

import os

os.environ["RYZE_LANG"] = "en"
