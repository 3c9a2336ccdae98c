"""Shards, splits and sampling weights of the published corpus."""
