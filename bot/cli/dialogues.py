"""Dialogues of a mind's adapters, as commands train on them and measure with them."""

from __future__ import annotations

from bot.authoring.evaluation.dialogues import mind_dialogues
from bot.cli.errors import NoDialogues
from bot.minds import Mind
from inference.training.dialogues import Dialogue


def load_adapter_dialogues(mind: Mind, name: str, *, heldout: bool = False) -> list[Dialogue]:
    """The dialogues of an adapter that teach something, with the system prompt of its mode; blocking.

    Args:
        heldout: those to measure with, instead of those to train on.

    Raises:
        NoDialogues: the mind names no such file for the adapter.
    """
    adapter = mind.adapters[name]
    if (adapter.heldout if heldout else adapter.dialogues) is None:
        raise NoDialogues(name, "heldout" if heldout else "dialogues")
    return mind_dialogues(mind, name, heldout=heldout)
