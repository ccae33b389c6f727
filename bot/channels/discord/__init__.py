"""Discord: messages, slash commands, buttons and menus over the one turn pipeline."""
