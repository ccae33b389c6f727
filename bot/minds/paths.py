"""Paths and patterns inside a mind's folder, and the refusal of those that lead out of it."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

_GLOB_CHARACTER = re.compile(r"[*?\[]")


def matching_files(folder: Path, pattern: str) -> list[Path]:
    """The files under `folder` that a checked `pattern` names, sorted; links that lead out are passed over."""
    try:
        found = [path for path in folder.glob(pattern) if path.is_file()]
    except (OSError, ValueError):
        return []
    return sorted(path for path in found if is_inside(path, folder))


def _validate_file(value: Any, info: ValidationInfo) -> Path:
    path = _resolve_inside(value, info)
    if not _exists(path, "file"):
        raise PydanticCustomError("no_file", "no such file", {"written": value})
    return path


def _validate_adapter_folder(value: Any, info: ValidationInfo) -> Path:
    path = _resolve_inside(value, info)
    if (info.context or {})["trained"] and not _exists(path, "folder"):
        raise PydanticCustomError("no_adapter", "no such folder", {"written": value})
    return path


def _validate_patterns(value: Any, info: ValidationInfo) -> tuple[str, ...]:
    patterns = [value] if isinstance(value, str) else value
    if not isinstance(patterns, list) or not patterns:
        raise PydanticCustomError("no_text", "a path is needed")
    for pattern in patterns:
        path = _resolve_inside(pattern, info)
        if not matching_files(_mind_folder(info), pattern) and not _is_empty_folder(path.parent):
            raise PydanticCustomError("no_match", "matches no file", {"written": pattern})
    return tuple(patterns)


def _resolve_inside(value: Any, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value.strip():
        raise PydanticCustomError("no_text", "a path is needed")
    relative = PurePosixPath(value)
    odd = "\\" in value or any(unicodedata.category(c) == "Cc" for c in value)
    if odd or relative.is_absolute() or PureWindowsPath(value).drive or ".." in relative.parts or not relative.parts:
        raise PydanticCustomError("outside", "leads out of the mind", {"written": value})
    folder = _mind_folder(info)
    fixed = next((i for i, part in enumerate(relative.parts) if _GLOB_CHARACTER.search(part)), len(relative.parts))
    if not is_inside(folder.joinpath(*relative.parts[:fixed]), folder):
        raise PydanticCustomError("outside", "leads out of the mind", {"written": value})
    return folder / relative


def is_inside(path: Path, folder: Path) -> bool:
    """Whether `path`, links followed, stays under `folder`."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links in a circle
        return False


def _exists(path: Path, kind: str) -> bool:
    try:
        return path.is_file() if kind == "file" else path.is_dir()
    except OSError:  # a name too long for the file system
        return False


def _is_empty_folder(folder: Path) -> bool:
    """Whether it is a folder with no file in it, as when the last of a collection has been deleted."""
    try:
        return folder.is_dir() and not any(path.is_file() for path in folder.iterdir())
    except OSError:
        return False


def _mind_folder(info: ValidationInfo) -> Path:
    folder: Path = (info.context or {})["folder"]
    return folder


MindFile = Annotated[Path, PlainValidator(_validate_file)]
"""A file of the mind that is there; read from text, relative to the mind's folder."""
AdapterFolder = Annotated[Path, PlainValidator(_validate_adapter_folder)]
"""An adapter's folder in the mind; there already, unless the mind is read in order to train it."""
Patterns = Annotated[tuple[str, ...], BeforeValidator(_validate_patterns)]
"""One path or pattern or a list of them, relative to the mind's folder; each matches a file, or a folder is empty."""
