"""Readers: one input format a file, each yielding blocks of records from splits."""
