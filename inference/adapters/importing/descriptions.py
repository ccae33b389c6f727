"""Says in plain sentences what an import changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from inference.adapters.base_names import NameRelation, compare_base_names
from inference.adapters.errors import WrongBaseModel
from inference.adapters.files import read_json
from inference.adapters.importing.recipe import Recipe
from inference.adapters.importing.source import Source
from inference.adapters.manifest import AdapterManifest
from inference.adapters.package import AdapterPackage
from inference.adapters.plan import FUSED_MODULES
from inference.base_model import BaseModelSpec

MAX_NAME: Final = 120
"""Characters of a stranger's name that are repeated."""

_QUANTISED: Final = re.compile(r"bnb|[48][-_]?bit|gptq|awq|int[48]|fp8|nf4", re.IGNORECASE)


def describe_files(source: Source) -> Iterator[str]:
    """Say how its files were kept."""
    if source.is_pickle:
        yield "Its weights were a pickle; the numbers were read from it, and nothing in it was run."
    if len(source.weights) > 1:
        yield f"Its weights were in {len(source.weights)} files, and are in one now."
    if source.config.parent.name == "blobs":
        yield "Its files were links into a hub's cache, and are files of their own now."
    if source.manifest is not None:
        yield "Its manifest.json was for the weights as they were, and is left behind."


def describe_base(source: Source, recipe: Recipe, base: BaseModelSpec, base_is: str | None) -> Iterator[str]:
    """Say what the name of its base tells, now that its shapes are known to fit.

    Raises:
        WrongBaseModel: it, or who imports it, names another model.
    """
    named = recipe.base_name
    if source.manifest is not None:
        named = read_json(source.manifest.parent, source.manifest.name, AdapterManifest).base_model
    named = named[:MAX_NAME]
    if base_is and compare_base_names(base_is, base.name) in (NameRelation.OTHER, NameRelation.UNSURE):
        raise WrongBaseModel(source.folder, base_is, base.name, "that is what --base-is says")
    relation = compare_base_names(named, base.name)
    if relation is NameRelation.OTHER and not base_is:
        raise WrongBaseModel(source.folder, named, base.name, "it says so itself, though the shapes are alike")
    if relation is NameRelation.OTHER:
        yield (
            f"WARNING: it names “{named}” as its base. That is another model than “{base.name}” with layers of the "
            "same shapes; the adapter answers as it was trained only if the weights of both are the same."
        )
    elif named and relation is not NameRelation.SAME:
        yield f"It names “{named}” as its base, which tells no model; its shapes are those of “{base.name}”."
    elif named and named != base.name:
        yield f"It names “{named}” as its base, which is “{base.name}” under another name."
    if _QUANTISED.search(named) and not _QUANTISED.search(base.name):
        yield "It was trained on that model's quantised weights, and answers here with the whole ones."


def describe_form(package: AdapterPackage) -> Iterator[str]:
    """Say what composing it alone will change."""
    scales = sorted({pair.scale for pair in package.pairs()})
    if scales != [1.0]:
        shown = f"{scales[0]:g}" if len(scales) == 1 else f"{scales[0]:g} to {scales[-1]:g}"
        yield f"Its scale ({shown}) is folded into B."
    ranks = sorted({pair.rank for pair in package.pairs()})
    if len(ranks) > 1:
        yield f"Its ranks go from {ranks[0]} to {ranks[-1]}; zeros fill the smaller ones up, which changes nothing."
    for together in FUSED_MODULES:
        if any(0 < len(pairs.keys() & set(together)) < len(together) for pairs in package.layers.values()):
            yield f"Zeros stand where a layer adapts some of {', '.join(together)} alone; engines fuse them."
