"""How sure it is that a corpus is in its language: strata of doubt, samples for speakers, intervals
of precision."""
