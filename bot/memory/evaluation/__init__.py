"""Measuring recall on data that others can repeat it on."""
