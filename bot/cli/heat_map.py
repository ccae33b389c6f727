"""Conflicts of adapters, and what they override, as pictures: a square for every module of every layer."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from bot.core.errors import BotError
from consilium.errors import N_
from inference.adapters.conflict import Conflict, ModuleConflict
from inference.base_model import MODULE_PATHS

if TYPE_CHECKING:
    from inference.training.overrides import Overrides

Grid = np.ndarray[tuple[int, int], np.dtype[np.float64]]


class Cell(Protocol):
    """One module of one layer, whatever was found of it."""

    @property
    def layer(self) -> int:
        """Counted from 0."""

    @property
    def module(self) -> str:
        """Its name, such as `q_proj`."""


MEASURES: Final[Mapping[str, tuple[Callable[[ModuleConflict], float], float, float, float]]] = {
    "cosine": (lambda it: it.cosine, -1.0, 0.0, 1.0),
    "shared inputs": (lambda it: it.input_overlap, 0.0, 0.0, 1.0),
    "shared outputs": (lambda it: it.output_overlap, 0.0, 0.0, 1.0),
    "sign conflict": (lambda it: it.sign_conflict, 0.0, 0.5, 1.0),
}
"""What is drawn, by its name: the value of a module, and the least, the harmless and the largest one there can be."""
OVERRIDDEN: Final = "overridden"
_NONE: Final[Mapping[str, Overrides]] = MappingProxyType({})
_ALL: Final[Mapping[str, tuple[Callable[[Any], float], float, float, float]]] = {
    **MEASURES,
    OVERRIDDEN: (lambda it: it.share, 0.0, 0.0, 1.0),
}
"""With what is drawn of adapters that are not compared with each other; more than all of it is drawn as all of it."""

_LOW, _HIGH = (0x44, 0x77, 0xAA), (0xCC, 0x33, 0x11)
"""Colours of the ends, told apart with a colour vision deficiency, too (Paul Tol); what is harmless is white."""
_ABSENT: Final = "#dddddd"


class HeatMapFormatUnknown(BotError):
    """A heat map is asked for in a file that is neither a PNG nor HTML."""

    sentence = N_("A heat map cannot be written as {path}.")
    remedy = N_("Give the file a name that ends in .png or .html.")

    def __init__(self, path: Path) -> None:
        super().__init__(path=path)


def draw_heat_map(path: Path, conflicts: Mapping[str, Conflict], overrides: Mapping[str, Overrides] = _NONE) -> None:
    """Write a heat map as PNG or HTML, by the ending of `path`; blocking.

    Args:
        conflicts: by what people call the pair.
        overrides: by what people call the adapters.

    Raises:
        HeatMapFormatUnknown: the ending is another one.
    """
    match path.suffix.lower():
        case ".png":
            _draw_png(path, conflicts, overrides)
        case ".html" | ".htm":
            path.write_text(render_html(conflicts, overrides), encoding="utf-8")
        case _:
            raise HeatMapFormatUnknown(path)


def render_html(conflicts: Mapping[str, Conflict], overrides: Mapping[str, Overrides] = _NONE) -> str:
    """A page that stands for itself: a table for each pair and measure, with the numbers in it."""
    body = []
    for pair, conflict in conflicts.items():
        body.append(f"<h2>{html.escape(pair)}</h2>")
        body += [_html_table(conflict.modules, measure) for measure in MEASURES]
    for name, each in overrides.items():
        body.append(f"<h2>{html.escape(name)}</h2>{_html_table(each.modules, OVERRIDDEN)}")
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


def _html_table(cells: Sequence[Cell], measure: str) -> str:
    layers, modules = _axes(cells)
    head = "".join(f"<th>{html.escape(module)}</th>" for module in modules)
    rows = "".join(
        f"<tr><th>{layer}</th>{''.join(_cell(measure, value) for value in values)}</tr>"
        for layer, values in zip(layers, _grid(cells, measure), strict=True)
    )
    return f"<table><caption>{measure}</caption><tr><th>layer</th>{head}</tr>{rows}</table>"


def _cell(measure: str, value: float) -> str:
    if np.isnan(value):
        return f'<td style="background:{_ABSENT}"></td>'
    return f'<td style="background:{_colour(measure, value)}">{value:.2f}</td>'


def _colour(measure: str, value: float) -> str:
    """White where it is harmless, and the further from there, the nearer to an end's colour."""
    _, least, harmless, most = _ALL[measure]
    end, reach = (_HIGH, most - harmless) if value >= harmless else (_LOW, harmless - least)
    share = min(abs(value - harmless) / reach, 1.0)
    return "#" + "".join(f"{round(255 + (channel - 255) * share):02x}" for channel in end)


