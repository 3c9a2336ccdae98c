"""Scores of documents by fastText classifiers of any kind: quality, domain, toxicity."""
