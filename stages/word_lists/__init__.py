"""Word lists of languages, learned from trusted text: stop words, and words of one language
alone."""
