"""Markdown as models write it: what of it is formatting and what is text, for channels that show it in their own way.

Formulas, identifiers, multiplications and addresses stay as they are written; only what is clearly meant as formatting
is read as such.
"""
