"""Measures recall on public data, so that others can repeat it."""
