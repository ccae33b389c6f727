"""Finds mode switches in messages: sentences such as “switch to sport + core”, and `<|use_lora_NAME|>` at the start.

A sentence counts only if it is the whole message and if the mind has what it names. If the message has the word “mode”
and a misspelt name, it is an error that names the nearest ones, and not an ordinary message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.minds.errors import ModeError, UnknownAdapter
from bot.minds.grammar import MAX_EXPRESSION_LENGTH, ModeExpression, is_valid_name, parse_expression
from bot.minds.names import TYPO_THRESHOLD, find_inflected, name_key, nearest_names
from bot.minds.resolve import MAX_SUGGESTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.minds.mind import Mind

_OPENING = r"(?:(?:now|ok(?:ay)?|let's|давай(?:те)?|теперь|ок)\s*,?\s+)?"
_TURN_ON = r"(?:включ(?:и|ите|ить|ай|айте)|вруби|активиру(?:й|йте)|используй(?:те)?|поставь(?:те)?|выбери(?:те)?)"
_MOVE = (
    r"(?:переключи(?:сь|тесь|ться|ть|те)?|переключай(?:ся|тесь)?|перейди(?:те)?|перейти|переходи(?:те)?"
    r"|вернись|вернитесь|вернуться|смени(?:те|ть)?|поменяй(?:те)?|поменять)"
)
_SWITCH = r"(?:switch|change|set|go|turn on|turn|enable|activate|use|select|choose|return)"
_PHRASES: Final = [
    (re.compile(_OPENING + pattern), has_mode_word)
    for pattern, has_mode_word in (
        (rf"(?P<verb>(?:{_TURN_ON}|{_MOVE})\s+(?:на\s+|в\s+|к\s+)?)?режим[аеу]?(?P<rest>[\s:].*)", True),
        (rf"(?P<verb>{_TURN_ON}\s+|{_MOVE}\s+(?:на|в|к)\s+)(?P<rest>.+?)\s+режим", True),
        (rf"(?P<verb>{_TURN_ON}\s+|{_MOVE}\s+(?:на|в|к)\s+)(?P<rest>.+)", False),
        (rf"(?P<verb>{_SWITCH}\s+(?:(?:back\s+|in)?to\s+)?)?(?:the\s+|my\s+)?mode(?P<rest>[\s:=].*)", True),
        (rf"(?P<verb>{_SWITCH}\s+(?:(?:back\s+|in)?to\s+)?)?(?:the\s+)?(?P<rest>.+?)\s+mode", True),
        (r"(?P<verb>(?:(?:switch|change|return)\s+(?:back\s+)?to|use|turn on|enable|activate)\s+)(?P<rest>.+)", False),
    )
]
"""Patterns, and whether a message that matches has the word “mode” in it."""
_POLITE_WORDS: Final = re.compile(r"\s*,?\s*\b(?:please|пожалуйста)\b\s*,?\s*")
_LEADING_WORDS: Final = re.compile(r"\s*(?P<colon>[:=]|-\s)?\s*(?:(?:to|на)\s+)?")
_SEPARATOR: Final = re.compile(r"\s*(?:[+&]|,(?!\d))\s*(?:(?:и|and)\s+)?|\s+(?:и|and|plus|плюс|with|вместе с|с)\s+")
_PIECE: Final = re.compile(r"[«\"“„']?(?P<name>[^*×@\s«»\"“”„']+)[»\"”“']?\s*(?P<rest>(?:[*×@].*)?)")
_TRIGGER: Final = re.compile(r"\s*<\|use_lora_(?P<name>[^<>|\n]*)\|>\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A message split into the mode that its triggers name and the text after them."""

    expression: ModeExpression
    message: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """One name in a switch."""

    word: str
    """As it is written."""
    name: str | None
    """The adapter or mode it stands for; None if the mind has none."""
    rest: str
    """Weight and band."""

    def is_typo(self, mind: Mind) -> bool:
        """Whether the word is unknown and very similar to a name."""
        return self.name is None and bool(nearest_names(self.word, mind, min_score=TYPO_THRESHOLD))


def parse_mode_switch(message: str, mind: Mind) -> str | None:
    """The expression that a message asks to switch to, in the mind's own names; None for an ordinary message.

    Raises:
        UnknownAdapter: the message clearly asks for a mode, but the mind does not have that name.
    """
    if len(message) > MAX_EXPRESSION_LENGTH or "\n" in message.strip():
        return None
    text = _POLITE_WORDS.sub(" ", name_key(message.strip())).strip(" \t.!")
    if text.endswith("?"):
        return None
    for has_mode_word, has_verb, rest in _match_phrases(text):
        lead = _LEADING_WORDS.match(rest)
        has_colon = bool(lead and lead["colon"])
        pieces = _parse_pieces(rest[lead.end() :] if lead else rest, mind)
        if not pieces:
            continue
        unknown = [piece for piece in pieces if piece.name is None]
        if not unknown:
            expression = "+".join(f"{piece.name}{piece.rest}" for piece in pieces)
            return expression if has_mode_word or _is_expression(expression) else None
        if has_mode_word and (has_colon or has_verb) and _is_mode_request(pieces, unknown, has_colon, has_verb, mind):
            word = unknown[0].word
            raise UnknownAdapter(word, nearest_names(word, mind) or tuple(mind.adapters)[:MAX_SUGGESTIONS])
    return None


def _match_phrases(text: str) -> Iterator[tuple[bool, bool, str]]:
    """For each phrase that matches: whether it has the word “mode”, whether it has a verb, and the rest of the text."""
    for pattern, has_mode_word in _PHRASES:
        if match := pattern.fullmatch(text):
            yield has_mode_word, bool(match["verb"]), match["rest"]


def _parse_pieces(text: str, mind: Mind) -> list[_Piece]:
    """The names joined in `text`; empty if some part of it cannot be a name."""
    pieces = []
    for part in _SEPARATOR.split(text.strip()):
        match = _PIECE.fullmatch(part.strip())
        if not match or not is_valid_name(match["name"]):
            return []
        pieces.append(_Piece(match["name"], find_inflected(match["name"], mind), match["rest"]))
    return pieces


def _is_expression(expression: str) -> bool:
    try:
        parse_expression(expression)
    except ModeError:
        return False
    return True


def _is_mode_request(pieces: list[_Piece], unknown: list[_Piece], has_colon: bool, has_verb: bool, mind: Mind) -> bool:
    """Whether a message with unknown names clearly asks for a mode.

    “режим: медицина”, “включи режим спрот” and “включи режим: физика+магия” do; “режим: сон и еда” and “turn on dark
    mode” do not.
    """
    if has_colon and (has_verb or len(pieces) == 1):
        return True
    if has_verb and len(unknown) < len(pieces):
        return True
    return all(piece.is_typo(mind) for piece in unknown)


def parse_trigger(message: str, mind: Mind) -> Trigger | None:
    """Split off the triggers at the start of a message. Several of them compose.

    Triggers anywhere else are ordinary text. None if there are none at the start, or if the mind has them disabled.

    Raises:
        ModeError: a trigger does not name a mode.
    """
    if not mind.triggers.enabled:
        return None
    names = []
    end = 0
    while match := _TRIGGER.match(message, end):
        names.append(match["name"].strip())
        end = match.end()
    return Trigger(parse_expression("+".join(names)), message[end:]) if names else None
