"""What an outcome looks like in a chat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bot.channels.port import Outcome, Source
from bot.channels.telegram.formatted import Formatted, joined, plain, styled
from bot.channels.telegram.markdown import render
from bot.channels.telegram.tables import as_text
from bot.locales import Translator

PLACEHOLDER: Final = plain("…")
"""What a message shows before it shows anything of an answer."""
MOST_RICH: Final = 32_768
"""Characters of a message that Telegram lays out itself."""
_MARKS: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>])")


def outcome_text(outcome: Outcome, say: Translator) -> Formatted:
    """Everything of an outcome that is text: what came, what ended it, what it draws on."""
    whole = joined(_pieces(outcome, say))
    return PLACEHOLDER if whole.is_blank else whole


def outcome_markdown(outcome: Outcome, say: Translator) -> str | None:
    """The same as Markdown for Telegram to lay out; None when it is too long, or nothing of an answer is in it."""
    if not outcome.answer or outcome.turn is None:
        return None
    others = (_MARKS.sub(r"\\\1", piece.text) for piece in _pieces(outcome, say, answered=False))
    whole = "\n\n".join((outcome.answer, *others))
    return whole if len(whole) <= MOST_RICH else None


def place_in_queue(ahead: int, say: Translator) -> Formatted:
    """That others of the session are answered first."""
    return plain(say("Your earlier messages are answered first; before this one: {ahead}.", ahead=ahead))


def _pieces(outcome: Outcome, say: Translator, *, answered: bool = True) -> Iterator[Formatted]:
    if answered:
        # What commands say holds words of people, who did not mean their asterisks.
        yield plain(outcome.answer) if outcome.turn is None else render(outcome.answer)
    if outcome.stopped:
        mark = say("Stopped.")
        yield styled(f"⏹ {mark}", "italic")
    if outcome.table is not None:
        yield as_text(outcome.table)
    if outcome.error:
        yield plain(f"⚠️ {outcome.error}")
    if outcome.sources:
        yield _quoted(_sources(outcome.sources, say))


def _sources(sources: Sequence[Source], say: Translator) -> Iterator[Formatted]:
    yield styled(say("Sources"), "bold")
    for source in sources:
        where = f", {source.where}" if source.where else ""
        quote = f": “{source.quote}”" if source.quote else ""
        yield plain(" ".join(f"[{source.n}] {source.title}{where}{quote}".split()))


def _quoted(lines: Iterable[Formatted]) -> Formatted:
    """Folded away until it is touched."""
    whole = joined(lines, "\n")
    quote = styled(whole.text, "expandable_blockquote")
    return Formatted(whole.text, (*quote.spans, *whole.spans))
