"""A terminal for tests: a real program on a pseudo-terminal, its screen as cells and as pixels; a server and a proxy."""
