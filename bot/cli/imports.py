"""`consilium adapters import`: bring an adapter from elsewhere into the safe form."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bot.app.components import base_model_folder, read_base_model
from bot.app.settings import Settings
from bot.cli.common import MindOption, stdout_console
from bot.minds import Mind, load_mind
from bot.minds.grammar import RESERVED, is_valid_name, normalise
from inference.model_files import download_model, is_hub_id

_FALLBACK_NAME = "imported"


def import_(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(help="A folder with an adapter, a folder of a hub's cache, or a hub id.", metavar="SOURCE")
    ],
    name: Annotated[
        str | None, typer.Option("--as", help="Its name in the mind; made from SOURCE by default.", metavar="NAME")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--output", help="Write it to this folder instead of the mind's.")
    ] = None,
    base_is: Annotated[
        str | None,
        typer.Option("--base-is", help="The base model it was trained on, where its files do not say.", metavar="NAME"),
    ] = None,
    lora_part_only: Annotated[
        bool, typer.Option("--lora-part-only", help="Leave out what was trained beside the LoRA of the layers.")
    ] = False,
    mind_folder: MindOption = None,
) -> None:
    """Import an adapter from elsewhere in the safe form, and tell what was changed; nothing in it is executed."""
    # Imported late: torch takes seconds.
    from inference.adapters.importing import import_adapter

    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind, require_adapters=False)
    base_folder = base_model_folder(settings, mind)
    name = name or _name_from(source)
    if not is_valid_name(name) or name in RESERVED:
        raise typer.BadParameter("begin with a letter, and use letters, digits, “-” and “_”", param_hint="--as")
    report = import_adapter(
        _find_source(settings, source),
        (folder or _folder_in(mind, name)).absolute(),
        read_base_model(mind, base_folder),
        base_folder=base_folder,
        lora_part_only=lora_part_only,
        base_is=base_is,
    )
    console = stdout_console()
    for change in report.changes:
        console.print(Text(f"- {change}"), soft_wrap=True)
    made = report.composition
    console.print(
        Text(f"{report.folder}: rank {made.rank}, {made.size / 1e6:.1f} MB, in the safe form for {mind.base_model}"),
        soft_wrap=True,
    )
    if folder is None and name not in mind.adapters:
        console.print(Text(f"Add it to {mind.folder / 'mind.yaml'}, with the kind that it is:"), soft_wrap=True)
        console.print(Text(f"adapters:\n  {name}:\n    path: adapters/{name}\n    kind: topic"))


def _find_source(settings: Settings, source: str) -> Path:
    """The folder or file that `source` names; a hub id is downloaded where that is allowed.

    Raises:
        ModelMissing: it is not in the cache, and may not or cannot be downloaded.
    """
    from inference.adapters.importing import HUB_FILES

    path = Path(source).expanduser()
    if path.exists() or not is_hub_id(source):
        return path
    return download_model(source, settings.models_dir, allow=settings.allow_download, patterns=HUB_FILES)


def _folder_in(mind: Mind, name: str) -> Path:
    return mind.adapters[name].path if name in mind.adapters else mind.folder / "adapters" / name


def _name_from(source: str) -> str:
    """A name for modes, made from the last part of what was given."""
    last = re.split(r"[/\\]", re.sub(r".*models--[^/\\]+?--", "", source).rstrip("/\\"))
    text = last[0] if "models--" in source else last[-1]
    name = re.sub(r"[^\w-]+", "-", normalise(text)).lstrip("-_0123456789")[:64].rstrip("-_")
    return name if is_valid_name(name) and name not in RESERVED else _FALLBACK_NAME
