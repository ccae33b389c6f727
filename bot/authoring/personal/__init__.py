"""Personal data in what is to be learnt: found by kind, and replaced."""

from bot.authoring.personal.finder import PersonalFinder
from bot.authoring.personal.finds import Find, PersonalKind
from bot.authoring.personal.replacement import Replacements

__all__ = ["Find", "PersonalFinder", "PersonalKind", "Replacements"]
