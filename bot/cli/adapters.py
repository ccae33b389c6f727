"""`consilium adapters`: look at a mind's adapters, check them, compose them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from bot.cli.errors import ChecksFailed
from bot.cli.tables import grid, output
from bot.locales import system_language
from bot.mind import Mind, load_mind
from bot.modes.composer import Composer
from bot.modes.errors import UnknownAdapter
from bot.modes.expression import parse
from bot.modes.names import nearest
from bot.modes.resolve import resolve
from bot.services import base_model_folder, open_composer
from bot.settings import Settings
from consilium.errors import ConsiliumError
from inference.adapters.conflict import conflict
from inference.adapters.fit import check as check_fit
from inference.adapters.package import AdapterPackage
from inference.adapters.store import CompositionStore
from inference.adapters.summary import AdapterSummary, summarise
from inference.base_model import BaseModel

app = typer.Typer(help="Look at a mind's adapters, check them, compose them.", no_args_is_help=True)

MindOption = Annotated[Path | None, typer.Option("--mind", help="Folder of the mind.", show_default="the demo mind")]
Which = Annotated[str, typer.Argument(help="An adapter of the mind, or a folder with one.", metavar="ADAPTER")]


@app.command("list")
def list_adapters(context: typer.Context, mind_folder: MindOption = None) -> None:
    """The mind's adapters: kind, rank, what each was trained on."""
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    language = settings.language or system_language()
    table = grid("adapter", "kind", "rank", "MB", "trained on", "loss", "about")
    cores = {}
    for name, adapter in mind.adapters.items():
        package = AdapterPackage.open(adapter.path)
        manifest = package.manifest
        cores[package.digest] = name
        under = cores.get(manifest.trained_on or "", "another core") if manifest and manifest.trained_on else "the base"
        loss = manifest.figures.get("validation_loss") if manifest else None
        table.add_row(
            name,
            adapter.kind,
            str(package.rank),
            f"{package.file.size / 1e6:.1f}",
            under if manifest else "",
            f"{loss:.3f}" if loss is not None else "",
            adapter.description.text(language),
        )
    output().print(table)


@app.command()
def inspect(context: typer.Context, which: Which, mind_folder: MindOption = None) -> None:
    """Everything there is to know of one adapter."""
    package = _package(context.obj, mind_folder, which)
    manifest = package.manifest
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for label, value in _lines(summarise(package)):
        table.add_row(label, Text(value))
    if manifest:
        for label, values in (("recipe", manifest.recipe), ("figures", manifest.figures)):
            table.add_row(label, Text(", ".join(f"{key} {value}" for key, value in values.items())))
    output().print(table)


@app.command()
def check(
    context: typer.Context,
    which: Annotated[list[str] | None, typer.Argument(help="Adapters or folders; all of the mind's if none.")] = None,
    mind_folder: MindOption = None,
) -> None:
    """Check that adapters are sound and belong to the mind's base model; exit code 1 when one does not."""
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    base = _base(settings, mind)
    console = output()
    names = which or list(mind.adapters)
    failed = 0
    for name in names:
        try:
            check_fit(_open(mind, name), base)
        except ConsiliumError as error:
            failed += 1
            console.print(Text.assemble((f"{name}: ", "bold red"), str(error)), soft_wrap=True)
        else:
            console.print(Text.assemble((f"{name}: ", "bold green"), f"sound, for {base.name}"), soft_wrap=True)
    if failed:
        raise ChecksFailed(failed, len(names))


