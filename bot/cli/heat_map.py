"""A conflict of two adapters as a picture: a square for every module of every layer, for people who look for where."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from bot.core.errors import BotError
from consilium.errors import N_
from inference.adapters.conflict import Conflict, ModuleConflict
from inference.base_model import MODULE_PATHS

Grid = np.ndarray[tuple[int, int], np.dtype[np.float64]]

MEASURES: Final[Mapping[str, tuple[Callable[[ModuleConflict], float], float, float, float]]] = {
    "cosine": (lambda it: it.cosine, -1.0, 0.0, 1.0),
    "shared inputs": (lambda it: it.input_overlap, 0.0, 0.0, 1.0),
    "shared outputs": (lambda it: it.output_overlap, 0.0, 0.0, 1.0),
    "sign conflict": (lambda it: it.sign_conflict, 0.0, 0.5, 1.0),
}
"""What is drawn, by its name: the value of a module, and the least, the harmless and the largest one there can be."""

_LOW, _HIGH = (0x44, 0x77, 0xAA), (0xCC, 0x33, 0x11)
"""Colours of the ends, told apart with a colour vision deficiency, too (Paul Tol); what is harmless is white."""
_ABSENT: Final = "#dddddd"


class HeatMapFormatUnknown(BotError):
    """A heat map is asked for in a file that is neither a PNG nor HTML."""

    sentence = N_("A heat map cannot be written as {path}.")
    remedy = N_("Give the file a name that ends in .png or .html.")

    def __init__(self, path: Path) -> None:
        super().__init__(path=path)


def draw_heat_map(path: Path, conflicts: Mapping[str, Conflict]) -> None:
    """Write a heat map as PNG or HTML, by the ending of `path`; blocking.

    Args:
        conflicts: by what people call the pair.

    Raises:
        HeatMapFormatUnknown: the ending is another one.
    """
    match path.suffix.lower():
        case ".png":
            _draw_png(path, conflicts)
        case ".html" | ".htm":
            path.write_text(render_html(conflicts), encoding="utf-8")
        case _:
            raise HeatMapFormatUnknown(path)


def render_html(conflicts: Mapping[str, Conflict]) -> str:
    """A page that stands for itself: a table for each pair and measure, with the numbers in it."""
    body = []
    for pair, conflict in conflicts.items():
        body.append(f"<h2>{html.escape(pair)}</h2>")
        layers, modules = _axes(conflict)
        for measure in MEASURES:
            head = "".join(f"<th>{html.escape(module)}</th>" for module in modules)
            rows = "".join(
                f"<tr><th>{layer}</th>{''.join(_cell(measure, value) for value in values)}</tr>"
                for layer, values in zip(layers, _grid(conflict, measure), strict=True)
            )
            body.append(f"<table><caption>{measure}</caption><tr><th>layer</th>{head}</tr>{rows}</table>")
    title = "Where adapters conflict"
    style = (
        "body{font:14px system-ui,sans-serif;margin:2em}table{display:inline-table;border-collapse:collapse;"
        "margin:0 2em 2em 0}caption{font-weight:bold;padding:.4em}td,th{padding:.1em .5em;font-size:12px}"
        "td{text-align:right}"
    )
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title><style>{style}</style>'
        f"<h1>{title}</h1>{''.join(body)}</html>\n"
    )


def _cell(measure: str, value: float) -> str:
    if np.isnan(value):
        return f'<td style="background:{_ABSENT}"></td>'
    return f'<td style="background:{_colour(measure, value)}">{value:.2f}</td>'


def _colour(measure: str, value: float) -> str:
    """White where it is harmless, and the further from there, the nearer to an end's colour."""
    _, least, harmless, most = MEASURES[measure]
    end, reach = (_HIGH, most - harmless) if value >= harmless else (_LOW, harmless - least)
    share = min(abs(value - harmless) / reach, 1.0)
    return "#" + "".join(f"{round(255 + (channel - 255) * share):02x}" for channel in end)


def _axes(conflict: Conflict) -> tuple[Sequence[int], Sequence[str]]:
    layers = sorted({it.layer for it in conflict.modules})
    modules = [module for module in MODULE_PATHS if any(it.module == module for it in conflict.modules)]
    return layers, modules


def _grid(conflict: Conflict, measure: str) -> Grid:
    """Layers × modules; what only one adapter has is not a number."""
    layers, modules = _axes(conflict)
    grid: Grid = np.full((len(layers), len(modules)), np.nan)
    for it in conflict.modules:
        grid[layers.index(it.layer), modules.index(it.module)] = MEASURES[measure][0](it)
    return grid


def _draw_png(path: Path, conflicts: Mapping[str, Conflict]) -> None:
    # Imported late: it takes a second, and only a picture needs it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
    from matplotlib.figure import Figure

    most_layers = max((len(_axes(conflict)[0]) for conflict in conflicts.values()), default=1)
    size = (3.2 * len(MEASURES), (1.5 + 0.16 * most_layers) * max(len(conflicts), 1))
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(max(len(conflicts), 1), len(MEASURES), squeeze=False)
    ends = [_rgb(_LOW), (1.0, 1.0, 1.0), _rgb(_HIGH)]
    colours = LinearSegmentedColormap.from_list("conflict", ends).with_extremes(bad=_ABSENT)
    for row, (pair, conflict) in zip(axes, conflicts.items(), strict=False):
        layers, modules = _axes(conflict)
        for place, (measure, (_, least, harmless, most)) in zip(row, MEASURES.items(), strict=True):
            place.set_title(f"{pair}\n{measure}", fontsize=9)
            if not layers:
                place.set_axis_off()
                continue
            below = least if least < harmless else harmless - (most - harmless)
            norm = TwoSlopeNorm(vmin=below, vcenter=harmless, vmax=most)
            image = place.imshow(_grid(conflict, measure), aspect="auto", cmap=colours, norm=norm)
            place.set_xticks(range(len(modules)), modules, rotation=60, fontsize=7)
            step = max(1, len(layers) // 12)
            place.set_yticks(range(0, len(layers), step), layers[::step], fontsize=7)
            place.set_ylabel("layer", fontsize=7)
            ticks = sorted({least, harmless, most})
            figure.colorbar(image, ax=place, boundaries=np.linspace(least, most, 101), ticks=ticks)
    figure.savefig(path, format="png", metadata={"Software": None})


def _rgb(colour: tuple[int, int, int]) -> tuple[float, float, float]:
    return (colour[0] / 255, colour[1] / 255, colour[2] / 255)
