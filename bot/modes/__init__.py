"""Modes: which adapters answer, how a person says so, and what a mind allows."""

from bot.modes.access import check_access
from bot.modes.bands import Band, LayerRange, NamedBand, resolve_band
from bot.modes.errors import ModeError, UnknownAdapter
from bot.modes.expression import Auto, Base, ModeExpression, Sum, Term, parse_expression
from bot.modes.phrases import parse_mode_switch
from bot.modes.resolve import ResolvedMode, resolve_mode
from bot.modes.router import Router, RoutingResult
from bot.modes.trigger import Trigger, parse_trigger
from bot.modes.weights import effective_weights

__all__ = [
    "Auto",
    "Band",
    "Base",
    "LayerRange",
    "ModeError",
    "ModeExpression",
    "NamedBand",
    "ResolvedMode",
    "Router",
    "RoutingResult",
    "Sum",
    "Term",
    "Trigger",
    "UnknownAdapter",
    "check_access",
    "effective_weights",
    "parse_expression",
    "parse_mode_switch",
    "parse_trigger",
    "resolve_band",
    "resolve_mode",
]
