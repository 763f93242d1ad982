"""A server for each test that wants one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from .harness import Api, running


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """With extensions."""
    async with running(tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def plain(tmp_path: Path) -> AsyncIterator[Api]:
    """`--no-extensions`."""
    async with running(tmp_path, extensions=False) as made:
        yield made
