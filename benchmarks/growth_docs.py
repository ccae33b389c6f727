"""Writes what `bench_growth` has measured: `docs/growth.md` and its picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from benchmarks.growth_store import StoreFigures

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
STORE_HEADERS: Final = [
    "on disk",
    "known, cold (ms)",
    "known, warm (ms)",
    "one more (ms)",
    "list (ms)",
    "disk (MB)",
    "process at its peak (MB)",
    "of it grown (MB)",
]
SERVER_HEADERS: Final = [
    "in memory",
    "server (MB)",
    "one more (ms)",
    "of it SGLang's load (ms)",
    "first token, in a slot (ms)",
    "first token, from memory (ms)",
]
INK, COLOURS = "#7d8590", ("#2f81f7", "#d97706", "#1a9f53")
"""Of middle lightness, so that they can be read on white and on black."""

PAGE: Final = """# What grows with the number of compositions

![Time and memory against the number of compositions](pictures/growth.svg)

Measured by `python -m benchmarks.bench_growth --docs`, which wrote this page, on {machine}; load
average {load} before and after. Other work on the machine changes the times by tens of percent: look at how they
change with the number.

## On disk

{store}

Compositions of two rank-1 adapters of SmolLM2-135M's shape, {small:.2f} MB each. Those of the demo mind are
{real:.1f} MB: size is proportional to the rank and to the base model's width. Medians, in a new process for each row.
Adapters are open and checked and files are in the page cache, as in a running service.

- *Known, cold*: `CompositionStore.ensure` of an existing composition, for the first time in a process: its
  weights are read and compared with their digest. *Warm*: the same again.
- *One more*: `ensure` of a composition never made before.
- *List*: `CompositionStore.list`, which reads every record. Commands use it, answers do not.
- *Process*: peak memory of the process that uses the store, after it returned every composition and listed them;
  *grown*: the increase since its start.

An answer needs one composition by its name and reads no other. What grows is the disk, the listing, and a record
of each composition that a process has returned. Nothing is removed automatically: `consilium adapters compositions`
shows what there is, and its `--prune GB` removes the least recently used.

## On the server

{server}

The real SGLang server on the CPU, with {slots} slots (the base model takes one) and room for {room} adapters;
compositions of the demo mind's core and sport (rank 16, attention), loaded through the engine. Each prompt is
new from its beginning, so that the prefix cache does not help. Medians.

- *Server*: memory of all its processes, shared pages counted once; it grows by {growth:.1f} MB per adapter here.
- *One more*: an adapter is checked, loaded and verified; *SGLang's load* is the server's part of that.
- *First token*: with an adapter in a slot, and with one in memory that is copied to a slot first.
"""


@dataclass
class ServerFigures:
    """Seconds (medians) and bytes with so many adapters on a server."""

    adapters: int
    each: int
    """Bytes of one on disk."""
    memory: int
    """Of all its processes, pages they share counted once."""
    warm: float
    """One more adapter through the engine: checked, loaded, and seen to work."""
    load: float
    """The part of it that is the server's loading."""
    in_slot: float
    """Time to first token of an adapter that has a slot."""
    from_memory: float | None
    """The same of one that has to be copied to a slot first; None while all have one."""


def store_rows(figures: Sequence[StoreFigures]) -> list[list[str]]:
    return [
        [
            f"{it.compositions:,}",
            f"{it.cold * 1e3:.1f}",
            f"{it.warm * 1e3:.2f}",
            f"{it.another * 1e3:.1f}",
            f"{it.listing * 1e3:.1f}",
            f"{it.on_disk / 1e6:.1f}",
            f"{it.peak / 1e6:.1f}",
            f"{it.grown / 1e6:.1f}",
        ]
        for it in figures
    ]


def server_rows(figures: Sequence[ServerFigures]) -> list[list[str]]:
    return [
        [
            f"{it.adapters:,}",
            f"{it.memory / 1e6:,.0f}",
            f"{it.warm * 1e3:.0f}",
            f"{it.load * 1e3:.0f}",
            f"{it.in_slot * 1e3:.0f}",
            "all have a slot" if it.from_memory is None else f"{it.from_memory * 1e3:.0f}",
        ]
        for it in figures
    ]


