"""Deduplication: the keys documents are compared by, one kind a file."""
