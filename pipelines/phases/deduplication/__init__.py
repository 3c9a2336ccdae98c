"""Which documents are duplicates, which one stays, and the index of what a corpus holds."""
