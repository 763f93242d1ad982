"""Colours and style sheets of the console."""
