"""Modes: which adapters answer, how a person says so, and what a mind allows."""

from bot.modes.access import check_access
from bot.modes.bands import Band, Layers, Third, layer_range
from bot.modes.errors import ModeError, UnknownAdapter
from bot.modes.expression import Auto, Base, ModeExpression, Sum, Term, parse
from bot.modes.phrases import recognise
from bot.modes.resolve import ResolvedMode, resolve
from bot.modes.router import Routed, Router
from bot.modes.trigger import Trigger, read_trigger
from bot.modes.weights import effective_weights

__all__ = [
    "Auto",
    "Band",
    "Base",
    "Layers",
    "ModeError",
    "ModeExpression",
    "ResolvedMode",
    "Routed",
    "Router",
    "Sum",
    "Term",
    "Third",
    "Trigger",
    "UnknownAdapter",
    "check_access",
    "effective_weights",
    "layer_range",
    "parse",
    "read_trigger",
    "recognise",
    "resolve",
]
