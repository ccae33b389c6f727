"""Telegram: updates of the Bot API go to the inbox, and answers appear in its chats."""
