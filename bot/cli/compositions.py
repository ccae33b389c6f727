"""`consilium adapters compose` and `compositions`: make compositions, list them, remove them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError
from rich.text import Text

from bot.answering.composition_gate import GateVerdict
from bot.app.components import base_model_folder, make_engine, open_composer
from bot.app.settings import Settings
from bot.cli.common import MindOption, format_short_time, format_time, new_table, stdout_console
from bot.core.errors import BotError
from bot.minds import Mind, load_mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from consilium.errors import N_
from inference.adapters.compose import CompositionReport
from inference.adapters.composition import Composition, RecipePart, is_composition_name
from inference.adapters.errors import CompositionNotFound
from inference.adapters.merging.settings import Merge, MergeMethod
from inference.adapters.pruning import prune as prune_store
from inference.adapters.store import CompositionStore
from inference.engines.errors import EngineError

MergeOption = Annotated[
    str | None,
    typer.Option(
        "--merge",
        metavar="METHOD[,KEY=VALUE…]",
        help="Merge by this method instead of the mode's own, such as ties,density=0.3 or sum.",
    ),
]
WORST_MODULES_SHOWN: Final = 3
"""Modules with the largest errors that are shown of a truncated composition."""
_UNLOAD_TIMEOUT: Final = 5.0
"""Seconds to retry: a server that is down holds nothing it could answer with, so nobody should wait for it."""


class MergeUnreadable(BotError):
    """What stands after `--merge` is not a method with settings."""

    sentence = N_("“{text}” cannot be read as a merge method: {problem}.")
    remedy = N_("Write a method ({methods}), and settings after commas: ties,space=delta,density=0.3,rank=16")

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(text=text, problem=problem, methods=", ".join(MergeMethod))


class EngineUnloadFailed(BotError):
    """Compositions are removed from the disk, but the engine's server did not unload them."""

    sentence = N_("These compositions are removed, but the engine has not unloaded them: {names}. {reason}")
    remedy = N_("Restart the engine's server, or run for each: consilium adapters compositions --remove NAME")

    def __init__(self, names: str, reason: str) -> None:
        super().__init__(names=names, reason=reason)


def compose(
    context: typer.Context,
    mode: Annotated[str, typer.Argument(help="A mode, such as sport*0.7+core.")],
    folder: Annotated[Path | None, typer.Option("--output", help="Copy the package to this folder too.")] = None,
    max_rank: Annotated[
        int | None, typer.Option("--max-rank", min=1, help="Truncate it to this rank; the error is shown.")
    ] = None,
    merge: MergeOption = None,
    mind_folder: MindOption = None,
) -> None:
    """Compose a mode into one adapter, as an engine loads it."""
    settings: Settings = context.obj
    if max_rank is not None:
        settings = settings.model_copy(update={"max_rank": max_rank})
    mind = load_mind(mind_folder or settings.mind)
    composer = open_composer(settings, mind, base_model_folder(settings, mind))
    resolved = resolve_mode(parse_expression(mode), mind)
    if merge is not None:
        resolved = replace(resolved, merge=parse_merge(merge))
    console = stdout_console()
    composition = composer.compose(resolved)
    if composition is None:
        console.print(Text(f"{resolved.text}: this mode needs no composition."))
        return
    if folder is not None:
        shutil.copytree(composition.path, folder, dirs_exist_ok=True)
    report = composition.report
    weights = ", ".join(
        f"{term.name} × {_format_weight(part.scaled_weight)}"
        for term, part in zip(resolved.terms, composer.parts(resolved), strict=True)
    )
    strength = mind.policies.adapter_strength
    at_strength = "" if strength == 1 else f", at the mind's strength {strength:g}"
    merged = "" if composition.record.merge is None else f", merged by {composition.record.merge}"
    console.print(Text.assemble((resolved.text, "bold"), f" = {weights}{at_strength}{merged}"))
    if (verdict := composer.judge(resolved)) is not None:
        console.print(Text(describe_verdict(verdict)), soft_wrap=True)
    console.print(Text(f"{composition.name}  {_format_rank(report)}, {report.size / 1e6:.1f} MB"), soft_wrap=True)
    console.print(Text(str(folder or composition.path)), soft_wrap=True)


def compositions(
    context: typer.Context,
    remove: Annotated[str | None, typer.Option(help="Remove the composition of this name.", metavar="NAME")] = None,
    prune: Annotated[
        float | None,
        typer.Option(min=0, metavar="GB", help="Remove the least recently used ones until the rest fit this size."),
    ] = None,
    max_rank: Annotated[
        int | None, typer.Option("--max-rank", min=1, help="Show those that a server with this rank limit accepts.")
    ] = None,
    mind_folder: MindOption = None,
) -> None:
    """List the compositions made so far, or remove some; a removed one is made again when it is needed."""
    settings: Settings = context.obj
    store = CompositionStore(settings.compositions_dir)
    if remove is None and prune is None:
        _show(store, max_rank)
        return
    freed: dict[str, int] = {}
    if remove is not None:
        freed |= _remove(settings, store, remove)
    if prune is not None:
        freed |= prune_store(store, int(prune * 1e9))
    for name, size in freed.items():
        stdout_console().print(Text(f"{name}: {size / 1e6:.1f} MB freed"))
    stdout_console().print(Text(f"{store.size / 1e6:.1f} MB in {store.root}"), soft_wrap=True)
    unload_from_engine(settings, mind_folder or settings.mind, list(freed))


