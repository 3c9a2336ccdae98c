"""One transformation a file: pure functions on a block of documents."""
