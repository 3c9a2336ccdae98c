"""One run of a recipe, from plan to card."""