def _axes(cells: Sequence[Cell]) -> tuple[Sequence[int], Sequence[str]]:
    layers = sorted({it.layer for it in cells})
    modules = [module for module in MODULE_PATHS if any(it.module == module for it in cells)]
    return layers, modules


def _grid(cells: Sequence[Cell], measure: str) -> Grid:
    """Layers × modules; what is not adapted, or by one of a pair only, is not a number."""
    layers, modules = _axes(cells)
    grid: Grid = np.full((len(layers), len(modules)), np.nan)
    for it in cells:
        grid[layers.index(it.layer), modules.index(it.module)] = _ALL[measure][0](it)
    return grid


def _draw_png(path: Path, conflicts: Mapping[str, Conflict], overrides: Mapping[str, Overrides]) -> None:
    # Imported late: it takes a second, and only a picture needs it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    panels: list[tuple[str, Sequence[Cell], str]] = [
        (pair, conflict.modules, measure) for pair, conflict in conflicts.items() for measure in MEASURES
    ]
    panels += [(name, each.modules, OVERRIDDEN) for name, each in overrides.items()]
    columns = len(MEASURES)
    rows = max(-(-len(panels) // columns), 1)
    most_layers = max((len(_axes(cells)[0]) for _, cells, _ in panels), default=1)
    figure = Figure(figsize=(3.2 * columns, (1.5 + 0.16 * most_layers) * rows), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    ends = [_rgb(_LOW), (1.0, 1.0, 1.0), _rgb(_HIGH)]
    colours = LinearSegmentedColormap.from_list("conflict", ends).with_extremes(bad=_ABSENT)
    for place in axes.flat[len(panels) :]:
        place.set_axis_off()
    for place, (name, cells, measure) in zip(axes.flat, panels, strict=False):
        place.set_title(f"{name}\n{measure}", fontsize=9)
        if cells:
            _draw_panel(place, cells, measure, colours)
        else:
            place.set_axis_off()
    figure.savefig(path, format="png", metadata={"Software": None})


def _draw_panel(place: Any, cells: Sequence[Cell], measure: str, colours: Any) -> None:
    from matplotlib.colors import TwoSlopeNorm

    layers, modules = _axes(cells)
    _, least, harmless, most = _ALL[measure]
    below = least if least < harmless else harmless - (most - harmless)
    norm = TwoSlopeNorm(vmin=below, vcenter=harmless, vmax=most)
    image = place.imshow(_grid(cells, measure), aspect="auto", cmap=colours, norm=norm)
    place.set_xticks(range(len(modules)), modules, rotation=60, fontsize=7)
    step = max(1, len(layers) // 12)
    place.set_yticks(range(0, len(layers), step), layers[::step], fontsize=7)
    place.set_ylabel("layer", fontsize=7)
    ticks = sorted({least, harmless, most})
    place.figure.colorbar(image, ax=place, boundaries=np.linspace(least, most, 101), ticks=ticks)


def _rgb(colour: tuple[int, int, int]) -> tuple[float, float, float]:
    return (colour[0] / 255, colour[1] / 255, colour[2] / 255)
