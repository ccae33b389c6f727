"""PDF files: their text in reading order, without what only frames the pages."""

from bot.library.parse.pdf.reader import read

__all__ = ["read"]
