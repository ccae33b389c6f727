"""Imports one adapter: its files are read, understood and checked, and what is composed of it alone is written.

Nothing of it is executed, and nothing is there at the destination before the whole of it is.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from safetensors.torch import save_file

from inference.adapters.base_names import NameRelation, compare_base_names
from inference.adapters.compatibility import check_compatible
from inference.adapters.compose import CompositionReport, compose
from inference.adapters.config import CONFIG_FILE
from inference.adapters.errors import (
    AdapterError,
    RankMismatch,
    TensorUnexpected,
    TensorUnpaired,
    WrongBaseModel,
    escape_unprintable,
)
from inference.adapters.files import read_json, translate_write_errors
from inference.adapters.importing.beside import BaseWeights, leave_out
from inference.adapters.importing.errors import DestinationTaken, NotConvertible
from inference.adapters.importing.names import Beside, FactorName, read_name
from inference.adapters.importing.recipe import Recipe, read_recipe
from inference.adapters.importing.source import Source, find_source
from inference.adapters.importing.weights import read_tensors, to_known_format
from inference.adapters.manifest import AdapterManifest
from inference.adapters.package import WEIGHTS_FILE, AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.plan import FUSED_MODULES
from inference.base_model import MODULE_PATHS, BaseModelSpec

if TYPE_CHECKING:
    import torch

_QUANTISED: Final = re.compile(r"bnb|[48][-_]?bit|gptq|awq|int[48]|fp8|nf4", re.IGNORECASE)
_MAX_NAME = 120

Pairs = dict[tuple[int, str], dict[str, "torch.Tensor"]]
"""The factors by layer and module; `A` is rank × inputs, `B` outputs × rank."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was imported."""

    folder: Path
    changes: tuple[str, ...]
    """What was changed or left out, a sentence each."""
    composition: CompositionReport


def import_adapter(
    path: Path,
    destination: Path,
    base: BaseModelSpec,
    *,
    base_folder: Path | None = None,
    lora_part_only: bool = False,
    base_is: str | None = None,
) -> ImportReport:
    """Write the adapter at `path`, which may be in any form that is known, to `destination` in the safe form; blocking.

    Args:
        base: the model it is to be used with.
        base_folder: where the base's weights are, to see whether whole modules beside the LoRA were trained at all.
        lora_part_only: leave out what was trained beside the LoRA of the layers.
        base_is: the name of the base model it was trained on, in the words of who knows it; it overrules the files.

    Raises:
        SourceUnusable, PackageUnreadable, PathOutsideFolder, DocumentInvalid, WeightsDamaged: it cannot be read.
        SettingUnknown, AdapterUnsupported, NotConvertible, MoreThanLora: it is more than can be composed.
        TensorUnexpected, TensorUnpaired, RankMismatch, WeightsNotFinite, WeightsOverflow: it is not sound.
        WrongBaseModel: it is for another base.
        DestinationTaken, DiskFull, WriteFailed: it cannot be written there.
    """
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise DestinationTaken(destination)
    source = find_source(path)
    recipe = read_recipe(source, lora_part_only=lora_part_only)
    changes = [*_describe_files(source), *recipe.changes]
    scales: dict[tuple[int, str], float] = {}
    pairs, beside = _sort_tensors(source, recipe, scales)
    changes += leave_out(source, beside, BaseWeights(base_folder), lora_part_only=lora_part_only)
    if not pairs:
        raise NotConvertible(source.folder, "it holds no LoRA of a linear module in a layer")
    staging = destination.with_name(f".{destination.name}.importing-{secrets.token_hex(4)}")
    with translate_write_errors(staging, 0):
        (staging / "plain").mkdir(parents=True)
    try:
        with _naming({staging / "plain": source.folder, staging / "safe": destination}):
            _write_plain(staging / "plain", base, pairs, scales)
            package = AdapterPackage.open(staging / "plain")
            _check(source, recipe, package, base)
            changes += _describe_base(source, recipe, base, base_is)
            changes += _describe_form(package)
            report = compose([Part(package)], base, staging / "safe")
        with translate_write_errors(destination, report.size):
            (staging / "safe").replace(destination)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return ImportReport(destination, tuple(map(escape_unprintable, changes)), report)


@contextmanager
def _naming(folders: Mapping[Path, Path]) -> Iterator[None]:
    """Have errors name the folders that people know, instead of those used on the way."""
    try:
        yield
    except AdapterError as error:
        for name, value in error.details.items():
            if isinstance(value, str | Path):
                text = str(value)
                for used, known in folders.items():
                    text = text.replace(str(used), str(known))
                error.details[name] = text
        raise


def _describe_files(source: Source) -> Iterator[str]:
    if source.is_pickle:
        yield "Its weights were a pickle; the numbers were read from it, and nothing in it was run."
    if len(source.weights) > 1:
        yield f"Its weights were in {len(source.weights)} files, and are in one now."
    if source.config.parent.name == "blobs":
        yield "Its files were links into a hub's cache, and are files of their own now."
    if source.manifest is not None:
        yield "Its manifest.json was for the weights as they were, and is left behind."


