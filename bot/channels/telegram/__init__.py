"""Telegram: what comes from the Bot API is handed to the inbox, and answers are shown in its chats."""
