"""Trains pairs of adapters, mixes them, and writes down what every mixture keeps and how far it drifts.

    python -m benchmarks.mixing.campaign [--folder DIR] [--data DIR] [--groups N]

Each group of adapters is of one language: a core, a topic trained apart, the same topic trained on the core, and a
manner that says the opposite of the core's. They make four pairs. What is there already is not made again: a campaign
that was stopped goes on where it was. Everything runs on one thread.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from platformdirs import user_cache_path

from benchmarks.mixing.lab import Lab, Training
from benchmarks.mixing.pairs import Lessons, manner, subject
from benchmarks.mixing.small_base import ROOT, make_base
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.training.encoding import Example

FOLDER: Final = user_cache_path("consilium") / "mixing"
GROUPS: Final = 16
CHOSEN_BY: Final = 8
"""Held-out dialogues that weights may be chosen by; costs are measured on the others."""
MIXTURES: Final = ((1.0, 1.0), (1.0, 0.5), (0.7, 0.7), (0.5, 1.0))
ATTENTION: Final = ("q_proj", "k_proj", "v_proj", "o_proj")
ALL: Final = (*ATTENTION, "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two adapters of one group."""

    group: int
    kind: str
    """`apart`, `on core`, `opposed` or `topic and opposed`."""
    names: tuple[str, str]

    @property
    def label(self) -> str:
        return f"{self.group:02} {self.kind}"

    @property
    def language(self) -> str:
        return language_of(self.group)


def language_of(group: int) -> str:
    """Groups take turns."""
    return ("en", "ru")[group % 2]


def pairs(groups: int) -> Iterator[Pair]:
    """All pairs of the first groups."""
    for group in range(groups):
        yield Pair(group, "apart", ("core", "topic"))
        yield Pair(group, "on core", ("core", "on_core"))
        yield Pair(group, "opposed", ("core", "opposed"))
        yield Pair(group, "topic and opposed", ("topic", "opposed"))


class Campaign:
    """The adapters of a campaign and their held-out dialogues."""

    def __init__(self, folder: Path, lab: Lab) -> None:
        self.folder, self.lab = folder, lab
        self._held_out: dict[tuple[int, str], list[Example]] = {}
        self._alone: dict[tuple[int, str], dict[str, float]] = {}

    def lessons(self, group: int, name: str) -> Lessons:
        """What an adapter is taught."""
        language = language_of(group)
        if name == "core":
            return manner(language, str(group))
        if name == "opposed":
            return manner(language, f"{group}/opposed", agrees=False)
        return subject(language, str(group))

    def package(self, group: int, name: str) -> AdapterPackage:
        """An adapter that is trained."""
        return AdapterPackage.open(self.folder / "adapters" / f"{group:02}" / name)

    def held_out(self, group: int, name: str) -> list[Example]:
        """The held-out dialogues of an adapter; the first `CHOSEN_BY` are for choosing."""
        if (group, name) not in self._held_out:
            self._held_out[group, name] = self.lab.encode(self.lessons(group, name).held_out)
        return self._held_out[group, name]

    def measured_on(self, group: int, name: str) -> list[Example]:
        """The held-out dialogues that costs are measured on."""
        return self.held_out(group, name)[CHOSEN_BY:]

    def train(self, group: int) -> None:
        """Train the group's adapters that are not there yet."""
        for name in ("core", "topic", "on_core", "opposed"):
            folder = self.folder / "adapters" / f"{group:02}" / name
            if folder.exists():
                continue
            folder.parent.mkdir(parents=True, exist_ok=True)
            chance = random.Random(f"training/{group}/{name}")
            training = Training(
                rank=chance.choice((2, 4, 8)),
                modules=chance.choice((ATTENTION, ALL)),
                steps=chance.choice((20, 30, 40)),
                learning_rate=chance.choice((4e-3, 8e-3, 1.5e-2)),
                seed=group,
            )
            lessons = self.lessons(group, name)
            if name == "on_core":
                core = self.package(group, "core")
                self.lab.train(folder, lessons.trained, training, core, self.lessons(group, "core").trained)
            else:
                self.lab.train(folder, lessons.trained, training)

    def alone(self, group: int, name: str) -> dict[str, float]:
        """Losses on an adapter's dialogues, of the base and of the adapter alone, and the drift of the latter."""
        if (group, name) not in self._alone:
            examples = self.measured_on(group, name)
            base = self.lab.loss(examples)
            with self.lab.wearing([Part(self.package(group, name))]):
                self._alone[group, name] = {"base": base, "alone": self.lab.loss(examples), "drift": self.lab.drift()}
        return self._alone[group, name]

    def measure(self, pair: Pair, worn: Sequence[Part], drift: bool = True) -> dict[str, Any]:
        """What is kept of each adapter's gain with these parts in the base, and the drift."""
        kept, losses = [], []
        ends = [self.alone(pair.group, name) for name in pair.names]
        with self.lab.wearing(worn):
            for name, end in zip(pair.names, ends, strict=True):
                losses.append(self.lab.loss(self.measured_on(pair.group, name)))
                kept.append((end["base"] - losses[-1]) / (end["base"] - end["alone"]))
            return {"kept": kept, "losses": losses} | ({"drift": self.lab.drift()} if drift else {})


