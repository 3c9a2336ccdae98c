"""Prompts of the strategies, versioned by the number in their names."""