def write(
    store: Sequence[StoreFigures],
    server: Sequence[ServerFigures],
    machine: dict[str, Any],
    load: Sequence[float],
    *,
    slots: int,
    room: int,
) -> None:
    """Write the page and the picture.

    Args:
        load: load averages before and after.
        slots, room: what the server was started with.
    """
    page = PAGE.format(
        machine=f"{machine['cores']} virtual cores ({machine['cpu']}) with {machine['memory_gib']} GiB",
        load=" and ".join(map(str, load)),
        store=_markdown(STORE_HEADERS, store_rows(store)),
        server=_markdown(SERVER_HEADERS, server_rows(server)),
        small=store[-1].on_disk / store[-1].compositions / 1e6,
        real=server[-1].each / 1e6,
        growth=(server[-1].memory - server[0].memory) / (server[-1].adapters - server[0].adapters) / 1e6,
        slots=slots,
        room=room,
    )
    (DOCS / "growth.md").write_text(page, encoding="utf-8")
    draw(store, server, DOCS / "pictures" / "growth.svg")


def _markdown(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headers, ["---:"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def draw(store: Sequence[StoreFigures], server: Sequence[ServerFigures], path: Path) -> None:
    """Small multiples: one for each kind of thing that may grow, number of compositions to the right."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "growth",
        "font.family": "sans-serif",
        "font.size": 9,
        "text.color": INK,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
    disk, loaded = [it.compositions for it in store], [it.adapters for it in server]
    times = {
        "known, cold": [it.cold * 1e3 for it in store],
        "known, warm": [it.warm * 1e3 for it in store],
        "one more": [it.another * 1e3 for it in store],
    }
    answers = {
        "one more": [it.warm * 1e3 for it in server],
        "first token, in a slot": [it.in_slot * 1e3 for it in server],
        "first token, from memory": [_or_nan(it.from_memory) * 1e3 for it in server],
    }
    panels: list[tuple[str, str, list[int], dict[str, list[float]], bool]] = [
        ("Asking the store for one", "ms", disk, times, True),
        ("List of all compositions", "ms", disk, {"": [it.listing * 1e3 for it in store]}, True),
        ("Bytes on disk", "MB", disk, {"": [it.on_disk / 1e6 for it in store]}, True),
        ("Process that holds the store", "MB", disk, {"": [it.peak / 1e6 for it in store]}, False),
        ("Server's processes", "MB", loaded, {"": [it.memory / 1e6 for it in server]}, False),
        ("One adapter on the server", "ms", loaded, answers, False),
    ]
    with mpl.rc_context(settings):
        figure = Figure(figsize=(10, 5.4), layout="constrained")
        for number, (title, unit, counts, lines, logarithmic) in enumerate(panels):
            axes = figure.add_subplot(2, 3, number + 1)
            for (label, values), colour in zip(lines.items(), COLOURS, strict=False):
                axes.plot(counts, values, color=colour, marker="o", markersize=4, label=label)
            axes.set_xscale("log")
            if logarithmic:
                axes.set_yscale("log")
            else:
                highest = max(value for values in lines.values() for value in values if not math.isnan(value))
                axes.set_ylim(0, highest * (1.6 if len(lines) > 1 else 1.2))
            axes.set_xticks(counts, [f"{count:,}" for count in counts], minor=False)
            axes.minorticks_off()
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
            axes.set_title(title, fontsize=10)
            axes.set_ylabel(unit)
            axes.set_xlabel("compositions on disk" if counts is disk else "adapters in the server's memory")
            axes.grid(color=INK, alpha=0.25, linewidth=0.6)
            axes.patch.set_alpha(0)
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
            if len(lines) > 1:
                axes.legend(frameon=False, fontsize=8, labelcolor="linecolor", loc="best")
        title = "Time and memory against the number of compositions"
        figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None, "Title": title})


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
