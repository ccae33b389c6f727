"""Engines and adapters. Knows nothing of people or chats, nor of where their rows live."""
