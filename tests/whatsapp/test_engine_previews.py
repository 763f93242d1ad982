"""The whole server with the real library on the double: what a link in a text leads to, and links that lead to nothing."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from ryze_tui.backend.engine.whatsapp import preview

from tests.fakes.receiver import Receiver
from tests.fakes.whatsapp.double import WhatsAppDouble
from tests.fakes.whatsapp.people import Person

from ..pace import patient
from .engine import OnDouble, on_double, worker_of

pytestmark = pytest.mark.whatsapp
