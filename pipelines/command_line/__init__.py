"""The `glotmill` command: its arguments, and what it prints while it works."""
