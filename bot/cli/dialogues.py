"""Dialogues of a mind's adapters, as commands train on them and measure with them."""

from __future__ import annotations

from bot.cli.errors import NoDialogues
from bot.minds import Mind, render_system_prompt
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.training.dialogues import Dialogue, read_dialogues


def load_adapter_dialogues(mind: Mind, name: str, *, heldout: bool = False) -> list[Dialogue]:
    """The dialogues of an adapter that teach something, with the system prompt of its mode; blocking.

    Args:
        heldout: those to measure with, instead of those to train on.

    Raises:
        NoDialogues: the mind names no such file for the adapter.
    """
    adapter = mind.adapters[name]
    path = adapter.heldout if heldout else adapter.dialogues
    if path is None:
        raise NoDialogues(name, "heldout" if heldout else "dialogues")
    system = render_system_prompt(mind, resolve_mode(parse_expression(name), mind), (), "en")
    return [dialogue.with_system_message(system) for dialogue in read_dialogues(path) if dialogue.teaches]
