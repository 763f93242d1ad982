"""The Textual console. Nothing outside this package knows that a screen exists."""
