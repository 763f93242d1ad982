"""The delivery log of webhooks, an extension of ours (contract §9)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of an event on its way to a webhook. `status`: pending, delivered or dead; `http`: of the last answer."""

    id: str
    event: str
    status: str
    attempts: int
    http: int | None
    answer: str
    created_at: str
    next_at: str
