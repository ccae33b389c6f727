"""What an outcome looks like in a chat."""

from __future__ import annotations

from bot.channels.port import Outcome
from bot.channels.telegram.formatted import Formatted, joined, plain
from bot.channels.telegram.markdown import render
from bot.channels.telegram.tables import as_text
from bot.locales import Translator

PLACEHOLDER = plain("…")
"""What a message shows before it shows anything of an answer."""


def answer_of(outcome: Outcome, say: Translator) -> Formatted:
    """Everything of an outcome that is text."""
    # What commands say holds words of people, who did not mean their asterisks.
    answer = plain(outcome.answer) if outcome.turn is None else render(outcome.answer)
    pieces = [answer]
    if outcome.table is not None:
        pieces.append(as_text(outcome.table))
    if outcome.error:
        pieces.append(plain(f"⚠️ {outcome.error}"))
    whole = joined(pieces)
    return whole if not whole.is_blank else PLACEHOLDER


def place_in_queue(ahead: int, say: Translator) -> Formatted:
    """That others of the session are answered first."""
    return plain(say("Before this one I answer {ahead} of your earlier messages.", ahead=ahead))
