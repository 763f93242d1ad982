"""When ASCII is taken by itself."""

from __future__ import annotations

import pytest
from ryze_tui.cli.characters import needs_ascii


@pytest.mark.parametrize(("environ", "ascii"), [
    ({"LANG": "pt_BR.UTF-8"}, False), ({"LANG": "C.UTF-8"}, False), ({"LANG": "de_DE.utf8@euro"}, False), ({}, False),
    ({"LANG": "pt_BR"}, False), ({"LANG": "en_US.ISO-8859-1"}, True), ({"LANG": "C"}, True), ({"LANG": "POSIX"}, True),
    ({"LC_ALL": "C", "LANG": "pt_BR.UTF-8"}, True), ({"LC_CTYPE": "pt_BR.UTF-8", "LANG": "C"}, False),
    ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, True), ({"LC_CTYPE": "C.UTF-8"}, False),
    ({"LC_CTYPE": "C.UTF-8", "LANG": "en_US.ISO-8859-1"}, True), ({"LANG": "ja_JP.eucJP"}, True),
    ({"LANG": "pt_BR.UTF-8", "TERM": "linux"}, True), ({"LANG": "pt_BR.UTF-8", "TERM": "vt220"}, True),
    ({"LANG": "pt_BR.UTF-8", "TERM": "xterm-256color"}, False), ({"TERM": "linux-16color", "LANG": "en_US.UTF-8"}, True),
])  # fmt: skip
def test_locales(environ: dict[str, str], ascii: bool) -> None:
    assert needs_ascii(environ) is ascii
