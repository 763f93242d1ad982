"""The cases of client_cases.py, in a process of its own: with the library comes Go, which has signals and threads of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.whatsapp


def test_a_client_when_the_library_does_what_it_rarely_does() -> None:
    cases = Path(__file__).with_name("client_cases.py")
    words = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", str(cases)]
    done = subprocess.run(words, cwd=cases.parents[2], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