@app.command()
def compose(
    context: typer.Context,
    mode: Annotated[str, typer.Argument(help="A mode, such as sport*0.7+core.")],
    folder: Annotated[Path | None, typer.Option("--output", help="Copy the package to this folder too.")] = None,
    mind_folder: MindOption = None,
) -> None:
    """Compose a mode into one adapter, as an engine loads it."""
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    composer = _composer(settings, mind)
    resolved = resolve(parse(mode), mind)
    parts = composer.parts(resolved)
    console = output()
    if not parts:
        console.print(Text(f"{resolved.text}: nothing is composed for this mode."))
        return
    composition = composer.store.ensure(parts, composer.base)
    if folder is not None:
        shutil.copytree(composition.path, folder, dirs_exist_ok=True)
    weights = ", ".join(f"{name} × {weight:.2f}" for name, weight in composer.weights(resolved).items())
    report = composition.report
    console.print(Text.assemble((resolved.text, "bold"), f" = {weights}"))
    console.print(Text(f"{composition.name}  rank {report.rank}, {report.size / 1e6:.1f} MB"))
    console.print(Text(str(folder or composition.path)), soft_wrap=True)


@app.command()
def compositions(
    context: typer.Context,
    remove: Annotated[str | None, typer.Option(help="Remove the composition of this name.", metavar="NAME")] = None,
) -> None:
    """The compositions made so far; what is removed is made again when it is asked for."""
    settings: Settings = context.obj
    store = CompositionStore(settings.compositions_dir)
    if remove is not None:
        freed = store.remove(remove)
        output().print(Text(f"{remove}: {freed / 1e6:.1f} MB freed"))
        return
    table = grid("composition", "base", "adapters", "rank", "error", "MB")
    for composition in store.list():
        record = composition.record
        parts = " + ".join(
            f"{part.digest[:8]} × {part.weight:g}{f' @ {part.layers[0]}-{part.layers[1]}' if part.layers else ''}"
            for part in record.parts
        )
        report = composition.report
        error = f"{report.truncation_error:.1%}" if report.truncation_error else ""
        table.add_row(composition.name, record.base, parts, str(report.rank), error, f"{composition.size / 1e6:.1f}")
    output().print(table)
    output().print(Text(f"{store.size / 1e6:.1f} MB in {store.root}"), soft_wrap=True)


@app.command()
def conflicts(context: typer.Context, mind_folder: MindOption = None) -> None:
    """How the mind's adapters meet: cosine of their deltas, and how far they read and write the same directions."""
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    packages = {name: AdapterPackage.open(a.path) for name, a in mind.adapters.items()}
    table = grid("pair", "cosine", "shared inputs", "shared outputs")
    names = list(packages)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            found = conflict(packages[first], packages[second])
            table.add_row(f"{first} · {second}", f"{found.cosine:+.3f}", f"{found.reads:.3f}", f"{found.writes:.3f}")
    output().print(table)


def _lines(summary: AdapterSummary) -> Iterator[tuple[str, str]]:
    yield "base model", summary.base or "not said"
    yield "digest", summary.digest
    yield "rank", ", ".join(map(str, summary.ranks))
    yield "modules", ", ".join(summary.modules)
    yield "layers", f"{summary.layers[0]} to {summary.layers[-1]} ({len(summary.layers)})"
    yield "parameters", f"{summary.parameters:,} as {', '.join(summary.dtypes)}, {summary.size / 1e6:.1f} MB"
    yield "norm", f"{summary.norm:.3f} ({', '.join(f'{name} {norm:.3f}' for name, norm in summary.norms.items())})"
    yield "safe form", "yes" if not summary.unsafe else f"once composed; as it is, {'; '.join(summary.unsafe)}"


def _base(settings: Settings, mind: Mind) -> BaseModel:
    return BaseModel.from_config(base_model_folder(settings, mind) / "config.json", mind.base_model)


def _composer(settings: Settings, mind: Mind) -> Composer:
    return open_composer(settings, mind, base_model_folder(settings, mind))


def _package(settings: Settings, mind_folder: Path | None, which: str) -> AdapterPackage:
    return _open(load_mind(mind_folder or settings.mind), which)


def _open(mind: Mind, which: str) -> AdapterPackage:
    """An adapter of the mind by its name, or any folder.

    Raises:
        UnknownAdapter: it is neither.
    """
    if which in mind.adapters:
        return AdapterPackage.open(mind.adapters[which].path)
    if Path(which).is_dir():
        return AdapterPackage.open(Path(which))
    raise UnknownAdapter(which, nearest(which, mind) or tuple(mind.adapters))
