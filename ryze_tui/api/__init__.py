"""The RyzeAPI contract as types: pure, no I/O, shared by the console, the command line and the backend."""
