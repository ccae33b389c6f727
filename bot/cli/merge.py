"""`consilium adapters merge`: a mode as one adapter in a folder, or merged into the base model."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bot.app.components import base_model_folder, open_composer
from bot.app.settings import Settings
from bot.cli.common import MindOption, stdout_console
from bot.cli.compositions import MergeOption, parse_merge
from bot.core.errors import BotError
from bot.minds import load_mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from consilium.errors import N_
from inference.adapters.composition import RECORD_FILE
from inference.adapters.into_base import merge_into_base
from inference.adapters.package import AdapterPackage


class NothingToMerge(BotError):
    """A mode without adapters is to be merged."""

    sentence = N_("The mode {mode} has no adapters to merge.")
    remedy = N_("Name adapters, as in sport+core.")

    def __init__(self, mode: str) -> None:
        super().__init__(mode=mode)


def merge(
    context: typer.Context,
    mode: Annotated[str, typer.Argument(help="A mode, such as sport*0.7+core.")],
    output: Annotated[Path, typer.Option("--output", help="The folder to write, which must not exist.")],
    into_base: Annotated[
        bool, typer.Option("--into-base", help="Write the whole base model with the adapters in its weights.")
    ] = False,
    method: MergeOption = None,
    mind_folder: MindOption = None,
) -> None:
    """Write a mode as one adapter, or as a model of its own that needs no adapter."""
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    base_folder = base_model_folder(settings, mind, weights=into_base or None)
    # What is in the weights has no rank, so a server's limit cuts nothing here.
    limits = settings.model_copy(update={"max_rank": None}) if into_base else settings
    composer = open_composer(limits, mind, base_folder)
    resolved = resolve_mode(parse_expression(mode), mind)
    if method is not None:
        resolved = replace(resolved, merge=parse_merge(method))
    composition = composer.compose(resolved)
    if composition is None:
        raise NothingToMerge(resolved.text)
    console = stdout_console()
    if not into_base:
        shutil.copytree(composition.path, output)
        console.print(Text(f"{resolved.text}: {composition.name} in {output}"), soft_wrap=True)
        return
    merged = merge_into_base(AdapterPackage.open(composition.path), composer.base, base_folder, output)
    shutil.copyfile(composition.path / RECORD_FILE, output / RECORD_FILE)
    line = f"{merged.weights} weights changed, {merged.shards} file(s), {merged.size / 1e6:.0f} MB in {output}"
    console.print(Text(f"{resolved.text}: {line}"), soft_wrap=True)
