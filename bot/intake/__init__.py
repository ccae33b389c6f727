"""Receives messages: access, rate limits, parsing, commands, attachments, and the inbox that stores them."""
