"""Account commands of a running server, over a Unix socket in its data directory; never over TCP."""
