"""Secrets that came with the environment: taken out of it at start, so that no child inherits one. Imports next to nothing."""

from __future__ import annotations

import os

server_key = ""
"""RYZE_KEY, kept for the one child that it is meant for: the server that stays."""


def take_secrets() -> str:
    """Take every secret out of the environment; returns RYZE_TOKEN."""
    global server_key
    server_key = os.environ.pop("RYZE_KEY", server_key)
    os.environ.pop("RYZE_ACCOUNT_TOKEN", None)
    return os.environ.pop("RYZE_TOKEN", "")
