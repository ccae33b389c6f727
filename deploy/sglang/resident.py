"""The adapters a server starts with: those the service found hot, in its list beside the compositions.

Adapters of the start have the same ids after each restart, and the prefix cache is keyed by id. But SGLang ends when
it cannot load one of them, and an adapter of another shape ends it at its first use. So a list that is broken, old or
made for another server costs what is wrong in it and nothing else: each is left out with a sentence.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIST_FILE = "resident.json"
NAME = r"^c-[0-9a-f]{32}$"


class Entry(BaseModel):
    """One composition of the list."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    name: Annotated[str, Field(pattern=NAME)]
    pinned: bool = False


class ResidentList(BaseModel):
    """`resident.json`: the compositions a server should start with, the hottest first."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    format: Literal[1]
    resident: list[Entry]


class AdapterConfig(BaseModel):
    """The part of `adapter_config.json` that the server sizes its slots by."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    rank: Annotated[int, Field(alias="r", gt=0)]
    modules: Annotated[frozenset[str], Field(alias="target_modules")]


class Tensor(BaseModel):
    """One entry of a safetensors header."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    shape: list[int]
    data_offsets: tuple[int, int]


TENSORS = TypeAdapter(dict[str, Tensor])
MOST_HEADER = 100_000_000
"""Bytes; safetensors' own limit."""
READS_HIDDEN_STATE = re.compile(r"\.(?:q_proj|k_proj|v_proj|gate_proj|up_proj)\.lora_A\.weight\Z")


@dataclass(frozen=True, slots=True)
class Room:
    """What the server will be able to take."""

    loaded: int | None
    """Adapters in memory; None for no limit."""
    pinned: int
    """Adapters that may keep their slot."""
    rank: int | None
    modules: frozenset[str] | None
    """None when the server takes whatever its adapters need."""
    hidden_size: int | None
    """Width of the base model; None when its configuration is not at hand."""


@dataclass(frozen=True, slots=True)
class Resident:
    """An adapter to start with, as `--lora-paths` takes it."""

    lora_name: str
    lora_path: str
    """Absolute: with the name it makes the adapter's id."""
    pinned: bool


@dataclass(frozen=True, slots=True)
class Residents:
    """What came of a list."""

    adapters: list[Resident]
    """The hottest first."""
    notes: list[str]
    """A sentence for each thing that was left out."""


def residents(compositions: Path, room: Room) -> Residents:
    """Read the list in a folder of compositions; never raises for what is in it."""
    file = compositions / LIST_FILE
    try:
        listed = ResidentList.model_validate_json(file.read_bytes()).resident
    except FileNotFoundError:
        return Residents([], [])
    except (OSError, ValidationError) as error:
        return Residents([], [f"Starting without adapters: {file} cannot be used: {_reason(error)}."])
    found = Residents([], [])
    for entry, folder in _each_once(compositions, listed):
        if problem := _problem(folder, room):
            found.notes.append(f"Starting without {entry.name}: {problem}.")
        elif room.loaded is not None and len(found.adapters) >= room.loaded:
            found.notes.append(f"Starting without {entry.name}: there is room for {room.loaded} adapters.")
        else:
            pinned = entry.pinned and sum(adapter.pinned for adapter in found.adapters) < room.pinned
            if entry.pinned and not pinned:
                found.notes.append(f"Starting with {entry.name} unpinned: {room.pinned} adapters can be pinned.")
            found.adapters.append(Resident(entry.name, str(folder), pinned))
    return found


def _each_once(compositions: Path, listed: list[Entry]) -> Iterator[tuple[Entry, Path]]:
    seen: set[str] = set()
    for entry in listed:
        if entry.name not in seen:
            seen.add(entry.name)
            yield entry, compositions.absolute() / entry.name


def _problem(folder: Path, room: Room) -> str | None:
    """Why the server would not start, or not live, with this adapter; None when nothing is wrong."""
    if folder.is_symlink() or not folder.is_dir():
        return "it is not there"
    try:
        config = AdapterConfig.model_validate_json((folder / "adapter_config.json").read_bytes())
        width = _width(folder / "adapter_model.safetensors")
    except (OSError, ValueError) as error:
        return f"it is not whole ({_reason(error)})"
    if room.rank is not None and config.rank > room.rank:
        return f"its rank is {config.rank}, and the server takes {room.rank}"
    if room.modules is not None and (beyond := sorted(config.modules - room.modules)):
        return f"it adapts {', '.join(beyond)}, which the server does not take"
    if room.hidden_size is not None and width not in (None, room.hidden_size):
        return f"it was made for another base model ({width} wide, not {room.hidden_size})"
    return None


def _width(file: Path) -> int | None:
    """Width of the base model an adapter was made for; None when it adapts no projection that tells.

    Raises:
        ValueError: the file is cut off or no safetensors file.
    """
    size = file.stat().st_size
    with file.open("rb") as weights:
        length = int.from_bytes(weights.read(8), "little")
        if not 2 <= length <= min(size - 8, MOST_HEADER):
            raise ValueError("its weights have no header")
        header = json.loads(weights.read(length))
    if isinstance(header, dict):
        header.pop("__metadata__", None)
    tensors = TENSORS.validate_python(header)
    if 8 + length + max((tensor.data_offsets[1] for tensor in tensors.values()), default=0) != size:
        raise ValueError("its weights are cut off")
    return next((t.shape[-1] for name, t in tensors.items() if t.shape and READS_HIDDEN_STATE.search(name)), None)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
    return getattr(error, "strerror", None) or str(error)
