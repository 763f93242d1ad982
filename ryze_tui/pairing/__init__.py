"""Pairing a number: the state machine, and the code as something a phone can scan."""
