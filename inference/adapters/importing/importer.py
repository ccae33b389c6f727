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
from typing import TYPE_CHECKING

from safetensors.torch import save_file

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
from inference.adapters.files import translate_write_errors
from inference.adapters.importing.beside import BaseWeights, leave_out
from inference.adapters.importing.descriptions import MAX_NAME, describe_base, describe_files, describe_form
from inference.adapters.importing.errors import DestinationTaken, NotConvertible
from inference.adapters.importing.names import Beside, FactorName, read_name
from inference.adapters.importing.recipe import Recipe, read_recipe
from inference.adapters.importing.source import Source, find_source
from inference.adapters.importing.weights import read_tensors, to_known_format
from inference.adapters.package import WEIGHTS_FILE, AdapterPackage
from inference.adapters.parts import Part
from inference.base_model import MODULE_PATHS, BaseModelSpec

if TYPE_CHECKING:
    import torch


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
    changes = [*describe_files(source), *recipe.changes]
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
            changes += describe_base(source, recipe, base, base_is)
            changes += describe_form(package)
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
            raise TensorUnexpected(source.weights[0], name[:MAX_NAME], "is there twice, under two names")
        if not recipe.targets(read.path, read.layer):
            raise TensorUnexpected(
                source.weights[0], name[:MAX_NAME], "is of a module its adapter_config.json does not adapt"
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
            f"“{name[:MAX_NAME]}” has the shape {tuple(tensor.shape)}: it is of experts, or was saved from DeepSpeed "
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
            source.folder, recipe.base_name[:MAX_NAME] or "?", base.name, str(error.details["difference"])
        ) from error
    last = max(package.layers)
    if recipe.adapts_every_layer and last + 1 < base.layers and len(package.layers) == last + 1 and not base.partial:
        difference = f"it adapts layers 0 to {last} as if there were no more, and the model's last is {base.layers - 1}"
        raise WrongBaseModel(source.folder, recipe.base_name[:MAX_NAME] or "?", base.name, difference)
