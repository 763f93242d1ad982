"""Tests that feed programs with what nobody would send; `make fuzz` runs them for longer."""
