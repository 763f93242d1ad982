"""The server against the tables of the contract, written out literally."""
