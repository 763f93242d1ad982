"""Messages, receipts, calls, groups and labels: from what an engine tells to the disk and to everybody who wants it."""

from .seams import Bridge, MediaStore
from .traffic import Traffic

__all__ = ["Bridge", "MediaStore", "Traffic"]
