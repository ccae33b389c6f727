"""The sets of adapters that a service answers with: the one in use, and earlier ones for sessions in progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.minds.versions import find_version, live_folders, live_state, set_digest, version_folder
from inference.adapters.compatibility import check_compatible
from inference.adapters.errors import AdapterError
from inference.adapters.manifest import AdapterManifest
from inference.adapters.package import AdapterPackage

if TYPE_CHECKING:
    from pathlib import Path

    from bot.minds.mind import Mind
    from inference.base_model import BaseModelSpec

_READINGS: Final = 5
"""How often a set is read that is exchanged meanwhile."""


@dataclass(frozen=True, slots=True)
class AdapterSet:
    """The adapters of a mind as they were opened together."""

    packages: Mapping[str, AdapterPackage]
    """By name."""
    manifests: Mapping[str, AdapterManifest]
    """By name."""
    unfit: Mapping[str, AdapterError]
    """Why an adapter of the mind is out of service, by its name."""

    @property
    def digest(self) -> str:
        """What the set is known by (`bot.minds.versions.set_digest`)."""
        return set_digest({name: package.digest for name, package in self.packages.items()})


def open_live_set(mind: Mind, base: BaseModelSpec | None) -> tuple[AdapterSet, tuple[object, ...]]:
    """The adapters in use, and the state of their files (`live_state`); blocking.

    Args:
        base: None to leave out whether they fit it.
    """
    for _ in range(_READINGS):
        before = live_state(mind)
        adapters = open_set(mind, base, live_folders(mind))
        if live_state(mind) == before:
            break
    return adapters, before


def open_earlier_set(mind: Mind, base: BaseModelSpec, digest: str, live: AdapterSet) -> AdapterSet | None:
    """A set that was in use before, from the mind's versions; None if it is not there, or not whole. Blocking.

    Args:
        live: the set in use; adapters that the earlier one does not have are taken from it.
    """
    version = find_version(mind.folder, digest)
    if version is None:
        return None
    folder = version_folder(mind.folder, version.number)
    earlier = open_set(mind, base, {name: folder / name for name in version.adapters if name in mind.adapters})
    if earlier.digest != digest:
        return None
    return AdapterSet(
        {**live.packages, **earlier.packages},
        {**live.manifests, **earlier.manifests},
        {name: error for name, error in live.unfit.items() if name not in earlier.packages},
    )


def open_set(mind: Mind, base: BaseModelSpec | None, folders: Mapping[str, Path]) -> AdapterSet:
    """The adapters of a mind from these folders, by name; one without a folder here is looked for in its own. Blocking.

    One that is damaged or made for another base is out of service, alone; `AdapterSet.unfit` says why.

    Args:
        base: None to leave out whether they fit it.
    """
    packages: dict[str, AdapterPackage] = {}
    unfit: dict[str, AdapterError] = {}
    for name in mind.adapters:
        try:
            package = AdapterPackage.open(folders.get(name, mind.adapters[name].path))
            if base is None:
                package.verify()
            else:
                check_compatible(package, base)
        except AdapterError as error:
            unfit[name] = error
        else:
            packages[name] = package
    base_name = mind.base_model if base is None else base.name
    # An adapter trained elsewhere has no manifest; what is needed of it is known from the mind.
    manifests = {
        name: package.manifest
        or AdapterManifest(name=name, kind=mind.adapters[name].kind, base_model=base_name, digest=package.digest)
        for name, package in packages.items()
    }
    return AdapterSet(packages, manifests, unfit)
