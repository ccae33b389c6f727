"""Word documents: their styles, their numbering, and their text as Word shows it."""

from bot.library.parse.word.document import read

__all__ = ["read"]
