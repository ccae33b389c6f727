"""The terminal: a chat for people, and plain lines or JSON for pipes."""
