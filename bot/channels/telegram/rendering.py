"""What an outcome looks like in a chat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bot.channels.telegram.formatting import FormattedText, format_table, join, plain, styled
from bot.channels.telegram.markdown import render_markdown
from bot.core.i18n import Translator
from bot.core.messages import Outcome, Source

PLACEHOLDER: Final = plain("…")
"""What a message shows before it shows anything of an answer."""
MAX_RICH_LENGTH: Final = 32_768
"""Characters of a message that Telegram lays out itself."""
_MARKDOWN_CHARACTERS: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>])")


def render_outcome(outcome: Outcome, say: Translator) -> FormattedText:
    """Everything of an outcome that is text: what came, what ended it, what it draws on."""
    whole = join(_outcome_sections(outcome, say))
    return PLACEHOLDER if whole.is_blank else whole


def render_outcome_markdown(outcome: Outcome, say: Translator) -> str | None:
    """The same as Markdown for Telegram to lay out; None when it is too long, or nothing of an answer is in it."""
    if not outcome.answer or outcome.turn is None:
        return None
    others = (
        _MARKDOWN_CHARACTERS.sub(r"\\\1", piece.text) for piece in _outcome_sections(outcome, say, include_answer=False)
    )
    whole = "\n\n".join((outcome.answer, *others))
    return whole if len(whole) <= MAX_RICH_LENGTH else None


def queue_position_text(ahead: int, say: Translator) -> FormattedText:
    """That others of the session are answered first."""
    return plain(say("Your earlier messages are answered first; before this one: {ahead}.", ahead=ahead))


def _outcome_sections(outcome: Outcome, say: Translator, *, include_answer: bool = True) -> Iterator[FormattedText]:
    if include_answer:
        # What commands say holds words of people, who did not mean their asterisks.
        yield plain(outcome.answer) if outcome.turn is None else render_markdown(outcome.answer)
    if outcome.stopped:
        mark = say("Stopped.")
        yield styled(f"⏹ {mark}", "italic")
    if outcome.table is not None:
        yield format_table(outcome.table)
    if outcome.error:
        yield plain(f"⚠️ {outcome.error}")
    if outcome.sources:
        yield _collapsed_quote(_source_lines(outcome.sources, say))


def _source_lines(sources: Sequence[Source], say: Translator) -> Iterator[FormattedText]:
    yield styled(say("Sources"), "bold")
    for source in sources:
        where = f", {source.where}" if source.where else ""
        quote = f": “{source.quote}”" if source.quote else ""
        yield plain(" ".join(f"[{source.n}] {source.title}{where}{quote}".split()))


def _collapsed_quote(lines: Iterable[FormattedText]) -> FormattedText:
    """Folded away until it is touched."""
    whole = join(lines, "\n")
    quote = styled(whole.text, "expandable_blockquote")
    return FormattedText(whole.text, (*quote.spans, *whole.spans))
