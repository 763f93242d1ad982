"""From what happened to who hears it: the bus, and the sockets that listen."""
