"""Changes the YAML files of a mind as a careful person would: comments, order and all other lines stay."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from bot.minds.load import MIND_FILE, RAG_FILE
from consilium.files import write_atomically
from inference.adapters.manifest import AdapterKind

_WIDTH: Final = 1000
"""Characters after which the writer would break a line: never."""
Change = Callable[[CommentedMap], None]


def edit_mind(folder: Path, change: Change) -> bool:
    """Change `mind.yaml`; blocking. Returns whether the file is another one now."""
    return _edit(folder / MIND_FILE, change)


def set_values(values: Mapping[str, Any]) -> Change:
    """A change that sets keys at the top; None takes one out. Of a mapping that is there, only the keys that are given.

    A key that is new comes after the one that is given before it.
    """

    def change(root: CommentedMap) -> None:
        before = ""
        for key, value in values.items():
            if value is None:
                root.pop(key, None)
                continue
            if isinstance(root.get(key), CommentedMap) and isinstance(value, Mapping):
                set_values(value)(root[key])
            elif key in root or before not in root:
                root[key] = _in_one_line(value)
            else:
                root.insert(list(root).index(before) + 1, key, _in_one_line(value))
            before = key

    return change


def set_dialogues(adapter: str, dialogues: str, heldout: str | None) -> Change:
    """A change that names the dialogues of an adapter."""

    def change(root: CommentedMap) -> None:
        section = root["adapters"][adapter]
        section["dialogues"] = dialogues
        if heldout is None:
            section.pop("heldout", None)
        elif "heldout" in section:
            section["heldout"] = heldout
        else:
            # In front of the other: a comment that ends the section stands behind its last line.
            section.insert(list(section).index("dialogues"), "heldout", heldout)

    return change


def put_topic(name: str, *, aliases: Sequence[str], description: Mapping[str, str], files: Sequence[str]) -> Change:
    """A change that adds a topic adapter, or gives one that is there its dialogues.

    Args:
        files: the dialogues to train on, and those to measure with if there are any.
    """

    def change(root: CommentedMap) -> None:
        adapters = root["adapters"]
        if name not in adapters:
            section = CommentedMap(kind=str(AdapterKind.TOPIC), path=f"adapters/{name}")
            if aliases:
                section["aliases"] = _in_one_line(list(aliases))
            section["description"] = _in_one_line(dict(description))
            adapters[name] = section
        set_dialogues(name, files[0], files[1] if len(files) > 1 else None)(root)

    return change


def put_mode(name: str, mode: str, curves: Mapping[str, Sequence[float]]) -> Change:
    """A change that adds a named mode with curves, or gives one that is there its curves."""

    def change(root: CommentedMap) -> None:
        modes = root.setdefault("modes", CommentedMap())
        section = modes.setdefault(name, CommentedMap(mode=mode))
        section["curves"] = _in_one_line({adapter: list(points) for adapter, points in curves.items()})

    return change


def remove_adapters(names: Iterable[str]) -> Change:
    """A change that takes adapters out."""

    def change(root: CommentedMap) -> None:
        for name in names:
            root["adapters"].pop(name, None)

    return change


def ensure_collection(folder: Path, name: str, file: str, *, kind: str, languages: Sequence[str]) -> bool:
    """See to it that a collection of `rag_config.yaml` takes a file; blocking.

    Args:
        name: of the collection that is added if none takes it; another one if this is in use.
        file: a path within the mind; what is added takes all files of its folder with its suffix.

    Returns:
        Whether a collection was added.
    """
    path = PurePosixPath(file)
    added = False

    def change(root: CommentedMap) -> None:
        nonlocal added
        collections = root.get("collections")
        if not isinstance(collections, CommentedMap):
            collections = root["collections"] = CommentedMap()
        if any(_takes(collection, path) for collection in collections.values()):
            return
        # An empty mapping is written as `{}`, and would go on in that line.
        collections.fa.set_block_style()
        free = name
        while free in collections:
            free += "-2"
        section = CommentedMap(kind=str(kind), path=str(path.with_name(f"*{path.suffix}")))
        section["language"] = _in_one_line(list(languages))
        collections[free] = section
        added = True

    _edit(folder / RAG_FILE, change)
    return added


def _takes(collection: Mapping[str, Any], file: PurePosixPath) -> bool:
    patterns = collection.get("path") or ()
    return any(file.match(pattern) for pattern in ([patterns] if isinstance(patterns, str) else patterns))


def _edit(path: Path, change: Change) -> bool:
    before = path.read_text("utf-8")
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    root = yaml.load(before)
    change(root)
    stream = io.StringIO()
    yaml.dump(root, stream)
    if stream.getvalue() == before:
        return False
    write_atomically(path, stream.getvalue())
    return True


def _in_one_line(value: Any) -> Any:
    """A value that is written as `[a, b]` or `{a: b}`."""
    if isinstance(value, dict):
        made = CommentedMap(value)
        made.fa.set_flow_style()
        return made
    if isinstance(value, list | tuple):
        items = CommentedSeq(value)
        items.fa.set_flow_style()
        return items
    return value
