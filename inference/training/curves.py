"""The losses of a training as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from inference.training.outcome import TrainedAdapter

_TRAINING, _VALIDATION, _CORE = "#4477aa", "#cc3311", "#228833"
"""Colours that people with a colour vision deficiency tell apart (Paul Tol)."""
_SMOOTHING: Final = 0.9
"""What a step's loss keeps of the average before it."""


def draw_losses(path: Path, name: str, runs: Sequence[TrainedAdapter]) -> None:
    """Write a PNG: the loss of every step, and training and validation loss of every epoch.

    Args:
        runs: of one adapter, from several seeds; the first is the one that is kept.
    """
    # Imported late: it takes a second, and only a finished training needs it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, run in enumerate(runs):
        strength, width = (1.0, 1.8) if number == 0 else (0.4, 1.0)
        steps = [epoch.steps for epoch in run.epochs]
        if number == 0:
            axes.plot(range(1, len(run.losses) + 1), run.losses, color=_TRAINING, alpha=0.2, linewidth=0.8)
        axes.plot(
            range(1, len(run.losses) + 1),
            _smooth(run.losses),
            color=_TRAINING,
            alpha=strength,
            linewidth=width,
            label="training" if number == 0 else None,
        )
        for losses, colour, label in (
            ([epoch.validation_loss for epoch in run.epochs], _VALIDATION, "validation"),
            ([epoch.core_validation_loss for epoch in run.epochs], _CORE, "validation, core"),
        ):
            shown = [loss for loss in losses if loss is not None]
            if shown:
                axes.plot(
                    steps,
                    shown,
                    color=colour,
                    alpha=strength,
                    linewidth=width,
                    marker="o",
                    markersize=4,
                    label=label if number == 0 else None,
                )
        if number == 0:
            axes.axvline(run.best.steps, color="grey", linestyle=":", linewidth=1, label="kept")
    seeds = ", ".join(str(run.recipe.seed) for run in runs)
    axes.set_title(f"{name}, seed {seeds}" if len(runs) == 1 else f"{name}, seeds {seeds} (the first is kept)")
    axes.set_xlabel("step")
    axes.set_ylabel("nats per answer token")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Software": None})


def _smooth(losses: Sequence[float]) -> list[float]:
    """An exponential moving average that begins at the first loss."""
    smoothed: list[float] = []
    for loss in losses:
        smoothed.append(_SMOOTHING * smoothed[-1] + (1 - _SMOOTHING) * loss if smoothed else loss)
    return smoothed
