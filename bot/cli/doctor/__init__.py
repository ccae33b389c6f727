"""`consilium doctor`: what is set up, what is missing, and how to fix it."""

from bot.cli.doctor.command import doctor

__all__ = ["doctor"]
