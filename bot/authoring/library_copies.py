"""Puts imported documents into the folder of a mind's library where a collection takes them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from bot.authoring.stages import digest_of_file
from bot.minds import Mind
from consilium.files import atomic_file, remove_unfinished


def copy_to_library(mind: Mind, document: Path) -> Path | None:
    """Copy a document to where the first collection that takes such files looks for it; blocking.

    Returns:
        Where it lies now; None where no collection takes files of its kind.
    """
    for folder, pattern in _places(mind):
        target = folder / document.name
        if not target.relative_to(mind.folder).match(pattern):
            continue
        number = 1
        while target.exists() and digest_of_file(target) != digest_of_file(document):
            number += 1
            target = folder / f"{document.stem}-{number}{document.suffix}"
        if not target.exists():
            folder.mkdir(parents=True, exist_ok=True)
            remove_unfinished(folder)
            with document.open("rb") as content, atomic_file(target) as copy:
                shutil.copyfileobj(content, copy)
        return target
    return None


def _places(mind: Mind) -> Iterator[tuple[Path, str]]:
    """The folder that each pattern of the collections begins with, and the pattern."""
    for collection in mind.collections.values():
        for pattern in collection.path:
            parts = PurePosixPath(pattern).parts
            wild = next((index for index, part in enumerate(parts) if set(part) & set("*?[")), None)
            if wild is not None:
                yield mind.folder.joinpath(*parts[:wild]), pattern
