"""The sections of a card, one file each."""
