"""The real command in a pseudo-terminal against a real server in another process."""
