"""What every room of `bot` speaks: messages, ports, errors of talking, languages, background work."""
