"""The panes of the main screen: light widgets that draw themselves."""