def parse_merge(text: str) -> Merge:
    """The merge that `METHOD,KEY=VALUE,…` stands for.

    Raises:
        MergeUnreadable: it stands for none.
    """
    method, *settings = (piece.strip() for piece in text.split(","))
    values = dict(setting.partition("=")[::2] for setting in settings)
    try:
        return Merge.model_validate({"method": method, **values})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise MergeUnreadable(text, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def describe(composition: Composition, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """All that is known of a composition, as labels and values.

    Args:
        names: names of adapters, by the digest of their weights; other adapters are shown by their digest.
    """
    record, report = composition.record, composition.report
    yield "composition", composition.name
    yield "base model", record.base
    for label, part in zip(("made of", *[""] * len(record.parts)), record.parts, strict=False):
        yield label, _format_part(part, names.get(part.digest, part.digest))
    if record.merge is not None:
        yield "merged by", str(record.merge)
    yield "rank", _format_rank(report).removeprefix("rank ")
    worst = sorted(report.module_errors.items(), key=lambda item: -item[1])[:WORST_MODULES_SHOWN]
    for label, (module, error) in zip(("worst", *[""] * len(worst)), worst, strict=False):
        yield label, f"{module} {error:.2%}"
    yield "modules", ", ".join(report.modules)
    yield "layers", f"{report.layers[0]} to {report.layers[-1]} ({len(report.layers)})"
    yield "weights", f"{'/'.join(dict.fromkeys(report.dtypes))}, {composition.size / 1e6:.1f} MB"
    yield "made", format_time(composition.created_at)
    yield "last used", format_time(composition.last_used_at)
    yield "path", str(composition.path)


def describe_verdict(verdict: GateVerdict) -> str:
    """What the mind's gate found of a mode, and what it did."""
    kept = f"{verdict.core_kept:.0%}"
    if verdict.interval is not None:
        kept += f" ({verdict.interval[0]:.0%} to {verdict.interval[1]:.0%}), predicted"
    else:
        kept += ", measured"
    line = f"{verdict.mode}: the core keeps {kept}; drift {verdict.drift:.2f} of the topic's own; {verdict.result}"
    if verdict.share is not None:
        line += f" to {verdict.share:.0%}"
    if verdict.merge is not None:
        line += f" by {verdict.merge}"
    if verdict.is_extrapolated:
        line += " (predicted by a model of sums, and this is merged otherwise: measure it with `mind eval`)"
    return line if verdict.served_kept is None else f"{line}, where the core keeps {verdict.served_kept:.0%}"


def unload_from_engine(settings: Settings, mind_folder: Path, names: Sequence[str]) -> None:
    """Unload compositions whose folders are gone from the engine's server; a local engine needs nothing.

    Raises:
        EngineUnloadFailed: the server cannot be reached, or refuses.
    """
    if not settings.engine_is_server or not names:
        return
    mind = load_mind(mind_folder)
    base_folder = base_model_folder(settings, mind)
    asyncio.run(_unload(settings.model_copy(update={"engine_patience": _UNLOAD_TIMEOUT}), mind, base_folder, names))


async def _unload(settings: Settings, mind: Mind, base_folder: Path, names: Sequence[str]) -> None:
    engine = await asyncio.to_thread(make_engine, settings, mind, base_folder)
    loaded = list(names)
    try:
        await engine.start()
        while loaded:
            await engine.unload_adapter(loaded[0])
            del loaded[0]
    except EngineError as error:
        raise EngineUnloadFailed(", ".join(loaded), str(error)) from error
    finally:
        await engine.close()


def _show(store: CompositionStore, max_rank: int | None) -> None:
    table = new_table("composition", "adapters", "rank", "error", "MB", "used", wrapped=("adapters",))
    for composition in store.list():
        record, report = composition.record, composition.report
        if max_rank is not None and report.rank > max_rank:
            continue
        try:
            used = format_short_time(composition.last_used_at)
        except FileNotFoundError:  # removed by another process meanwhile
            continue
        parts = "\n".join(_format_part(part, part.digest[:8]) for part in record.parts)
        if record.merge is not None:
            parts += f"\nby {record.merge}"
        error = f"{report.truncation_error:.1%}" if report.truncation_error else ""
        size = f"{composition.size / 1e6:.1f}"
        table.add_row(composition.name, parts, str(report.rank), error, size, used)
    stdout_console().print(table)
    stdout_console().print(Text(f"{store.size / 1e6:.1f} MB in {store.root}"), soft_wrap=True)


def _remove(settings: Settings, store: CompositionStore, name: str) -> dict[str, int]:
    """Bytes freed, by name. One that is already gone may still be loaded on a server, and is unloaded from it."""
    try:
        return {name: store.remove(name)}
    except CompositionNotFound:
        if settings.engine_is_server and is_composition_name(name):
            return {name: 0}
        raise


def _format_part(part: RecipePart, name: str) -> str:
    band = f" @ {part.layers[0]}-{part.layers[1]}" if part.layers else ""
    curve = f" × {min(part.curve):g} to {max(part.curve):g} by layer" if part.curve else ""
    return f"{name} × {part.weight:g}{curve}{band}"


def _format_weight(weight: float) -> str:
    """With two digits after the point, and more only where there are more."""
    return f"{weight:.2f}" if weight == round(weight, 2) else f"{weight:.4f}".rstrip("0")


def _format_rank(report: CompositionReport) -> str:
    if report.rank == report.rank_before:
        return f"rank {report.rank}, exact"
    return f"rank {report.rank_before} cut to {report.rank}, truncation error {report.truncation_error:.2%}"
