"""The screens: main, welcome, create, pairing, and the dialogs."""
