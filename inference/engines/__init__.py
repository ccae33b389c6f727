"""What generates: one port, and the engines behind it."""
