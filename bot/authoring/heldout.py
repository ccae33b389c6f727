"""Which dialogues are held out to measure with: by time and conversation, never one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.authoring.candidates import Candidate, Origin
from bot.authoring.stitching import OCCASION_GAP
from inference.training.dialogues import Dialogue
from inference.training.message import DialogueMessage
from inference.training.report import DialogueSet, find_leaks

_MAX_OVER: Final = 2
"""How many times its share a conversation may give, because an occasion is never parted."""


def choose_heldout(candidates: Sequence[Candidate], share: float) -> frozenset[str]:
    """Ids of the dialogues to measure with.

    A conversation gives its last occasions: people go on in them with what they have just said, so that dialogues of
    one occasion on both sides would be a leak. Conversations too small for that are taken whole, the latest first.
    """
    by_conversation: defaultdict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_conversation[candidate.conversation].append(candidate)
    chosen: set[str] = set()
    small: list[list[Candidate]] = []
    for group in by_conversation.values():
        if round(share * len(group)) < 1:
            small.append(group)
        else:
            chosen |= _last_of(_occasions(group), share * len(group))
    together = sum(map(len, small))
    small.sort(key=lambda group: max(_clock(each.last) for each in group))
    return frozenset(chosen | _last_of(small, share * together))


def find_leaking(trained: Sequence[Candidate], heldout: Sequence[Candidate]) -> frozenset[str]:
    """Ids of the held-out dialogues of which a question or an answer is trained on."""
    path = Path()
    sets = [
        DialogueSet(path, [_dialogue(each, number) for number, each in enumerate(some)]) for some in (trained, heldout)
    ]
    return frozenset(heldout[leak.here.line].id for leak in find_leaks(sets[:1], sets[1:]))


def _last_of(groups: Sequence[Sequence[Candidate]], wanted: float) -> set[str]:
    """The last groups, whole, that together are about as many as wanted, and never all."""
    chosen: set[str] = set()
    for group in list(groups[1:])[::-1]:
        if len(chosen) >= round(wanted):
            break
        if len(chosen) + len(group) <= _MAX_OVER * wanted:
            chosen |= {each.id for each in group}
    return chosen


def _occasions(group: Sequence[Candidate]) -> list[list[Candidate]]:
    """The dialogues of a conversation in the order of time, those without a silence between them together."""
    ordered = sorted(group, key=lambda each: _clock(each.first))
    occasions: list[list[Candidate]] = []
    end = datetime.min  # noqa: DTZ901 - compared with times without a zone
    for each in ordered:
        is_apart = each.origin is not Origin.CHAT or _clock(each.first) - end > OCCASION_GAP
        if not occasions or is_apart:
            occasions.append([])
        occasions[-1].append(each)
        end = max(end, _clock(each.last))
    return occasions


def _clock(time: str) -> datetime:
    # Without the zone: an export may state it for some messages only, and such times cannot be compared.
    return datetime.fromisoformat(time).replace(tzinfo=None) if time else datetime.min  # noqa: DTZ901


def _dialogue(candidate: Candidate, number: int) -> Dialogue:
    return Dialogue(tuple(DialogueMessage(turn.role, turn.text, turn.learn) for turn in candidate.turns), number)
