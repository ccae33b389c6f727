"""Whether new adapters may take the place of those in use: what they need for it, and what is against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bot.authoring.evaluation import Evaluation, breaches, read_evaluation
from bot.authoring.version_errors import BreaksLimits, EvaluationsDiffer, NotEvaluated
from bot.minds import Mind
from bot.minds.versions import Digests, list_versions, live_folders, read_digests, version_folder
from consilium.errors import N_, ConsiliumError, TranslatedDetail

EVALUATION_FOLDERS = (".", "evaluation", "candidate", "candidate/evaluation")
"""Where evaluations lie within a mind's folder, beside those in its versions."""
_CANDIDATE = TranslatedDetail(N_("the candidate"))
_IN_USE = TranslatedDetail(N_("what is in use"))


def find_evaluation(mind: Mind, digests: Digests) -> Evaluation | None:
    """The latest evaluation of exactly these adapters; None if there is none. Blocking."""
    found = [each for each in map(read_evaluation, _folders(mind.folder)) if each and each.is_of(digests)]
    return max(found, key=lambda each: each.measured, default=None)


def check_gate(mind: Mind, candidate: Digests) -> Evaluation:
    """The evaluation of a candidate that may be promoted; blocking.

    Args:
        candidate: the digests of its adapters.

    Raises:
        NotEvaluated: it, or what is in use, was not measured.
        EvaluationsDiffer: they were measured in different ways.
        BreaksLimits: it is worse than the mind's limits allow.
    """
    evaluation = find_evaluation(mind, candidate)
    measured = {name for figures in evaluation.modes.values() for name in figures.adapters} if evaluation else set()
    if evaluation is None or not candidate.keys() <= measured:
        raise NotEvaluated(_CANDIDATE, mind.folder, candidate=True)
    live_digests = read_digests(live_folders(mind))
    live = find_evaluation(mind, live_digests)
    # A set with a damaged adapter, or with none, is nothing to compare with.
    if live is None and live_digests and live_digests.keys() == mind.adapters.keys():
        raise NotEvaluated(_IN_USE, mind.folder, candidate=False)
    if live is not None and live.settings != evaluation.settings:
        raise EvaluationsDiffer(mind.folder)
    if found := breaches(evaluation, mind.limits, live):
        raise BreaksLimits(found)
    return evaluation


def find_obstacle(mind: Mind, candidate: Digests) -> ConsiliumError | None:
    """What is against promoting a candidate now; None if nothing is. Blocking."""
    try:
        check_gate(mind, candidate)
    except (NotEvaluated, EvaluationsDiffer, BreaksLimits) as error:
        return error
    return None


def _folders(mind_folder: Path) -> Iterator[Path]:
    yield from (mind_folder / name for name in EVALUATION_FOLDERS)
    yield from (version_folder(mind_folder, version.number) for version in list_versions(mind_folder))
