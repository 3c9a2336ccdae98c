"""What a recipe may name."""
