"""Widgets that know nothing of instances."""
