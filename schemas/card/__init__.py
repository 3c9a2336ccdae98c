"""What a data card must hold: the card, and the facts of each of its sections."""
