"""Fits the model of costs to a campaign, and compares predictors and methods.

    python -m benchmarks.mixing.report [--folder DIR] [--groups N] [--gradience PATH] [--json PATH] [--picture PATH]
                                       [--write-model]

Half of the groups are held out first: the figures on them come from a fit to the other half, and no adapter is in both.
The model that ships is fitted to all, with intervals from pairs that were left out in turn. `--gradience` is a folder
with that package, whose merge audit is then asked about the same pairs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from benchmarks.mixing.campaign import FOLDER, GROUPS, Pair, pairs, read_rows
from inference.adapters.costs.interference import Interference, measure_others
from inference.adapters.costs.model import MODEL_FILE, CostModel, cost_terms, predict_cost, ridge
from inference.adapters.factors import Float64Array
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part

TERMS: Final = ("weakened", "log beside", "log written", "log crossed", "along", "together beside")
UNIT: Final = 0.25
PENALTY: Final = 0.02
COVERAGE: Final = 0.8
FOLDS: Final = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One adapter in one mixture."""

    pair: Pair
    kept: str
    """Which of the two it is about."""
    weights: tuple[float, float]
    """Its own and the other's."""
    interference: Interference
    cost: float
    drift: float
    """Of the mixture, as a share of the adapter's own."""

    @property
    def together(self) -> bool:
        return self.pair.kind == "on core"

    @property
    def is_plain(self) -> bool:
        """Whether both weigh 1."""
        return self.weights == (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class PairFacts:
    """What the weights of a pair tell, by ours and by others' measures."""

    bearing: tuple[Interference, Interference]
    """On the first by the second, and the other way round."""
    cosine: float
    gradience: Mapping[str, float]


def read_facts(folder: Path, wanted: Sequence[Pair], gradience: Path | None) -> dict[str, PairFacts]:
    """Facts by the pair's label; kept in a file, for reading them takes a while."""
    path = folder / "facts.jsonl"
    known = {row["pair"]: row for row in read_rows(path)}
    found = {}
    with path.open("a", encoding="utf-8") as file:
        for pair in wanted:
            row = known.get(pair.label)
            audited = gradience if is_held_out(pair.group) else None
            if row is None or (audited is not None and not row["gradience"]):
                row = _measure_facts(folder, pair, audited)
                file.write(json.dumps(row) + "\n")
                file.flush()
            bearing = tuple(Interference(*it) for it in row["bearing"])
            found[pair.label] = PairFacts((bearing[0], bearing[1]), row["cosine"], row["gradience"])
    return found


def is_held_out(group: int) -> bool:
    """Whether a group is kept from the fit that is looked at: half of them, of both languages."""
    return bool(group // 2 % 2)


def _measure_facts(folder: Path, pair: Pair, gradience: Path | None) -> dict[str, Any]:
    places = [folder / "adapters" / f"{pair.group:02}" / name for name in pair.names]
    first, second = (AdapterPackage.open(place) for place in places)
    bearing = [measure_others(first, [Part(second)]), measure_others(second, [Part(first)])]
    return {
        "pair": pair.label,
        "bearing": [[it.along, it.beside, it.read, it.written, it.crossed] for it in bearing],
        "cosine": math.copysign(math.sqrt(max(bearing[0].along * bearing[1].along, 0.0)), bearing[0].along),
        "gradience": _audit(gradience, places) if gradience is not None else {},
    }


def _audit(gradience: Path, places: Sequence[Path]) -> dict[str, float]:
    """What gradience's merge audit says of a pair."""
    if str(gradience) not in sys.path:
        sys.path.append(str(gradience))
    from gradience.vnext.merge import merge_audit  # type: ignore[import-not-found]

    with contextlib.redirect_stdout(io.StringIO()):
        report = merge_audit(places[0], places[1])
    numbers = {key: value for key, value in report.aggregate.items() if isinstance(value, int | float)}
    return {key: float(value) for key, value in numbers.items()}


def read_measurements(folder: Path, groups: int, facts: Mapping[str, PairFacts]) -> list[Row]:
    """Two rows for each mixture, one for each adapter in it."""
    by_label = {pair.label: pair for pair in pairs(groups)}
    found = []
    for row in read_rows(folder / "mixtures.jsonl"):
        pair = by_label.get(row["pair"])
        if pair is None:
            continue
        for mixture in row["mixtures"]:
            for own, other in ((0, 1), (1, 0)):
                weights = mixture["weights"][own], mixture["weights"][other]
                bearing = facts[pair.label].bearing[own].at_weights(*weights)
                drift = mixture["drift"] / row["alone"][own]["drift"]
                found.append(Row(pair, pair.names[own], weights, bearing, 1 - mixture["kept"][own], drift))
    return found


def fit(rows: Sequence[Row]) -> CostModel:
    """The model of these rows, without intervals."""
    terms = np.array(
        [[cost_terms(it.interference, trained_together=it.together)[term] for term in TERMS] for it in rows]
    )
    coefficients = ridge(terms, _transformed(rows), PENALTY)
    sizes = np.array([np.log((1 + it.interference.along) ** 2 + it.interference.beside**2) for it in rows])
    slope, level = np.polyfit(sizes, np.log([max(it.drift, 1e-3) for it in rows]), 1)
    return CostModel(
        unit=UNIT,
        coefficients=dict(zip(TERMS, map(float, coefficients), strict=True)),
        errors=(0.0, 0.0),
        coverage=COVERAGE,
        drift=(float(level), float(slope)),
        drift_error=0.0,
        source={},
    )


def _transformed(rows: Sequence[Row]) -> Float64Array:
    return np.arcsinh(np.array([it.cost for it in rows]) / UNIT)


def predictions(rows: Sequence[Row], model: CostModel) -> Float64Array:
    """Expected costs."""
    return np.array([predict_cost(it.interference, trained_together=it.together, model=model).expected for it in rows])


def cross_validated(rows: Sequence[Row]) -> Iterator[tuple[Sequence[Row], CostModel]]:
    """Rows of some groups with a model of all the others."""
    groups = sorted({it.pair.group for it in rows})
    for fold in range(FOLDS):
        left_out = set(groups[fold::FOLDS])
        unseen = [it for it in rows if it.pair.group in left_out]
        if unseen:
            yield unseen, fit([it for it in rows if it.pair.group not in left_out])


def fit_with_intervals(rows: Sequence[Row]) -> CostModel:
    """The model of all rows; intervals from the errors on rows that were left out in turn."""
    errors: list[float] = []
    drift_errors: list[float] = []
    for unseen, model in cross_validated(rows):
        errors += list(_transformed(unseen) - np.arcsinh(predictions(unseen, model) / UNIT))
        level, slope = model.drift
        for it in unseen:
            size = (1 + it.interference.along) ** 2 + it.interference.beside**2
            drift_errors.append(abs(np.log(max(it.drift, 1e-3)) - level - slope * np.log(size)))
    tail = (1 - COVERAGE) / 2
    # One error more than there are, as conformal intervals ask for.
    low, high = np.quantile(errors, [max(tail - 1 / len(errors), 0), min(1 - tail + 1 / len(errors), 1)])
    return fit(rows).model_copy(
        update={"errors": (float(low), float(high)), "drift_error": float(np.quantile(drift_errors, COVERAGE))}
    )


def compare_predictors(rows: Sequence[Row], facts: Mapping[str, PairFacts]) -> dict[str, Any]:
    """Rank correlations with the measured cost on groups that were held out, of each predictor."""
    seen, unseen = ([it for it in rows if is_held_out(it.pair.group) is held] for held in (False, True))
    model = fit_with_intervals(seen)
    plain = [it for it in unseen if it.is_plain]
    costs = [it.cost for it in plain]
    told: dict[str, Sequence[float]] = {
        "ours": list(predictions(plain, model)),
        "cosine": [-facts[it.pair.label].cosine for it in plain],
        "size of the other": [it.interference.beside for it in plain],
    }
    for name in sorted(facts[plain[0].pair.label].gradience):
        told[f"gradience {name}"] = [facts[it.pair.label].gradience[name] for it in plain]
    within = [
        (cost := predict_cost(it.interference, trained_together=it.together, model=model)).low <= it.cost <= cost.high
        for it in unseen
    ]
    core = [n for n, it in enumerate(plain) if it.kept == "core"]
    return {
        "groups held out": len({it.pair.group for it in plain}),
        "pairs held out": len({it.pair.label for it in plain}),
        "adapters in pairs held out": len(plain),
        "spearman": {name: _spearman(values, costs) for name, values in told.items()},
        "spearman, cost of the core": {
            name: _spearman([values[n] for n in core], [costs[n] for n in core]) for name, values in told.items()
        },
        "spearman by kind": {
            kind: _spearman(
                *zip(*[(told["ours"][n], costs[n]) for n, it in enumerate(plain) if it.pair.kind == kind], strict=True)
            )
            for kind in dict.fromkeys(it.pair.kind for it in plain)
        },
        "spearman, all weights": _spearman(predictions(unseen, model), [it.cost for it in unseen]),
        "within the interval": float(np.mean(within)),
        "mean absolute error": float(np.abs(predictions(plain, model) - costs).mean()),
        "points": [
            {
                "kind": it.pair.kind,
                "kept": it.kept,
                "language": it.pair.language,
                "measured": it.cost,
                "predicted": (
                    cost := predict_cost(it.interference, trained_together=it.together, model=model)
                ).expected,
                "low": cost.low,
                "high": cost.high,
            }
            for it in plain
        ],
    }


def _spearman(told: Sequence[float] | Float64Array, costs: Sequence[float]) -> float:
    if len(set(told)) < 2:
        return 0.0
    return round(float(spearmanr(told, costs).statistic), 3)


def compare_methods(folder: Path) -> dict[str, Any]:
    """What each method keeps of core and topic, by kind of pair: medians, and how often both keep 90 %."""
    by_kind: dict[str, dict[str, list[list[float]]]] = {}
    for row in read_rows(folder / "methods.jsonl"):
        for method, kept in row["kept"].items():
            by_kind.setdefault(row["kind"], {}).setdefault(method, []).append(kept)
    return {
        kind: {
            method: {
                "pairs": len(kept),
                "core": float(np.median([it[0] for it in kept])),
                "topic": float(np.median([it[1] for it in kept])),
                "less": float(np.median([min(it) for it in kept])),
                "both 90 %": float(np.mean([min(it) >= 0.9 for it in kept])),
            }
            for method, kept in methods.items()
        }
        for kind, methods in by_kind.items()
    }


def two_hops(folder: Path) -> dict[str, list[float]]:
    """Shares of right answers to one fact and to two, means over the chains."""
    rows = read_rows(folder / "chains.jsonl")
    if not rows:
        return {}
    return {
        label: [float(it) for it in np.mean([row["right"][label] for row in rows], axis=0)]
        for label in rows[0]["right"]
    }


def draw(path: Path, predictors: Mapping[str, Any]) -> None:
    """Predicted against measured, and the predictors beside each other."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    colours = {"apart": "#4477aa", "on core": "#228833", "opposed": "#cc3311", "topic and opposed": "#aa3377"}
    limit = 2.0
    for kind, colour in colours.items():
        some = [it for it in predictors["points"] if it["kind"] == kind]
        if not some:
            continue
        x, y = ([min(max(it[key], -0.6), limit) for it in some] for key in ("predicted", "measured"))
        ends = [
            [max(min(it[key], limit) if key == "high" else max(it[key], -0.6), -0.6) for it in some]
            for key in ("low", "high")
        ]
        left.hlines(y, ends[0], ends[1], color=colour, alpha=0.15, linewidth=2)
        left.plot(x, y, "o", color=colour, markersize=4, label=kind)
    left.plot([-0.6, limit], [-0.6, limit], color="#888888", linewidth=0.8)
    left.set(
        xlabel="predicted share of the gain that is lost", ylabel="measured", xlim=(-0.6, limit), ylim=(-0.6, limit)
    )
    left.set_title(
        f"{len(predictors['points'])} costs in {predictors['pairs held out']} pairs held out, weights 1", fontsize=10
    )
    left.legend(fontsize=8)
    told = {name: abs(value) for name, value in predictors["spearman"].items()}
    names = sorted(told, key=lambda name: told[name])
    right.barh(
        names, [told[name] for name in names], color=["#228833" if name == "ours" else "#bbbbbb" for name in names]
    )
    right.set(xlim=(0, 1), title="rank correlation with the measured cost")
    right.title.set_fontsize(10)
    right.tick_params(labelsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", metadata={"Software": None})


def main() -> None:
    """Report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--groups", type=int, default=GROUPS)
    parser.add_argument("--gradience", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--write-model", action="store_true", help="replace the model that ships")
    given = parser.parse_args()
    measured = {row["pair"] for row in read_rows(given.folder / "mixtures.jsonl")}
    wanted = [pair for pair in pairs(given.groups) if pair.label in measured]
    facts = read_facts(given.folder, wanted, given.gradience)
    rows = read_measurements(given.folder, given.groups, facts)
    predictors = compare_predictors(rows, facts)
    model = fit_with_intervals(rows)
    source: dict[str, str | float] = {
        "campaign": "benchmarks.mixing, a base of 2.1 million parameters, Russian and English",
        "pairs": float(len(wanted)),
        "rows": float(len(rows)),
        "spearman_held_out": predictors["spearman"]["ours"],
        "within_interval_held_out": round(predictors["within the interval"], 3),
    }
    model = model.model_copy(update={"source": source})
    figures = {"predictors": predictors, "methods": compare_methods(given.folder), "two hops": two_hops(given.folder)}
    _show(figures, rows)
    if given.write_model:
        MODEL_FILE.write_text(model.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if given.picture:
        draw(given.picture, predictors)


def _show(figures: Mapping[str, Any], rows: Sequence[Row]) -> None:
    console = Console(width=140)
    console.print({key: value for key, value in figures["predictors"].items() if key != "points"})
    table = Table("kind", "costs", "median cost", "a tenth above")
    for kind in dict.fromkeys(it.pair.kind for it in rows):
        costs = [it.cost for it in rows if it.pair.kind == kind and it.is_plain]
        table.add_row(kind, str(len(costs)), f"{np.median(costs):.2f}", f"{np.quantile(costs, 0.9):.2f}")
    console.print(table)
    for kind, methods in figures["methods"].items():
        table = Table(f"{kind}", "pairs", "first kept", "second kept", "the less kept", "both at least 90 %")
        for method, it in sorted(methods.items(), key=lambda item: -item[1]["less"]):
            values = (it["core"], it["topic"], it["less"], it["both 90 %"])
            table.add_row(method, str(it["pairs"]), *(f"{value:.0%}" for value in values))
        console.print(table)
    if figures["two hops"]:
        table = Table("right of eight", "one fact", "two facts")
        for label, (one, both) in figures["two hops"].items():
            table.add_row(label, f"{one:.0%}", f"{both:.0%}")
        console.print(table)


if __name__ == "__main__":
    main()
