"""What a turn asks, as the model, the window and the search see it: the person's own words beside what they quote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bot.answering.prompt import Exchange
from bot.core.attachments import Attachments
from bot.core.i18n import Translator
from bot.core.quotations import Quotation, quotations_from_json
from bot.library.cite import SaidBefore
from bot.minds.quoting import sanitise_line
from bot.text.follow_ups import follows_up, says_thanks
from bot.text.requests import asks_for_facts
from db.turns.turns import Turn

MAX_QUOTATION_CHARACTERS: Final = 8000
"""Characters of all quotations in a prompt, before its token budget shortens them."""
MAX_PAST_QUOTATION_CHARACTERS: Final = 800
"""Characters of the quotations of a past question."""
MAX_REPEATED_CHARACTERS: Final = 200
"""Characters of a quotation of the answer that stands right before the question anyway."""
_MAX_SEARCH_CHARACTERS: Final = 600
_FEW_WORDS: Final = 8
"""A question with fewer words, such as “translate this”, says little about its subject by itself."""
_COMPARED_LETTERS: Final = 60
_MAX_PAST_QUESTIONS: Final = 3
"""Questions that a message goes on from at most."""


def render_quotations(quotations: Sequence[Quotation], say: Translator, limit: int = MAX_QUOTATION_CHARACTERS) -> str:
    """Quotations as data in a prompt: a heading with the author, then every line behind “> ”; empty for none.

    No line of a quotation can pass for the person's own words or for a message of the chat template.

    Args:
        limit: characters of all quoted texts together; what is cut ends with “…”.
    """
    blocks = []
    for quotation in quotations:
        text = quotation.text if len(quotation.text) <= limit else f"{quotation.text[: max(limit - 1, 0)]}…"
        limit = max(limit - len(text), 0)
        lines = [sanitise_line(line, len(line) + 1) for line in text.splitlines()] or [""]
        blocks.append("\n".join((_heading(quotation, say), *(f"> {line}".rstrip() for line in lines))))
    return "\n\n".join(blocks)


def _heading(quotation: Quotation, say: Translator) -> str:
    author = sanitise_line(quotation.author)
    if quotation.kind == "forward":
        heading = say("Forwarded message of {author}", author=author) if author else say("Forwarded message")
    elif quotation.is_own:
        heading = say("Quoted message of yours")
    else:
        heading = say("Quoted message of {author}", author=author) if author else say("Quoted message")
    return f"{heading} ({quotation.date}):" if quotation.date else f"{heading}:"


def quotations_of(turn: Turn, window: Sequence[Exchange] = ()) -> tuple[Quotation, ...]:
    """The quotations of a turn. Of one that repeats the last answer in the window, only the beginning is left."""
    quotations = quotations_from_json(turn.quotations)
    last = _letters(window[-1].answer) if window else ""
    return tuple(
        replace(each, text=f"{each.text[: MAX_REPEATED_CHARACTERS - 1]}…")
        if each.is_own
        and not each.is_excerpt
        and len(each.text) > MAX_REPEATED_CHARACTERS
        and _letters(each.text)[:_COMPARED_LETTERS] in last
        else each
        for each in quotations
    )


def question_text(turn: Turn, say: Translator) -> str:
    """The question of a turn in the window: with its quotations, shortened, and the names of its files."""
    quoted = render_quotations(quotations_from_json(turn.quotations), say, MAX_PAST_QUOTATION_CHARACTERS)
    if turn.question or quoted:
        return "\n\n".join(part for part in (quoted, turn.question) if part)
    files = Attachments.from_document(turn.files).files if turn.files is not None else ()
    return " ".join([*(f"[{file.name}]" for file in files), *(f"[{kind}]" for kind in turn.unread)])


def search_text(turn: Turn) -> str:
    """What the library is searched for and a mode is chosen by.

    The question; if that says little by itself, the beginning of what it quotes is added.
    """
    quoted = " ".join(quotation.text for quotation in quotations_from_json(turn.quotations))
    if not quoted or len(turn.question.split()) >= _FEW_WORDS:
        return turn.question
    return f"{turn.question} {quoted[:_MAX_SEARCH_CHARACTERS]}".strip()


def said_before(exchanges: Sequence[tuple[str, str]]) -> SaidBefore:
    """What a message goes on from: the last question that stands alone, what has gone on from it, and their answers.

    Args:
        exchanges: questions and answers before it, oldest first. Small talk among them is passed over.
    """
    questions: list[str] = []
    answers: list[str] = []
    for question, answer in reversed(exchanges):
        if not asks_for_facts(question) or says_thanks(question):
            continue
        questions.insert(0, question[:_MAX_SEARCH_CHARACTERS])
        answers.insert(0, answer)
        if not follows_up(question) or len(questions) == _MAX_PAST_QUESTIONS:
            break
    return SaidBefore(" ".join(questions), tuple(answers))


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())
