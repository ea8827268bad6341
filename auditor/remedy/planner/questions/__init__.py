"""Creates the questions that only a person can decide, and matches decisions to them."""
