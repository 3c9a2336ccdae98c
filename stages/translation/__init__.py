"""Translation of documents: sentences out, protected parts masked, gates on every answer, documents
put together."""
