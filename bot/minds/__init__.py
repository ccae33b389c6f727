"""Minds: an author's folder, loaded and checked, and its modes."""

from bot.minds.errors import BrokenMind, MindError, Mistake, ModeError, UnknownAdapter
from bot.minds.grammar import (
    Auto,
    Band,
    Base,
    LayerRange,
    ModeExpression,
    NamedBand,
    Sum,
    Term,
    parse_expression,
    resolve_band,
)
from bot.minds.load import load_mind
from bot.minds.mind import Mind
from bot.minds.phrases import Trigger, parse_mode_switch, parse_trigger
from bot.minds.prompts import render_system_prompt
from bot.minds.resolve import ResolvedMode, check_access, resolve_mode
from bot.minds.schema import (
    Adapter,
    Chunking,
    Collection,
    CollectionKind,
    Forbidden,
    LocalText,
    NamedMode,
    Policies,
    Trust,
)

__all__ = [
    "Adapter",
    "Auto",
    "Band",
    "Base",
    "BrokenMind",
    "Chunking",
    "Collection",
    "CollectionKind",
    "Forbidden",
    "LayerRange",
    "LocalText",
    "Mind",
    "MindError",
    "Mistake",
    "ModeError",
    "ModeExpression",
    "NamedBand",
    "NamedMode",
    "Policies",
    "ResolvedMode",
    "Sum",
    "Term",
    "Trigger",
    "Trust",
    "UnknownAdapter",
    "check_access",
    "load_mind",
    "parse_expression",
    "parse_mode_switch",
    "parse_trigger",
    "render_system_prompt",
    "resolve_band",
    "resolve_mode",
]
