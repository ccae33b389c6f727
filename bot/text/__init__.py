"""Text analysis and the tables of words it needs, in Russian and English. Knows nothing of the rest of `bot`."""
