"""Paths and patterns inside a mind's folder. A path that leads out of the folder is an error."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainValidator, ValidationInfo
from pydantic_core import PydanticKnownError

from bot.minds.errors import InvalidValue, safe_excerpt
from consilium.errors import N_

PROMOTION_PATH: Final = PurePosixPath("versions/promotion.json")
"""Within a mind's folder: it is there while one set of adapters takes another's place (`bot.minds.versions`)."""
_GLOB_CHARACTER = re.compile(r"[*?\[]")


def matching_files(folder: Path, pattern: str) -> list[Path]:
    """The files under `folder` that a checked `pattern` matches, sorted; links to files outside are left out."""
    try:
        files = [path for path in folder.glob(pattern) if path.is_file()]
    except (OSError, ValueError):
        return []
    return sorted(path for path in files if is_inside(path, folder))


def is_inside(path: Path, folder: Path) -> bool:
    """Whether `path`, with links followed, is under `folder`."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a cycle of links
        return False


def _validate_file(value: Any, info: ValidationInfo) -> Path:
    path = _resolve_inside(value, info)
    if not _exists(path, "file"):
        raise InvalidValue(
            N_("there is no file {written}."),
            N_("Create it, or correct the path at “{place}”."),
            written=safe_excerpt(value),
        )
    return path


def _validate_adapter_folder(value: Any, info: ValidationInfo) -> Path:
    path = _resolve_inside(value, info)
    if (info.context or {})["require_adapters"] and not (_exists(path, "folder") or _is_promoting(info)):
        raise InvalidValue(
            N_("there is no adapter in {written}."),
            N_("Train it with `consilium train`, or correct the path at “{place}”."),
            written=safe_excerpt(value),
        )
    return path


def _validate_patterns(value: Any, info: ValidationInfo) -> tuple[str, ...]:
    patterns = [value] if isinstance(value, str) else value
    if not isinstance(patterns, list) or not patterns:
        raise PydanticKnownError("string_type")
    for pattern in patterns:
        path = _resolve_inside(pattern, info)
        if not matching_files(_mind_folder(info), pattern) and not _is_empty_folder(path.parent):
            raise InvalidValue(
                N_("no file matches {written}."),
                N_("Add one, or correct the pattern at “{place}”."),
                written=safe_excerpt(pattern),
            )
    return tuple(patterns)


def _resolve_inside(value: Any, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value.strip():
        raise PydanticKnownError("string_type")
    folder = _mind_folder(info)
    relative = PurePosixPath(value)
    fixed = next((i for i, part in enumerate(relative.parts) if _GLOB_CHARACTER.search(part)), len(relative.parts))
    if not _is_relative(value, relative) or not is_inside(folder.joinpath(*relative.parts[:fixed]), folder):
        raise InvalidValue(
            N_("{written} does not stay inside the mind's folder."),
            N_("Write a path relative to that folder, with “/” and without “..”."),
            written=safe_excerpt(value),
        )
    return folder / relative


def _is_relative(value: str, path: PurePosixPath) -> bool:
    """Whether it is a relative path on every system, without `..` and control characters."""
    if "\\" in value or any(unicodedata.category(c) == "Cc" for c in value):
        return False
    return bool(path.parts) and not path.is_absolute() and not PureWindowsPath(value).drive and ".." not in path.parts


def _exists(path: Path, kind: str) -> bool:
    try:
        return path.is_file() if kind == "file" else path.is_dir()
    except OSError:  # a name too long for the file system
        return False


def _is_promoting(info: ValidationInfo) -> bool:
    """Whether a version is taking its place: its adapters are in use wherever the folders are on their way."""
    return _exists(_mind_folder(info) / PROMOTION_PATH, "file")


def _is_empty_folder(folder: Path) -> bool:
    """Whether it is a folder without files: the last document of a collection may have been deleted."""
    try:
        return folder.is_dir() and not any(path.is_file() for path in folder.iterdir())
    except OSError:
        return False


def _mind_folder(info: ValidationInfo) -> Path:
    folder: Path = (info.context or {})["folder"]
    return folder


MindFile = Annotated[Path, PlainValidator(_validate_file, json_schema_input_type=str)]
"""An existing file of the mind, written relative to the mind's folder."""
AdapterFolder = Annotated[Path, PlainValidator(_validate_adapter_folder, json_schema_input_type=str)]
"""An adapter's folder, written relative to the mind's folder. It must exist, unless the mind is loaded to train it."""
Patterns = Annotated[tuple[str, ...], BeforeValidator(_validate_patterns, json_schema_input_type=str | list[str])]
"""A path or pattern, or a list of them, relative to the mind's folder. Each matches a file, or its folder is empty."""
