"""Minds: a creator's folder, read and checked."""

from bot.mind.collections import Chunking, Collection, CollectionKind, Trust
from bot.mind.errors import BrokenMind, MindError, Mistake
from bot.mind.load import load_mind
from bot.mind.mind import Mind
from bot.mind.models import Adapter, Forbidden, NamedMode, Policies
from bot.mind.prompts import render_system_prompt
from bot.mind.texts import LocalText

__all__ = [
    "Adapter",
    "BrokenMind",
    "Chunking",
    "Collection",
    "CollectionKind",
    "Forbidden",
    "LocalText",
    "Mind",
    "MindError",
    "Mistake",
    "NamedMode",
    "Policies",
    "Trust",
    "load_mind",
    "render_system_prompt",
]
