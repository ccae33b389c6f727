"""Finds the subjects of an import's dialogues, once for the same dialogues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.authoring.outcome import Fate, Part, read_fates
from bot.authoring.stages import StageFolder, digest_of
from bot.authoring.subjects.acceptance import read_acceptance
from bot.authoring.subjects.proposal import (
    MIN_TOPIC,
    Proposal,
    proposal_from_record,
    proposal_to_record,
    propose,
)
from bot.minds import Mind

if TYPE_CHECKING:
    from bot.authoring.subjects.clustering import Vectors

_STAGE: Final = "subjects"
_MAX_CHARACTERS: Final = 1500
"""Of a dialogue, from which its subject is told."""
Embed = Callable[[Sequence[str]], "Vectors"]
"""Vectors of texts, (texts, dimensions); blocking."""


@dataclass(frozen=True, slots=True)
class Found:
    """The subjects of an import, with what they were found in."""

    proposal: Proposal
    inputs: str
    """Digest of what they follow from."""
    fates: Sequence[Fate]
    """All dialogues of the import."""
    taken: frozenset[str]
    """Names of the mind that stand for something else."""


def find_subjects(mind: Mind, stages: StageFolder, embed: Embed, embedder: str, *, min_size: int = MIN_TOPIC) -> Found:
    """Find the subjects of what is to be learnt, or read what was found in the same dialogues; blocking.

    Args:
        embedder: its name, on which the vectors depend.
    """
    fates = read_fates(stages)
    accepted = read_acceptance(stages)
    added = {each.name for each in accepted.adapters if each.is_new} if accepted else set()
    taken = frozenset(alias for alias, name in mind.names.items() if name not in added)
    learnt = [fate.candidate for fate in fates if fate.reason is None and fate.part is not Part.LIBRARY]
    texts = [candidate.text[:_MAX_CHARACTERS] for candidate in learnt]
    inputs = digest_of([candidate.id for candidate in learnt], texts, embedder, min_size, sorted(taken))

    def make() -> list[dict[str, object]]:
        if len(learnt) < 2 * min_size:
            return [proposal_to_record(Proposal((), len(learnt)))]
        return [proposal_to_record(propose(learnt, embed(texts), min_size=min_size, taken=taken))]

    stages.ensure(_STAGE, inputs, make)
    return Found(proposal_from_record(next(stages.read(_STAGE))), inputs, fates, taken)
