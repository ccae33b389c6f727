"""Subjects of an author's dialogues: found by meaning, named by their words, and made topic adapters of."""
