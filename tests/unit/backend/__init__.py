"""The backend's parts on a virtual clock, without sockets and without sleeping."""