def neutral_texts() -> list[str]:
    """Texts on nothing in particular, in both languages."""
    folder = ROOT / "bot" / "authoring" / "evaluation" / "neutral"
    found: list[str] = []
    for path in sorted(folder.glob("*.txt")):
        found += [line for line in path.read_text("utf-8").splitlines() if len(line) > 60][:4]
    return found


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of measurements; none if it is not there."""
    if not path.exists():
        return []
    lines = path.read_text("utf-8").splitlines()
    rows = []
    for line in lines:
        try:
            rows.append(json.loads(line))
        except ValueError:  # a campaign that was killed wrote half a line
            continue
    return rows


def measure_all(path: Path, wanted: Sequence[Pair], measure: Callable[[Pair], dict[str, Any]]) -> None:
    """Measure each pair that the file has no row of, and add it."""
    done = {row["pair"] for row in read_rows(path)}
    began = time.process_time()
    with path.open("a", encoding="utf-8") as file:
        for pair in wanted:
            if pair.label in done:
                continue
            row = {"pair": pair.label, "kind": pair.kind, "language": pair.language, **measure(pair)}
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(f"{path.stem}: {pair.label}, {time.process_time() - began:.0f} s of the processor", flush=True)


def open_campaign(folder: Path, data: Path | None, cpu_seconds: float) -> Campaign:
    """The campaign in a folder, with its base made."""
    torch.set_num_threads(1)
    base = make_base(folder / "base", data, cpu_seconds)
    return Campaign(folder, Lab(base, neutral_texts()))


def mixtures(campaign: Campaign, pair: Pair) -> dict[str, Any]:
    """The pair's losses alone, and what each mixture keeps."""
    packages = [campaign.package(pair.group, name) for name in pair.names]
    found = []
    for weights in MIXTURES:
        worn = [Part(package, weight) for package, weight in zip(packages, weights, strict=True)]
        found.append({"weights": weights, **campaign.measure(pair, worn)})
    return {"alone": [campaign.alone(pair.group, name) for name in pair.names], "mixtures": found}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What every program of the campaign takes."""
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where base, adapters and measurements are kept")
    parser.add_argument("--data", type=Path, help="a folder with more texts for the base")
    parser.add_argument("--groups", type=int, default=GROUPS, help="of four pairs each")
    parser.add_argument("--base-seconds", type=float, default=240, help="processor time for the base")


def main() -> None:
    """Train and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    given = parser.parse_args()
    campaign = open_campaign(given.folder, given.data, given.base_seconds)
    for group in range(given.groups):
        began = time.process_time()
        campaign.train(group)
        measure_all(
            given.folder / "mixtures.jsonl",
            [pair for pair in pairs(given.groups) if pair.group == group],
            lambda pair: mixtures(campaign, pair),
        )
        print(f"group {group}: {time.process_time() - began:.0f} s of the processor", flush=True)


if __name__ == "__main__":
    main()
