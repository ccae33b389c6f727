"""`consilium adapters`: list, inspect, check and compose a mind's adapters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from bot.answering.composer import open_adapters
from bot.answering.composition_gate import verdicts_on
from bot.app.components import base_model_folder, find_base_model, read_base_model
from bot.app.settings import Settings
from bot.cli import compositions, conflicts, imports, learn_weights, merge, revoke
from bot.cli.common import (
    MindOption,
    format_time,
    key_value_table,
    names_by_digest,
    new_table,
    print_unfit,
    stdout_console,
)
from bot.cli.errors import ChecksFailed
from bot.core.i18n import system_language
from bot.minds import Mind, load_mind
from bot.minds.errors import UnknownAdapter
from bot.minds.names import nearest_names
from bot.minds.versions import live_folder
from consilium.errors import ConsiliumError
from inference.adapters.compatibility import check_compatible
from inference.adapters.composition import is_composition_name
from inference.adapters.package import AdapterPackage
from inference.adapters.revocation import Revocation, Revocations
from inference.adapters.store import CompositionStore
from inference.adapters.summary import AdapterSummary, summarise
from inference.base_model import BaseModelSpec

app = typer.Typer(help="List, import, inspect, check and compose a mind's adapters.", no_args_is_help=True)
app.command("import")(imports.import_)
app.command("compose")(compositions.compose)
app.command("compositions")(compositions.compositions)
app.command("merge")(merge.merge)
app.command("conflicts")(conflicts.conflicts)
app.command("learn")(learn_weights.learn)
app.command("revoke")(revoke.revoke)

AdapterArgument = Annotated[
    str, typer.Argument(help="An adapter of the mind, a folder with one, or a composition.", metavar="ADAPTER")
]


@app.command("list")
def list_adapters(context: typer.Context, mind_folder: MindOption = None) -> None:
    """List the mind's adapters and the revoked ones: kind, rank, what each was trained on."""
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    revoked = Revocations(settings.compositions_dir).list()
    language = settings.language or system_language()
    table = new_table("adapter", "kind", "rank", "MB", "trained on", "loss", "about", wrapped=("adapter", "about"))
    names_so_far = {}
    packages, unfit = open_adapters(mind, find_base_model(settings, mind))
    for name, adapter in mind.adapters.items():
        if name in unfit:
            status = Text.assemble(name, (" out of service", "bold red"))
            table.add_row(status, adapter.kind, "", "", "", "", adapter.description.text(language))
            continue
        package = packages[name]
        manifest = package.manifest
        names_so_far[package.digest] = name
        trained_on = ""
        if manifest:
            core = manifest.trained_on
            trained_on = names_so_far.get(core, "another core") if core else "the base"
        loss = manifest.figures.get("validation_loss") if manifest else None
        is_revoked = any(revocation.digest == package.digest for revocation in revoked)
        table.add_row(
            Text.assemble(name, (" revoked", "bold red") if is_revoked else ""),
            adapter.kind,
            str(package.rank),
            f"{package.file.size / 1e6:.1f}",
            trained_on,
            f"{loss:.3f}" if loss is not None else "",
            adapter.description.text(language),
        )
    stdout_console().print(table)
    if (strength := mind.policies.adapter_strength) != 1:
        stdout_console().print(Text(f"Every mode is composed at strength {strength:g} (policies.adapter_strength)."))
    print_unfit(unfit)
    if revoked:
        stdout_console().print(_revocations_table(revoked))


@app.command()
def inspect(context: typer.Context, which: AdapterArgument, mind_folder: MindOption = None) -> None:
    """Show all that is known of an adapter or a composition."""
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    if is_composition_name(which):
        store = CompositionStore(settings.compositions_dir)
        composition = store.get(which)
        lines = [*compositions.describe(composition, names_by_digest(mind))]
        lines += [("gate", compositions.describe_verdict(verdict)) for verdict in verdicts_on(store, which)]
        stdout_console().print(key_value_table(lines))
        return
    package = _open_adapter(mind, which)
    lines = list(_summary_lines(summarise(package)))
    if manifest := package.manifest:
        for label, values in (("recipe", manifest.recipe), ("figures", manifest.figures)):
            lines.append((label, ", ".join(f"{key} {value}" for key, value in values.items())))
    if revocation := Revocations(settings.compositions_dir).find(package.digest):
        lines.append(("revoked", format_time(revocation.at)))
    stdout_console().print(key_value_table(lines))


@app.command()
def check(
    context: typer.Context,
    which: Annotated[
        list[str] | None, typer.Argument(help="Adapters or folders; all of the mind's by default.")
    ] = None,
    mind_folder: MindOption = None,
) -> None:
    """Check that adapters are sound and belong to the mind's base model; exit code 1 if one does not."""
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    base = _base_model(settings, mind)
    console = stdout_console()
    names = which or list(mind.adapters)
    failed = 0
    for name in names:
        try:
            check_compatible(_open_adapter(mind, name), base)
        except ConsiliumError as error:
            failed += 1
            console.print(Text.assemble((f"{name}: ", "bold red"), str(error)), soft_wrap=True)
        else:
            console.print(Text.assemble((f"{name}: ", "bold green"), f"sound, for {base.name}"), soft_wrap=True)
    if failed:
        raise ChecksFailed(failed, len(names))


def _revocations_table(revoked: Sequence[Revocation]) -> Table:
    table = new_table("revoked", "weights", "when")
    for revocation in revoked:
        table.add_row(revocation.adapter, revocation.digest, format_time(revocation.at))
    return table


def _summary_lines(summary: AdapterSummary) -> Iterator[tuple[str, str]]:
    yield "base model", summary.base or "not named"
    yield "digest", summary.digest
    yield "rank", ", ".join(map(str, summary.ranks))
    yield "modules", ", ".join(summary.modules)
    yield "layers", f"{summary.layers[0]} to {summary.layers[-1]} ({len(summary.layers)})"
    yield "parameters", f"{summary.parameters:,} as {', '.join(summary.dtypes)}, {summary.size / 1e6:.1f} MB"
    yield "norm", f"{summary.norm:.3f} ({', '.join(f'{name} {norm:.3f}' for name, norm in summary.norms.items())})"
    yield (
        "safe form",
        "yes" if not summary.unsafe_reasons else f"when composed; as it is, {'; '.join(summary.unsafe_reasons)}",
    )


def _base_model(settings: Settings, mind: Mind) -> BaseModelSpec:
    return read_base_model(mind, base_model_folder(settings, mind))


def _open_adapter(mind: Mind, which: str) -> AdapterPackage:
    """The adapter of the mind with this name, or the one in this folder.

    Raises:
        UnknownAdapter: there is neither.
    """
    if which in mind.adapters:
        return AdapterPackage.open(live_folder(mind, which))
    if Path(which).is_dir():
        return AdapterPackage.open(Path(which))
    raise UnknownAdapter(which, nearest_names(which, mind) or tuple(mind.adapters))
