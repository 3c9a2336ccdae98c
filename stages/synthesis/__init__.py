"""Questions, answers, instructions and texts that models or templates make from found documents."""
