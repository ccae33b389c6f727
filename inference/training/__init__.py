"""Dialogues to adapter: reading, encoding, fine-tuning and measuring."""
