"""Modes said in a message: sentences such as “switch to sport + core”, and `<|use_lora_NAME|>` at its head.

Only a whole message that is nothing but the switch counts, and only when what it names is in the mind. A
message that says “mode” outright and misspells a name is answered with the nearest names instead of being
taken for small talk.
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
    (re.compile(_OPENING + pattern), says_mode)
    for pattern, says_mode in (
        (rf"(?P<verb>(?:{_TURN_ON}|{_MOVE})\s+(?:на\s+|в\s+|к\s+)?)?режим[аеу]?(?P<rest>[\s:].*)", True),
        (rf"(?P<verb>{_TURN_ON}\s+|{_MOVE}\s+(?:на|в|к)\s+)(?P<rest>.+?)\s+режим", True),
        (rf"(?P<verb>{_TURN_ON}\s+|{_MOVE}\s+(?:на|в|к)\s+)(?P<rest>.+)", False),
        (rf"(?P<verb>{_SWITCH}\s+(?:(?:back\s+|in)?to\s+)?)?(?:the\s+|my\s+)?mode(?P<rest>[\s:=].*)", True),
        (rf"(?P<verb>{_SWITCH}\s+(?:(?:back\s+|in)?to\s+)?)?(?:the\s+)?(?P<rest>.+?)\s+mode", True),
        (r"(?P<verb>(?:(?:switch|change|return)\s+(?:back\s+)?to|use|turn on|enable|activate)\s+)(?P<rest>.+)", False),
    )
]
_POLITE_WORDS = re.compile(r"\s*,?\s*\b(?:please|пожалуйста)\b\s*,?\s*")
_LEADING_WORDS = re.compile(r"\s*(?P<colon>[:=]|-\s)?\s*(?:(?:to|на)\s+)?")
_SEPARATOR = re.compile(r"\s*(?:[+&]|,(?!\d))\s*(?:(?:и|and)\s+)?|\s+(?:и|and|plus|плюс|with|вместе с|с)\s+")
_PIECE = re.compile(r"[«\"“„']?(?P<name>[^*×@\s«»\"“”„']+)[»\"”“']?\s*(?P<rest>(?:[*×@].*)?)")


@dataclass(frozen=True, slots=True)
class _Piece:
    word: str
    name: str | None
    rest: str

    def is_typo(self, mind: Mind) -> bool:
        return self.name is None and bool(nearest_names(self.word, mind, min_score=TYPO_THRESHOLD))


def parse_mode_switch(message: str, mind: Mind) -> str | None:
    """The expression a message asks to switch to, in the mind's own names; None for an ordinary message.

    Raises:
        UnknownAdapter: the message plainly asks for a mode, by a name the mind does not have.
    """
    if len(message) > MAX_EXPRESSION_LENGTH or "\n" in message.strip():
        return None
    text = _POLITE_WORDS.sub(" ", name_key(message.strip())).strip(" \t.!")
    if text.endswith("?"):
        return None
    for says_mode, has_verb, rest in _match_phrases(text):
        lead = _LEADING_WORDS.match(rest)
        colon = bool(lead and lead["colon"])
        pieces = _parse_pieces(rest[lead.end() :] if lead else rest, mind)
        if not pieces:
            continue
        unknown = [piece for piece in pieces if piece.name is None]
        if not unknown:
            expression = "+".join(f"{piece.name}{piece.rest}" for piece in pieces)
            return expression if says_mode or _is_expression(expression) else None
        if says_mode and (colon or has_verb) and _is_mode_request(pieces, unknown, colon, has_verb, mind):
            raise UnknownAdapter(
                unknown[0].word, nearest_names(unknown[0].word, mind) or tuple(mind.adapters)[:MAX_SUGGESTIONS]
            )
    return None


def _match_phrases(text: str) -> Iterator[tuple[bool, bool, str]]:
    for pattern, says_mode in _PHRASES:
        if found := pattern.fullmatch(text):
            yield says_mode, bool(found["verb"]), found["rest"]


def _parse_pieces(text: str, mind: Mind) -> list[_Piece]:
    """The names joined in `text`; empty when some part of it cannot be a name."""
    pieces = []
    for part in _SEPARATOR.split(text.strip()):
        found = _PIECE.fullmatch(part.strip())
        if not found or not is_valid_name(found["name"]):
            return []
        pieces.append(_Piece(found["name"], find_inflected(found["name"], mind), found["rest"]))
    return pieces


def _is_expression(expression: str) -> bool:
    try:
        parse_expression(expression)
    except ModeError:
        return False
    return True


def _is_mode_request(pieces: list[_Piece], unknown: list[_Piece], colon: bool, has_verb: bool, mind: Mind) -> bool:
    """Whether a message with unknown names still plainly asks for a mode, rather than speaks of one.

    “режим: медицина” does, and so do “включи режим спрот” and “включи режим: физика+магия”; “режим: сон и еда” and
    “turn on dark mode” do not.
    """
    if colon and (has_verb or len(pieces) == 1):
        return True
    if has_verb and len(unknown) < len(pieces):
        return True
    return all(piece.is_typo(mind) for piece in unknown)


_TRIGGER_PREFIX = re.compile(r"\s*<\|use_lora_(?P<name>[^<>|\n]*)\|>\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A message split into the mode its head asks for and the rest."""

    expression: ModeExpression
    message: str


def parse_trigger(message: str, mind: Mind) -> Trigger | None:
    """Split off the triggers at the head of `message`; several compose.

    Only the head counts: the same words anywhere else are data. None when there is none, or when the mind
    has triggers off.

    Raises:
        ModeError: a trigger at the head does not name a mode.
    """
    if not mind.triggers.enabled:
        return None
    names = []
    end = 0
    while found := _TRIGGER_PREFIX.match(message, end):
        names.append(found["name"].strip())
        end = found.end()
    return Trigger(parse_expression("+".join(names)), message[end:]) if names else None
