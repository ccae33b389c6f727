"""Charts in office files: the values they show, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.grid import MAX_COLUMNS
from bot.library.parse.package import attribute, child, children, local_name
from bot.library.parse.tables import row_text

_MAX_POINTS: Final = 10_000
"""Of a series; a chart with more shows no values that a person could read."""


def chart_blocks(root: Element, *, first_number: int = 1) -> Iterator[Block]:
    """The values of a chart that its file keeps with it: a row for each category, a column for each series.

    Args:
        root: of the chart's part.
        first_number: number of its first row.
    """
    chart = child(root, "chart")
    title = chart_title(root)
    names: list[str] = []
    values: dict[int, dict[int, str]] = {}
    categories: dict[int, str] = {}
    for series in _series(chart):
        column = len(names)
        if column >= MAX_COLUMNS:
            break
        names.append(_series_name(series))
        for kind in ("cat", "xVal"):
            categories.update(_points(child(series, kind)))
        for kind in ("val", "yVal"):
            for index, value in _points(child(series, kind)).items():
                values.setdefault(index, {})[column] = value
    if not values:
        if title:
            yield Block(BlockKind.PARAGRAPH, title, number=1)
        return
    header = ("", *names)
    for number, index in enumerate(sorted(values), first_number):
        cells = (categories.get(index, ""), *(values[index].get(column, "") for column in range(len(names))))
        yield Block(BlockKind.ROW, row_text(header, cells), number, caption=title, header=header, cells=cells)


def chart_title(root: Element) -> str:
    """The title of a chart; empty where it has none."""
    title = child(root, "chart", "title")
    found = title.iter() if title is not None else ()
    return " ".join("".join(one.text or "" for one in found if local_name(one) == "t").split())


def _series(chart: Element | None) -> Iterator[Element]:
    area = child(chart, "plotArea")
    for plot in area if area is not None else ():
        yield from children(plot, "ser")


def _series_name(series: Element) -> str:
    text = child(series, "tx")
    return " ".join(one.text or "" for one in (text.iter() if text is not None else ()) if local_name(one) == "v")


def _points(data: Element | None) -> dict[int, str]:
    """The texts of a series of values that are kept with the chart, by their place."""
    points: dict[int, str] = {}
    for one in data.iter() if data is not None else ():
        index = attribute(one, "idx")
        if local_name(one) != "pt" or not index.isdecimal() or len(points) >= _MAX_POINTS:
            continue
        value = child(one, "v")
        if len(index) < 8 and value is not None and value.text:
            # Categories of several levels are joined from the outermost one.
            place = int(index)
            points[place] = f"{value.text} {points[place]}" if place in points else value.text
    return points
