"""Outcomes as formatted text for a chat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bot.channels.telegram.formatting import FormattedText, format_table, join, plain, styled
from bot.channels.telegram.markdown import render_markdown
from bot.core.i18n import Translator
from bot.core.messages import Outcome, Source

PLACEHOLDER: Final = plain("…")
"""What a message shows before the answer begins."""
MAX_RICH_LENGTH: Final = 32_768
"""Characters of a message that Telegram renders itself."""
_MARKDOWN_CHARACTERS: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>])")


def render_outcome(outcome: Outcome, say: Translator) -> FormattedText:
    """All text of an outcome: the answer, whether it was stopped, its table, its error and its sources."""
    text = join(_outcome_sections(outcome, say))
    return PLACEHOLDER if text.is_blank else text


def render_outcome_markdown(outcome: Outcome, say: Translator) -> str | None:
    """The same as Markdown that Telegram renders itself; None when it is too long, or is no answer of the model."""
    if not outcome.answer or outcome.turn is None:
        return None
    others = (
        _MARKDOWN_CHARACTERS.sub(r"\\\1", section.text)
        for section in _outcome_sections(outcome, say, include_answer=False)
    )
    markdown = "\n\n".join((outcome.answer, *others))
    return markdown if len(markdown) <= MAX_RICH_LENGTH else None


def queue_position_text(ahead: int, say: Translator) -> FormattedText:
    """The notice that other messages of the session are answered first."""
    return plain(say("Your earlier messages are answered first; before this one: {ahead}.", ahead=ahead))


def _outcome_sections(outcome: Outcome, say: Translator, *, include_answer: bool = True) -> Iterator[FormattedText]:
    if include_answer:
        # A command's answer quotes people, who do not write Markdown.
        yield plain(outcome.answer) if outcome.turn is None else render_markdown(outcome.answer)
    if outcome.stopped:
        notice = say("Stopped.")
        yield styled(f"⏹ {notice}", "italic")
    if outcome.table is not None:
        yield format_table(outcome.table)
    if outcome.error:
        yield plain(f"⚠️ {outcome.error}")
    if outcome.notice:
        yield plain(outcome.notice)
    if outcome.sources:
        yield _collapsed_quote(_source_lines(outcome.sources, say))


def _source_lines(sources: Sequence[Source], say: Translator) -> Iterator[FormattedText]:
    yield styled(say("Sources"), "bold")
    for source in sources:
        where = f", {source.where}" if source.where else ""
        quote = f": “{source.quote}”" if source.quote else ""
        yield plain(" ".join(f"[{source.n}] {source.title}{where}{quote}".split()))


def _collapsed_quote(lines: Iterable[FormattedText]) -> FormattedText:
    """The lines in a quote that is collapsed until the person taps it."""
    text = join(lines, "\n")
    quote = styled(text.text, "expandable_blockquote")
    return FormattedText(text.text, (*quote.spans, *text.spans))
