"""Conversation: modes, recall, turns and the channels people speak through."""
