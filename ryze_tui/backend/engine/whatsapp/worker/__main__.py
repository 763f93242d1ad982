"""`python -m ryze_tui.backend.engine.whatsapp.worker FRAMES LIFELINE` (two descriptors): see main.py."""

from __future__ import annotations

from .main import main

if __name__ == "__main__":
    main()
