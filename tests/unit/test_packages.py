"""What is pinned can be installed with the oldest Python that we promise."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
OLDEST = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=") + ".0"
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
NOT_HERE = ("hatchling", "trove-classifiers", "cyclonedx-bom", "cyclonedx-python-lib")
"""They make a release, in an environment of their own."""


@pytest.mark.parametrize(("name", "version"), [(name, pin) for name, pin in PINS.items() if name not in NOT_HERE])
def test_a_pin_is_for_the_oldest_python_too(name: str, version: str) -> None:
    # Debian 12 has 3.11.2: a pin for 3.11.5 made the first command of the README fail there, and nowhere here.
    try:
        found = distribution(name)
    except PackageNotFoundError:
        pytest.fail(f"{name} is pinned, but not installed: nobody needs it any more")
    assert found.version == version
    needs = dict(found.metadata.items()).get("Requires-Python", "")
    assert SpecifierSet(needs).contains(OLDEST), needs
