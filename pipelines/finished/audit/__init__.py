"""Check a finished corpus from its files alone, as a stranger would who does not trust who made
it."""
