"""The worker's voice: frames to the server, in order, from the loop only."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any, Final

from .. import frames
from ..frames import Answer, BadFrame, Event, Frame

UNSENT_MOST: Final = 256 * 2**20
"""Bytes that the server has not taken: it never will."""


class Channel:
    """Never raises into neonize."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def send(self, frame: Frame) -> None:
        """What is too large is left out, and said so on stderr."""
        try:
            self._writer.write(frames.encode(frame))
        except BadFrame as error:
            sys.stderr.write(f"{error}\n")
            if isinstance(frame, Answer):
                self.answer(frame.number, str(error))
            return
        if self._writer.transport.get_write_buffer_size() > UNSENT_MOST:
            os._exit(4)

    def event(self, link: str, attempt: int, what: str, data: dict[str, Any]) -> None:
        """Something happened."""
        self.send(Event(link, attempt, what, data))

    def answer(self, number: int, error: str = "", data: dict[str, Any] | None = None, blob: bytes = b"") -> None:
        """What came of an Ask."""
        self.send(Answer(number, error, data or {}, blob))
