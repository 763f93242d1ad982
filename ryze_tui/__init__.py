"""ryze-tui: a console, a backend and a command line on the RyzeAPI contract."""

__version__ = "0.1.0"
