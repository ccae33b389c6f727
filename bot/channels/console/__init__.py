"""The console: an interactive chat in a terminal, and plain lines or JSON over pipes."""
