"""Days of the console's core against a model of a server, on a virtual clock: no real time, the same way every time."""
