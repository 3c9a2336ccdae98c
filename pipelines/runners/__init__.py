"""Where tasks and shuffles run: local processes or a Beam runner."""
