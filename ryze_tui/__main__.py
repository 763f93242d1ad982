"""`python -m ryze_tui` is `ryze-tui`."""

import sys

from .cli import main

sys.exit(main())
