"""People, their accounts, sessions and chats, and what they may do."""
