"""`consilium mind pack` and `unpack`: a mind as one signed file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bot.app.settings import Settings
from bot.authoring import pack as packing
from bot.authoring.signing import KEY_FILE, open_key, public_line, read_public_key
from bot.cli.common import stdout_console
from bot.core.i18n import Translator, system_language
from bot.minds import load_mind

MindArgument = Annotated[Path, typer.Argument(help="Folder of the mind.")]


def pack(
    context: typer.Context,
    folder: MindArgument,
    file: Annotated[Path, typer.Argument(help="The new file.")],
    with_dialogues: Annotated[
        bool, typer.Option("--with-dialogues", help="Put the dialogues into it too; people's words may be in them.")
    ] = False,
) -> None:
    """Write a mind into one file, with the checksum of everything in it and a signature that minisign can check.

    Exports, the folder of an import, earlier versions and the base model are never in it; dialogues only if asked for.
    """
    settings: Settings = context.obj
    say = Translator(settings.language or system_language())
    key = open_key(settings.data_dir)
    manifest = packing.pack(load_mind(folder), file, key, with_dialogues=with_dialogues)
    size = file.stat().st_size / 1e6
    for text in (
        say.plural("{file}: {count} file, {size} MB", "{file}: {count} files, {size} MB", len(manifest.files),
            file=file, size=f"{size:.1f}"),
        say("Your public key, for whoever unpacks it: {key}", key=public_line(key.get_public_key())),
        say("Its secret half is in {path}; keep a copy of it.", path=settings.data_dir / KEY_FILE),
    ):  # fmt: skip
        stdout_console().print(Text(text), soft_wrap=True)


def unpack(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The packed mind.", exists=True, dir_okay=False)],
    folder: Annotated[Path, typer.Argument(help="The new folder.")],
    key: Annotated[
        str | None,
        typer.Option("--key", help="Public key of whoever has packed it, or a file with it.", show_default="none"),
    ] = None,
) -> None:
    """Check everything in a packed mind, and make a new folder with it."""
    settings: Settings = context.obj
    say = Translator(settings.language or system_language())
    done = packing.unpack(file, folder.absolute(), read_public_key(key) if key is not None else None)
    texts = [
        say("The mind {mind} is in {folder}. Its base model: {base}", mind=done.manifest.mind, folder=folder,
            base=done.manifest.base_model),
        say("Signed with {key} ({comment}).", key=done.manifest.key if key is None else key, comment=done.comment),
    ]  # fmt: skip
    if not done.key_was_given:
        texts.append(
            say(
                "This key came with the file: it shows that the file is whole, and not who has packed it. Ask them for"
                " their key and give it with --key."
            )
        )
    for text in texts:
        stdout_console().print(Text(text), soft_wrap=True)
