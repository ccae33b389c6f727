"""The forms in which training dialogues are written, each read into the same messages or refused by name."""
