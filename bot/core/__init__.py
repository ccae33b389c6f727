"""What every room of `bot` uses: messages, ports, errors of conversation, languages, background work."""
