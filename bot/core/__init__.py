"""What every package of `bot` uses: messages, ports, errors of conversation, languages, background work."""
