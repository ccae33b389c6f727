"""The sets of adapters that a mind has had, and the one it answers with.

The adapters in use lie where `mind.yaml` says. Every set that was in use lies in `versions/N/` as well, whole and never
changed again, and `candidate/` has what was trained over adapters in use and is not promoted yet
(`bot.authoring.promotion`). While one set takes another's place, `versions/promotion.json` says so: from its first
moment the mind answers with the new set, out of `versions/N/`, however far the folders in use have been exchanged.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from blake3 import blake3
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.minds.paths import PROMOTION_PATH
from consilium.files import write_atomically
from inference.adapters.errors import AdapterError
from inference.adapters.manifest import MANIFEST_FILE, Digest
from inference.adapters.package import WEIGHTS_FILE, AdapterPackage

if TYPE_CHECKING:
    from bot.minds.mind import Mind

VERSIONS_FOLDER: Final = "versions"
CANDIDATE_FOLDER: Final = "candidate"
VERSION_FILE: Final = "version.json"
RETRAIN_FILE: Final = "retrain.json"

ModelT = TypeVar("ModelT", bound=BaseModel)
Digests = Mapping[str, str]
"""The adapters of a set: digests of their weights (`AdapterPackage.digest`) by name."""


class Version(BaseModel):
    """`version.json`: one set of adapters that is, or was, in use."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    made: datetime
    """When it was put away here."""
    adapters: dict[str, Digest]
    """Digests of the adapters' weights, by name."""
    follows: int | None = None
    """The version that was in use when this one was promoted."""
    note: str = ""
    """What the operator wrote about it."""

    @property
    def digest(self) -> str:
        """`set_digest` of its adapters."""
        return set_digest(self.adapters)


class Promotion(BaseModel):
    """`promotion.json`: a version is taking its place; it is in use already."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    from_candidate: bool
    """Whether the candidate goes once it is done."""


def set_digest(adapters: Digests) -> str:
    """What a set of adapters is known by: the same for the same weights under the same names."""
    return blake3(json.dumps(sorted(adapters.items())).encode()).hexdigest(16)


def version_folder(mind_folder: Path, number: int) -> Path:
    """Where a version lies: a folder for each adapter, and `version.json`."""
    return mind_folder / VERSIONS_FOLDER / str(number)


def list_versions(mind_folder: Path) -> list[Version]:
    """The versions of a mind, the oldest first; without what cannot be read. Blocking."""
    folder = mind_folder / VERSIONS_FOLDER
    numbers = sorted(int(path.name) for path in folder.glob("[1-9]*") if path.name.isdecimal())
    found = (_read(version_folder(mind_folder, number) / VERSION_FILE, Version) for number in numbers)
    return [version for number, version in zip(numbers, found, strict=True) if version and version.number == number]


def find_version(mind_folder: Path, digest: str) -> Version | None:
    """The latest version with a set of this digest (`set_digest`). Blocking."""
    return next((each for each in reversed(list_versions(mind_folder)) if each.digest == digest), None)


def read_promotion(mind_folder: Path) -> Promotion | None:
    """The promotion that has begun and is not finished. Blocking."""
    return _read(mind_folder / PROMOTION_PATH, Promotion)


def live_folder(mind: Mind, name: str) -> Path:
    """Where the adapter lies that is in use now; blocking."""
    if promotion := read_promotion(mind.folder):
        folder = version_folder(mind.folder, promotion.number) / name
        if folder.is_dir():
            return folder
    return mind.adapters[name].path


def candidate_folder(mind: Mind, name: str) -> Path:
    """Where an adapter lies that was trained over one in use, until it is promoted."""
    return mind.folder / CANDIDATE_FOLDER / name


def candidate_folders(mind: Mind) -> dict[str, Path]:
    """The candidate's adapters: those trained for it, and those in use for the rest; none without one. Blocking."""
    trained = {name: candidate_folder(mind, name) for name in mind.adapters if candidate_folder(mind, name).is_dir()}
    if not trained:
        return {}
    live = {name: live_folder(mind, name) for name in mind.adapters}
    return {name: folder for name, folder in (live | trained).items() if folder.is_dir()}


def with_candidate(mind: Mind) -> Mind:
    """The mind as it would be with its candidate in use; blocking."""
    folders = candidate_folders(mind)
    adapters = {
        name: adapter.model_copy(update={"path": folders[name]}) if name in folders else adapter
        for name, adapter in mind.adapters.items()
    }
    return replace(mind, adapters=MappingProxyType(adapters))


def training_folder(mind: Mind, name: str) -> Path:
    """Where a newly trained adapter goes: into the candidate if one is in use, else into use at once. Blocking."""
    return candidate_folder(mind, name) if live_folder(mind, name).is_dir() else mind.adapters[name].path


def newest_folder(mind: Mind, name: str) -> Path:
    """Where the adapter lies that was trained last: the candidate's, else the one in use. Blocking."""
    candidate = candidate_folder(mind, name)
    return candidate if candidate.is_dir() else live_folder(mind, name)


def live_folders(mind: Mind) -> dict[str, Path]:
    """The folders of the adapters in use, of those that there are. Blocking."""
    folders = {name: live_folder(mind, name) for name in mind.adapters}
    return {name: folder for name, folder in folders.items() if folder.is_dir()}


def read_digests(folders: Mapping[str, Path]) -> dict[str, str]:
    """The digests of adapters, read from their weights; without those that cannot be used. Blocking."""
    digests = {}
    for name, folder in folders.items():
        try:
            package = AdapterPackage.open(folder)
            package.verify()
        except AdapterError:
            continue
        digests[name] = package.digest
    return digests


def mark_for_retraining(mind_folder: Path, name: str, digests: Collection[str]) -> None:
    """Remember that weights of an adapter were trained with words that have been removed since; blocking.

    Raises:
        OSError: it cannot be written.
    """
    marked = read_marked(mind_folder)
    marked[name] = sorted({*marked.get(name, ()), *digests})
    path = mind_folder / VERSIONS_FOLDER / RETRAIN_FILE
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, json.dumps(marked, indent=1, sort_keys=True) + "\n")


def read_marked(mind_folder: Path) -> dict[str, list[str]]:
    """Digests of weights that were trained with words that have been removed since, by adapter; blocking."""
    try:
        return dict(json.loads((mind_folder / VERSIONS_FOLDER / RETRAIN_FILE).read_bytes()))
    except (OSError, ValueError):
        return {}


def to_be_retrained(mind: Mind) -> list[str]:
    """The adapters in use that were trained with words that have been removed since; blocking."""
    marked = read_marked(mind.folder)
    live = read_digests(live_folders(mind)) if marked else {}
    return [name for name, digest in live.items() if digest in marked.get(name, ())]


def live_state(mind: Mind) -> tuple[object, ...]:
    """What changes when other adapters come into use. Cheap, blocking."""
    watched = [mind.folder / PROMOTION_PATH]
    for adapter in mind.adapters.values():
        watched += (adapter.path / WEIGHTS_FILE, adapter.path / MANIFEST_FILE)
    return tuple(map(_file_state, watched))


def _file_state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _read(path: Path, model: type[ModelT]) -> ModelT | None:
    """The document in a file; None where there is none, or none that can be read."""
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
