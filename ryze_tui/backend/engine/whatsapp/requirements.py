"""What must be installed before anything of the whatsapp engine is begun; looks at files only, and imports nothing of neonize.

`import neonize` downloads a binary, without any checksum, when its library file is missing or of another version: so both are
looked at first, here for the server and once more, by asking the library itself, in every worker.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import sys
from pathlib import Path
from typing import Final

from ...errors import EngineError

VERSION: Final = "0.5.2"
INSTALL: Final = "install it with: pip install 'ryze-tui[whatsapp]'"
MAGIC: Final = "libmagic is missing, which neonize needs; on Debian: apt-get install libmagic1"
_LEAST_BYTES: Final = 1_000_000
_MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64", "amd64": "amd64", "arm64": "arm64"}


def library_name() -> str:
    """What neonize calls its library on this machine. Raises EngineError."""
    machine = _MACHINES.get(platform.machine().lower())
    if not sys.platform.startswith("linux") or machine is None:
        raise EngineError(f"the whatsapp engine runs on Linux (x86_64, aarch64), and this is {sys.platform} {platform.machine()}")
    return f"neonize-linux-{machine}.so"


def check() -> Path:
    """The library file of the neonize that is installed. Raises EngineError with advice."""
    name = library_name()
    try:
        installed = importlib.metadata.version("neonize")
    except importlib.metadata.PackageNotFoundError:
        raise EngineError(f"the whatsapp engine needs neonize, which is not installed; {INSTALL}") from None
    if installed != VERSION:
        raise EngineError(f"the whatsapp engine was made for neonize {VERSION}, and {installed} is installed; {INSTALL}")
    found = importlib.util.find_spec("neonize")
    places = list(found.submodule_search_locations or ()) if found is not None else []
    for place in places:
        file = Path(place) / name
        try:
            if file.stat().st_size >= _LEAST_BYTES:
                return file
        except OSError:
            continue
    again = f"pip install --force-reinstall --no-deps neonize=={VERSION}"
    raise EngineError(f"neonize has lost its library {name}, and would download another one; put it back with: {again}")
