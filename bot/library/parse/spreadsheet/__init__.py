"""Workbooks of Excel: their sheets with what a person sees in the cells."""

from bot.library.parse.spreadsheet.workbook import read

__all__ = ["read"]
