"""Where `auto` sent messages, as pictures: a row for what they belong to, a column for what was chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.router_subjects import RoutedSubject
from bot.answering.routing.evaluation import RouterFigures

CORE = "core"


def draw_adapters(figures: RouterFigures, names: Sequence[str], path: Path) -> None:
    """The confusion of all held-out questions of a mind, follow-ups among them, with the counts."""
    figure, axes = _subplots(1, (4.2, 3.6))
    counts = _counts(figures, names, lambda name: name, held_out_only=True)
    axes[0].imshow(counts, cmap="Blues")
    for row, of_row in enumerate(counts):
        for column, count in enumerate(of_row):
            shade = "white" if count > max(map(max, counts)) / 2 else "black"
            axes[0].text(column, row, str(count), ha="center", va="center", color=shade)
    axes[0].set_xticks(range(len(names)), names)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_xlabel("auto chose")
    axes[0].set_ylabel("the question belongs to")
    figure.savefig(path, bbox_inches="tight", metadata={"Software": None})


def draw_subjects(
    hundred: RouterFigures,
    thousand: RouterFigures,
    of_hundred: Sequence[RoutedSubject],
    of_thousand: Sequence[RoutedSubject],
    path: Path,
) -> None:
    """A hundred subjects one by one, and a thousand by their aspects and by their things; the core comes last."""
    figure, axes = _subplots(3, (15, 5.2))
    aspects = {subject.name: subject.aspect for subject in of_thousand} | {CORE: CORE}
    things = {subject.name: subject.thing for subject in of_thousand} | {CORE: CORE}
    panels: list[tuple[str, RouterFigures, list[str], Callable[[str], str], int]] = [
        ("a hundred subjects", hundred, [*(it.name for it in of_hundred), CORE], lambda name: name, 10),
        ("a thousand, by aspect", thousand, list(dict.fromkeys(aspects.values())), aspects.__getitem__, 1),
        ("a thousand, by thing", thousand, list(dict.fromkeys(things.values())), things.__getitem__, 3),
    ]
    for place, (title, figures, names, group, step) in zip(axes, panels, strict=True):
        counts = _counts(figures, names, group)
        shares = [[count / max(sum(row), 1) for count in row] for row in counts]
        place.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        right = sum(row[number] for number, row in enumerate(counts)) / max(sum(map(sum, counts)), 1)
        place.set_title(f"{title}: {right:.1%} on the diagonal")
        place.set_xticks(range(0, len(names), step), names[::step], rotation=90, fontsize=6)
        place.set_yticks(range(0, len(names), step), names[::step], fontsize=6)
        place.set_xlabel("auto chose")
    axes[0].set_ylabel("the message belongs to")
    figure.savefig(path, bbox_inches="tight", metadata={"Software": None})


def _counts(
    figures: RouterFigures, names: Sequence[str], group: Callable[[str], str], *, held_out_only: bool = False
) -> list[list[int]]:
    total: Counter[tuple[str, str]] = Counter()
    for kind, of_kind in figures.kinds.items():
        if not held_out_only or kind.startswith("held-out"):
            for (expected, found), count in of_kind.confusion.items():
                total[group(expected), group(found)] += count
    return [[total[expected, found] for found in names] for expected in names]


def _subplots(columns: int, size: tuple[float, float]):  # type: ignore[no-untyped-def]  # matplotlib has its own
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns, squeeze=False)[0]
