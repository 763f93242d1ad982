"""What is pinned can be installed with the oldest Python that we promise."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
OLDEST = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=") + ".0"
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
HERE = {found.metadata["Name"].lower().replace("_", "-"): found for found in distributions()}
"""Not what makes a release, which is in an environment of its own, nor what only older Pythons need."""


@pytest.mark.parametrize("name", [name for name in PINS if name.lower().replace("_", "-") in HERE])
def test_a_pin_is_for_the_oldest_python_too(name: str) -> None:
    # Debian 12 has 3.11.2: a pin for 3.11.5 made the first command of the README fail there, and nowhere here.
    found = HERE[name.lower().replace("_", "-")]
    assert found.version == PINS[name]
    needs = dict(found.metadata.items()).get("Requires-Python", "")
    assert SpecifierSet(needs).contains(OLDEST), needs


def test_what_runs_here_is_pinned() -> None:
    assert len(PINS.keys() & {found.metadata["Name"] for found in HERE.values()}) > 80
