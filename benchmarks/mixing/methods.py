"""Which merge method keeps most of both adapters of a pair, and what becomes of questions that need both.

    python -m benchmarks.mixing.methods [--folder DIR] [--data DIR] [--groups N]

Runs on what `campaign` has trained, and goes on where it was. Weights are learnt from dialogues that nothing is
measured on.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.mixing.campaign import (
    ALL,
    CHOSEN_BY,
    Campaign,
    Pair,
    add_arguments,
    language_of,
    measure_all,
    open_campaign,
    pairs,
)
from benchmarks.mixing.lab import Lab, Training
from benchmarks.mixing.pairs import chain, dialogue
from inference.adapters.compose import compose
from inference.adapters.merging.settings import Merge, MergeMethod, MergeSpace, SharedPart
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part, curve_over_layers
from inference.training.curve_learning import CurveLearner, CurveSettings

EQUAL: Final = (1.0, 1.0)
HALVED: Final = (0.71, 0.71)
"""1/√2: what adapters trained apart weigh unless told otherwise."""
METHODS: Final[dict[str, tuple[tuple[float, float], Merge]]] = {
    "sum, weights 1": (EQUAL, Merge()),
    "sum, weights 1/√2": (HALVED, Merge()),
    "sum, cut to half the rank": (EQUAL, Merge(rank=4)),
    "TIES, Core Space": (EQUAL, Merge(method=MergeMethod.TIES)),
    "TIES, whole deltas": (EQUAL, Merge(method=MergeMethod.TIES, space=MergeSpace.DELTA)),
    "DARE, Core Space": (EQUAL, Merge(method=MergeMethod.DARE)),
    "DARE with TIES, Core Space": (EQUAL, Merge(method=MergeMethod.DARE_TIES)),
    "magnitude prune, Core Space": (EQUAL, Merge(method=MergeMethod.PRUNE)),
    "project off the overlap": (EQUAL, Merge(method=MergeMethod.PROJECT)),
    "project off the core's outputs": (EQUAL, Merge(method=MergeMethod.PROJECT, off=SharedPart.OUTPUTS)),
    "project off the core's inputs": (EQUAL, Merge(method=MergeMethod.PROJECT, off=SharedPart.INPUTS)),
}
LEARNT: Final = "weights learnt per layer"
SETTINGS: Final = CurveSettings(points=3, steps=16, batch_size=4, learning_rate=0.1)
CHAINS: Final = 3


def compare_methods(campaign: Campaign, pair: Pair) -> dict[str, Any]:
    """What each method keeps of both."""
    packages = [campaign.package(pair.group, name) for name in pair.names]
    found = {}
    for label, (weights, merge) in METHODS.items():
        parts = [
            Part(package, weight, is_core=first)
            for package, weight, first in zip(packages, weights, (True, False), strict=True)
        ]
        with _merged(campaign.lab, parts, merge) as worn:
            found[label] = campaign.measure(pair, worn, drift=False)["kept"]
    curves = learn(campaign, pair)
    parts = [
        Part(package, curve=curve_over_layers(curves[name], campaign.lab.spec.layers))
        for name, package in zip(pair.names, packages, strict=True)
    ]
    with _merged(campaign.lab, parts, Merge()) as worn:
        found[LEARNT] = campaign.measure(pair, worn, drift=False)["kept"]
    return {"kept": found, "curves": curves}


def learn(campaign: Campaign, pair: Pair) -> dict[str, tuple[float, ...]]:
    """The curves of a pair, from the dialogues that are for choosing."""
    packages = {name: campaign.package(pair.group, name).folder for name in pair.names}
    learner = CurveLearner(campaign.lab.model, packages, dict.fromkeys(pair.names, 1.0))
    try:
        examples = {name: campaign.held_out(pair.group, name)[:CHOSEN_BY] for name in pair.names}
        return learner.learn(examples, SETTINGS)
    finally:
        campaign.lab.model = learner.close()


@contextmanager
def _merged(lab: Lab, parts: Sequence[Part], merge: Merge) -> Iterator[list[Part]]:
    """Parts merged into one package, as what `Lab.wearing` takes; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mixing-") as folder:
        compose(parts, lab.spec, Path(folder) / "merged", merge=merge)
        yield [Part(AdapterPackage.open(Path(folder) / "merged"))]


def two_hops(campaign: Campaign, group: int) -> dict[str, Any]:
    """Right answers among eight: to what the second adapter knows, and to what only both together know.

    `together` is one adapter trained on the dialogues of both.
    """
    lab, facts = campaign.lab, chain(language_of(group), str(group))
    folder = campaign.folder / "chains" / f"{group:02}"
    folder.mkdir(parents=True, exist_ok=True)
    training = Training(rank=8, modules=ALL, steps=60, learning_rate=8e-3, seed=group)
    dialogues = {
        "first": facts.first.trained,
        "second": facts.second.trained,
        "together": [*facts.first.trained, *facts.second.trained],
    }
    for name, trained in dialogues.items():
        if not (folder / name).exists():
            lab.train(folder / name, trained, training)
    first, second, together = (AdapterPackage.open(folder / name) for name in dialogues)
    worn: dict[str, list[Part]] = {
        "base": [],
        "second alone": [Part(second)],
        "sum, weights 1": [Part(first), Part(second)],
        "sum, weights 1/√2": [Part(first, HALVED[0]), Part(second, HALVED[1])],
        "trained together": [Part(together)],
    }
    found = {}
    for label, parts in worn.items():
        with lab.wearing(parts):
            found[label] = [_right(lab, questions) for questions in (facts.one, facts.both)]
    return {"right": found}


def _right(lab: Lab, questions: Sequence[tuple[str, Sequence[str], int]]) -> float:
    """Share of the questions whose true answer is the likeliest of the possible ones."""
    right = 0
    for question, answers, true in questions:
        losses = [lab.loss(lab.encode([dialogue(question, answer)])) for answer in answers]
        right += losses.index(min(losses)) == true
    return right / len(questions)


def chains(groups: int) -> Iterator[Pair]:
    """The chains, as what `measure_all` takes."""
    for group in range(groups):
        yield Pair(group, "chain", ("first", "second"))


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    given = parser.parse_args()
    campaign = open_campaign(given.folder, given.data, given.base_seconds)
    # Chains first, for they are few; then pairs of all groups by turns, so that what there is speaks for all.
    measure_all(given.folder / "chains.jsonl", list(chains(CHAINS)), lambda it: two_hops(campaign, it.group))
    wanted = [pair for pair in pairs(given.groups) if pair.kind != "topic and opposed"]
    random.Random(1).shuffle(wanted)
    measure_all(given.folder / "methods.jsonl", wanted, lambda pair: compare_methods(campaign, pair))


if __name__ == "__main__":
    main()
