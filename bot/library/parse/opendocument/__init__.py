"""OpenDocument files of LibreOffice and others: texts, spreadsheets and presentations."""

from bot.library.parse.opendocument.reader import read

__all__ = ["read"]