def _sort_tensors(
    source: Source, recipe: Recipe, scales: dict[tuple[int, str], float]
) -> tuple[Pairs, Mapping[Beside, Mapping[str, torch.Tensor]]]:
    """The factors, and everything else by kind. `scales` gets what each product is multiplied by."""
    pairs: Pairs = defaultdict(dict)
    paths: dict[tuple[int, str], str] = {}
    adapters: set[str] = set()
    beside: dict[Beside, dict[str, torch.Tensor]] = defaultdict(dict)
    for name, tensor in read_tensors(source).items():
        read = read_name(name, mlx=recipe.is_mlx)
        if not isinstance(read, FactorName):
            beside[read.kind][read.key] = tensor
            continue
        place = read.layer, read.module
        if read.factor in pairs[place]:
            raise TensorUnexpected(source.weights[0], name[:_MAX_NAME], "is there twice, under two names")
        if not recipe.targets(read.path, read.layer):
            raise TensorUnexpected(
                source.weights[0], name[:_MAX_NAME], "is of a module its adapter_config.json does not adapt"
            )
        pairs[place][read.factor] = _as_factor(source, name, tensor, transposed=recipe.is_mlx)
        paths[place] = read.path
        adapters.add(read.adapter)
    if len(adapters) > 1:
        raise NotConvertible(source.folder, f"it holds {len(adapters)} adapters in one file; save them apart")
    for place, path in paths.items():
        _check_pair(source, recipe, path, pairs[place])
        scales[place] = recipe.scale_of(path)
    return pairs, beside


def _as_factor(source: Source, name: str, tensor: torch.Tensor, *, transposed: bool) -> torch.Tensor:
    if tensor.dim() != 2 or not tensor.numel():
        raise NotConvertible(
            source.folder,
            f"“{name[:_MAX_NAME]}” has the shape {tuple(tensor.shape)}: it is of experts, or was saved from DeepSpeed "
            "ZeRO-3 or FSDP before its parts were gathered",
        )
    tensor = to_known_format(source, name, tensor)
    return (tensor.T if transposed else tensor).contiguous()


def _check_pair(source: Source, recipe: Recipe, path: str, pair: Mapping[str, torch.Tensor]) -> None:
    file = source.weights[0]
    if len(pair) < 2:
        (there,) = pair
        missing = {"A": "B", "B": "A"}[there]
        raise TensorUnpaired(file, f"{path}.lora_{there}", f"{path}.lora_{missing}")
    rank = pair["A"].shape[0]
    if rank != pair["B"].shape[1]:
        raise RankMismatch(file, path, rank, "its other factor", pair["B"].shape[1])
    if rank != recipe.rank_of(path):
        raise RankMismatch(file, path, rank, "adapter_config.json", recipe.rank_of(path))


def _write_plain(folder: Path, base: BaseModelSpec, pairs: Pairs, scales: Mapping[tuple[int, str], float]) -> None:
    """Write the adapter as PEFT would, with nothing in it but factors and their ranks and scales."""
    tensors, ranks, alphas = {}, {}, {}
    for (layer, module), pair in pairs.items():
        path = f"{base.prefix}.{layer}.{MODULE_PATHS[module]}"
        ranks[path] = pair["A"].shape[0]
        alphas[path] = scales[layer, module] * ranks[path]
        for factor, tensor in pair.items():
            tensors[f"base_model.model.{path}.lora_{factor}.weight"] = tensor
    rank = Counter(ranks.values()).most_common(1)[0][0]
    alpha = Counter(alphas.values()).most_common(1)[0][0]
    settings = {
        "peft_type": "LORA",
        "base_model_name_or_path": base.name,
        "r": rank,
        "lora_alpha": alpha,
        "rank_pattern": {re.escape(path): own for path, own in ranks.items() if own != rank},
        "alpha_pattern": {re.escape(path): own for path, own in alphas.items() if own != alpha},
    }
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    with translate_write_errors(folder, size):
        (folder / CONFIG_FILE).write_text(json.dumps(settings))
        save_file(tensors, folder / WEIGHTS_FILE)


def _check(source: Source, recipe: Recipe, package: AdapterPackage, base: BaseModelSpec) -> None:
    """Check shapes, layers and numbers against the base; whatever is wrong is told of the source."""
    try:
        check_compatible(package, base)
    except WrongBaseModel as error:
        raise WrongBaseModel(
            source.folder, recipe.base_name[:_MAX_NAME] or "?", base.name, str(error.details["difference"])
        ) from error
    last = max(package.layers)
    if recipe.adapts_every_layer and last + 1 < base.layers and len(package.layers) == last + 1 and not base.partial:
        difference = f"it adapts layers 0 to {last} as if there were no more, and the model's last is {base.layers - 1}"
        raise WrongBaseModel(source.folder, recipe.base_name[:_MAX_NAME] or "?", base.name, difference)


def _describe_base(source: Source, recipe: Recipe, base: BaseModelSpec, base_is: str | None) -> Iterator[str]:
    """Say what the name of its base tells, now that its shapes are known to fit.

    Raises:
        WrongBaseModel: it, or who imports it, names another model.
    """
    named = recipe.base_name
    if source.manifest is not None:
        named = read_json(source.manifest.parent, source.manifest.name, AdapterManifest).base_model
    named = named[:_MAX_NAME]
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


def _describe_form(package: AdapterPackage) -> Iterator[str]:
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
