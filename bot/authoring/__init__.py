"""From what an author has written to a mind: sources, dialogues, personal data, review."""
