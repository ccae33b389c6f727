"""`manifest.json`: what training knows of an adapter and the weights alone do not tell."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from inference.adapters.files import read_json, write_json

MANIFEST_FILE = "manifest.json"

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,64}$")]


class AdapterKind(StrEnum):
    """How an adapter goes together with others."""

    CORE = "core"
    """How the author thinks whatever the subject; always with the others."""
    TOPIC = "topic"
    """One subject; adds to the core."""
    ISOLATED = "isolated"
    """Stands alone, never with the core."""


class AdapterManifest(BaseModel):
    """Written by training beside the weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    name: Name
    kind: AdapterKind
    base_model: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """Name of the base model the adapter was trained on."""
    trained_on: Digest | None = None
    """Digest of the core that was active, frozen, while this adapter was trained; None when it was trained alone."""
    digest: Digest
    """`AdapterPackage.digest` of the weights beside this file."""
    recipe: dict[str, Any] = Field(default_factory=dict)
    """What the training was asked to do; enough to do it again."""
    figures: dict[str, float] = Field(default_factory=dict)
    """What came of it: losses by name."""


def read_manifest(folder: Path) -> AdapterManifest:
    """Read the manifest of the adapter in `folder`.

    Raises:
        PackageUnreadable, PathOutsideFolder, DocumentInvalid: there is none, or it is not one.
    """
    return read_json(folder, MANIFEST_FILE, AdapterManifest)


def find_manifest(folder: Path) -> AdapterManifest | None:
    """As `read_manifest`, but None when the folder has no manifest: an adapter trained elsewhere."""
    return read_manifest(folder) if os.path.lexists(folder / MANIFEST_FILE) else None


def write_manifest(folder: Path, manifest: AdapterManifest) -> None:
    """Write the manifest into `folder`, whole or not at all.

    Raises:
        DiskFull, WriteFailed: the manifest that was there is as it was.
    """
    write_json(folder / MANIFEST_FILE, manifest)
