"""`consilium adapters conflicts`: how the adapters of a mode, or of a mind, get in each other's way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from bot.answering.composer import effective_weights, open_adapters
from bot.answering.conflict_verdicts import MOST, Verdict, judge_mixture
from bot.app.components import find_base_model
from bot.app.settings import Settings
from bot.cli.common import JsonFileOption, MindOption, new_table, print_unfit, stdout_console
from bot.cli.heat_map import draw_heat_map
from bot.cli.overridden import measure_mode, override_figures, override_tables
from bot.minds import Mind, load_mind
from bot.minds.errors import AdapterOutOfService
from bot.minds.grammar import Term, parse_expression, resolve_band
from bot.minds.resolve import resolve_mode
from inference.adapters.conflict import Comparison, Conflict, measure_conflict
from inference.adapters.errors import AdapterError
from inference.adapters.manifest import AdapterKind
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part, curve_over_layers
from inference.base_model import BaseModelSpec


def conflicts(
    context: typer.Context,
    mode: Annotated[
        str | None, typer.Argument(help="A mode, such as sport*0.7+core; all of the mind's adapters by default.")
    ] = None,
    heat_map: Annotated[
        list[Path] | None,
        typer.Option("--heat-map", metavar="FILE", help="Draw every module of every layer; .png or .html."),
    ] = None,
    overridden: Annotated[
        bool,
        typer.Option(
            "--overridden",
            help="Run the base model on neutral texts, and tell how much of its own output is overridden.",
        ),
    ] = False,
    figures_file: JsonFileOption = None,
    mind_folder: MindOption = None,
) -> None:
    """Compare adapters pair by pair: direction, size, shared inputs and outputs, signs; of a mode by layer and module.

    Below stands what they cost each other, predicted, with a remedy where that is much. It reads the weights alone and
    runs no model, unless asked how much of the base model's own output is overridden.
    """
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    packages, unfit = open_adapters(mind, None)
    parts = (
        {name: Part(package) for name, package in packages.items()}
        if mode is None
        else _mode_parts(mode, mind, packages, unfit)
    )
    found = {
        f"{first} · {second}": measure_conflict(parts[first], parts[second]) for first, second in combinations(parts, 2)
    }
    console = stdout_console()
    if not found:
        console.print(Text(f"{mode or mind.name}: there are not two adapters to compare."))
    else:
        console.print(_table("pair", {pair: conflict.total for pair, conflict in found.items()}.items()))
    if mode is not None:
        for pair, conflict in found.items():
            console.print(Text(f"\n{pair}", style="bold"))
            console.print(_table("module", conflict.by_module.items()))
            console.print(_table("layer", conflict.by_layer.items()))
    verdicts = [*_judge(mode, mind, parts, find_base_model(settings, mind))] if found else []
    for verdict in verdicts:
        console.print(Text("\n".join(verdict.sentences())), soft_wrap=True)
    measured = measure_mode(settings, mind, parts, mode) if overridden else {}
    if measured:
        for table in override_tables(measured, by_place=mode is not None):
            console.print(table)
    for path in heat_map or ():
        draw_heat_map(path, found, measured)
    if figures_file is not None:
        figures = _figures(found) | {"verdicts": [verdict.figures() for verdict in verdicts]}
        if measured:
            figures["overridden"] = override_figures(measured)
        figures_file.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if mode is None:
        print_unfit(unfit)


def _judge(mode: str | None, mind: Mind, parts: Mapping[str, Part], base: BaseModelSpec | None) -> Iterator[Verdict]:
    """What the mode's adapters cost each other; without a mode, those of each pair that the mind allows together."""
    manifests = {name: part.package.manifest for name, part in parts.items()}
    gate = mind.policies.gate
    most = MOST if gate is None else 1 - gate.core_kept
    if mode is not None:
        yield from judge_mixture(
            parts, manifests, mind.core, base, most, resolve_mode(parse_expression(mode), mind).merge
        )
        return
    for first, second in combinations(parts, 2):
        if AdapterKind.ISOLATED in {mind.adapters[first].kind, mind.adapters[second].kind}:
            continue
        weights = effective_weights((Term(first), Term(second)), manifests)
        pair = {name: replace(parts[name], weight=weights[name], is_core=name == mind.core) for name in (first, second)}
        yield from judge_mixture(pair, manifests, mind.core, base, most)


def _mode_parts(
    mode: str, mind: Mind, packages: Mapping[str, AdapterPackage], unfit: Mapping[str, AdapterError]
) -> dict[str, Part]:
    """The adapters of a mode with its weights and bands, by name.

    Raises:
        ModeError: the mind does not allow it, or one of its adapters is out of service.
    """
    resolved = resolve_mode(parse_expression(mode), mind)
    for term in resolved.terms:
        if term.name in unfit:
            raise AdapterOutOfService(term.name, [*packages, "base"]) from unfit[term.name]
    weights = effective_weights(resolved.terms, {name: package.manifest for name, package in packages.items()})
    # Without the base model, its layers are those that adapters have.
    layers = 1 + max((max(packages[term.name].layers) for term in resolved.terms), default=0)
    parts = {}
    for term in resolved.terms:
        band = None if term.band is None else resolve_band(term.band, layers)
        acting = None if band is None else range(band.first, band.last + 1)
        points = resolved.curves.get(term.name)
        curve = None if points is None else curve_over_layers(points, layers)
        is_core = mind.adapters[term.name].kind is AdapterKind.CORE
        parts[term.name] = Part(packages[term.name], weights[term.name], acting, is_core=is_core, curve=curve)
    return parts


def _table(heading: str, rows: Iterable[tuple[object, Comparison]]) -> Table:
    table = new_table(heading, "cosine", "norms", "ratio", "shared inputs", "shared outputs", "sign conflict")
    for name, it in rows:
        table.add_row(
            str(name),
            f"{it.cosine:+.3f}",
            f"{it.norms[0]:.3g}, {it.norms[1]:.3g}",
            f"{it.norm_ratio:.2f}",
            f"{it.input_overlap:.3f}",
            f"{it.output_overlap:.3f}",
            f"{it.sign_conflict:.1%}",
        )
    return table


def _figures(found: Mapping[str, Conflict]) -> dict[str, Any]:
    return {
        pair: {
            "total": asdict(conflict.total),
            "layers": {str(layer): asdict(it) for layer, it in conflict.by_layer.items()},
            "modules": {module: asdict(it) for module, it in conflict.by_module.items()},
            "each": [asdict(it) for it in conflict.modules],
        }
        for pair, conflict in found.items()
    }
