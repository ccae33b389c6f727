"""Markdown to text with entities."""

from __future__ import annotations

from bot.channels.telegram.formatted import Formatted, plain


def render(markdown: str) -> Formatted:
    """What Markdown says, and how it looks."""
    return plain(markdown)
