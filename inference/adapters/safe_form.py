"""Whether a package may be given to a server: it is in the safe form, and nothing in its folder can be misread.

A server believes its adapters. SGLang 0.5.23 takes a second file of weights without a word and falls back to a pickle;
takes the folder's path for a pattern; ignores rsLoRA and patterns of ranks, excluded modules and chosen layers; and
ends for everyone at the first use of an adapter that has q, k and v or gate and up in part, or factors that do not
fit its buffers. So a package is refused unless it is what `compose` writes.
"""

from __future__ import annotations

import glob
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pydantic
from safetensors import SafetensorError, safe_open

from inference.adapters.compatibility import MAX_FACTOR_NORM, check_compatible
from inference.adapters.composition import RECORD_FILE, CompositionRecord
from inference.adapters.config import CONFIG_FILE, safe_form_config
from inference.adapters.errors import NotSafeForm, PackageUnreadable, WeightsOverflow
from inference.adapters.factors import inner_product
from inference.adapters.files import read_json
from inference.adapters.package import WEIGHTS_FILE, AdapterPackage, FactorPair
from inference.adapters.plan import FUSED_MODULES
from inference.adapters.tensors import TensorReader
from inference.base_model import MODULE_PATHS, BaseModelSpec

_ALLOWED_FILES: Final = (CONFIG_FILE, WEIGHTS_FILE, RECORD_FILE)
_OPTIONAL_SETTINGS: Final = frozenset(
    {"task_type", "base_model_name_or_path", "bias", "inference_mode", "init_lora_weights"}
)
"""Settings that may be left out although the safe form has a value for them: that is how they are read without it."""

_ROUNDING_TOLERANCE = 1 + 1e-6
_ZERO_TOLERANCE = 1e-12


class _RawSettings(pydantic.RootModel[dict[str, Any]]):
    """A configuration as it was written, before anything is made of it."""


@dataclass(frozen=True, slots=True)
class SafeAdapter:
    """What a server is about to be given."""

    rank: int
    """Of every module."""
    modules: frozenset[str]
    """Modules adapted in some layer."""
    layers: tuple[int, ...]
    digest: str
    """`AdapterPackage.digest`."""
    size: int
    """Bytes of the weights file."""
    is_zero: bool
    """Every delta is zero: answers with it are those of the base."""


def check_safe_form(folder: Path, base: BaseModelSpec) -> SafeAdapter:
    """Check, from the files a server will read, that the package in `folder` is sound, fits and is in the safe form.

    Blocking: every number is read once, and those of absurdly large adapters twice.

    Raises:
        NotSafeForm, WeightsOverflow: a server could misread it, or die of it.
        AdapterError: it is not sound, or not for `base` (`AdapterPackage.open`, `fit.check`).
    """
    _check_path(folder)
    package = AdapterPackage.open(folder)
    _check_files(folder)
    _check_layers(package)
    # Shapes are compared before numbers are read, so a file is never read that is larger than the base asks for.
    check_compatible(package, base)
    _check_settings(package, base)
    _check_header(package)
    _check_record(package)
    return SafeAdapter(
        rank=package.rank,
        modules=frozenset(pair.module for pair in package.pairs()),
        layers=tuple(package.layers),
        digest=package.digest,
        size=package.file.size,
        is_zero=_check_numbers(package),
    )


def _check_path(folder: Path) -> None:
    path = str(folder.absolute())
    if glob.has_magic(path) or "://" in path:
        raise NotSafeForm(folder, "its path has one of * ? [ or :// in it, and a server would look elsewhere")
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise NotSafeForm(folder, "its path is not text that can be sent to a server") from error
    if os.path.islink(folder):  # noqa: PTH114 - pathlib's own raises where a name is too long
        raise NotSafeForm(folder, "it is a link, and a server would follow it wherever it leads by then")


def _check_files(folder: Path) -> None:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name not in _ALLOWED_FILES:
                    raise NotSafeForm(folder, f"it also holds “{entry.name}”, which a server could read")
                if not entry.is_file(follow_symlinks=False):
                    raise NotSafeForm(folder, f"its {entry.name} is a link or no plain file")
    except OSError as error:
        raise PackageUnreadable(folder, error.strerror or str(error)) from error


def _check_layers(package: AdapterPackage) -> None:
    """One rank everywhere, and what an engine fuses complete."""
    ranks = {pair.rank for pair in package.pairs()}
    if len(ranks) > 1:
        raise NotSafeForm(package.folder, f"its modules have ranks from {min(ranks)} to {max(ranks)}")
    for layer, pairs in package.layers.items():
        for together in FUSED_MODULES:
            missing = [module for module in together if module not in pairs]
            if 0 < len(missing) < len(together):
                there = next(module for module in together if module in pairs)
                raise NotSafeForm(package.folder, f"layer {layer} adapts {there} without {' and '.join(missing)}")


def _check_settings(package: AdapterPackage, base: BaseModelSpec) -> None:
    """Every setting is the one `compose` would write for these tensors."""
    settings = read_json(package.folder, CONFIG_FILE, _RawSettings).root
    plain = _expected_settings(package, base)
    for name in settings:
        if name not in plain:
            raise NotSafeForm(package.folder, f"{CONFIG_FILE} sets “{name[:60]}”, which the safe form does not have")
    for name, value in plain.items():
        if name == "base_model_name_or_path":
            continue  # names of one base differ; `fit.check` has judged it
        if name not in settings:
            if value and name not in _OPTIONAL_SETTINGS:
                raise NotSafeForm(
                    package.folder, f"{CONFIG_FILE} lacks “{name}”, which has to be {_format_setting(value)}"
                )
        elif not _settings_match(settings[name], value):
            found = _format_setting(settings[name])
            raise NotSafeForm(
                package.folder, f"“{name}” in {CONFIG_FILE} is {found} and has to be {_format_setting(value)}"
            )


def _expected_settings(package: AdapterPackage, base: BaseModelSpec) -> dict[str, Any]:
    modules = {pair.module for pair in package.pairs()}
    absent = [
        f"{base.prefix}.{layer}.{MODULE_PATHS[module]}"
        for layer, pairs in package.layers.items()
        for module in modules - pairs.keys()
        if base.has_module(layer, module)
    ]
    layers = sorted(package.layers) if len(package.layers) < base.layers else None
    settings: dict[str, Any] = json.loads(safe_form_config(base.name, package.rank, sorted(modules), layers, absent))
    return settings


def _settings_match(actual: object, expected: object) -> bool:
    """Whether a setting says the same to every reader; the order of a list says nothing."""
    if isinstance(actual, list) and isinstance(expected, list):
        return all(isinstance(it, str | int) for it in actual) and sorted(map(repr, actual)) == sorted(
            map(repr, expected)
        )
    return isinstance(actual, bool) == isinstance(expected, bool) and actual == expected


def _format_setting(value: object) -> str:
    """A setting as its file has it, unless it is too long to say or goes deep."""
    if isinstance(value, list | dict):
        return f"of {len(value)} entries" if len(value) > 1 else "a list or map of its own"
    return json.dumps(value)[:60]


def _check_header(package: AdapterPackage) -> None:
    """Servers do not read the header with our parser, so theirs has to see in it what ours sees."""
    path = package.file.path
    try:
        with safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118 - it is no mapping
                tensor = package.file.tensors.get(name)
                entry = file.get_slice(name)
                if tensor is None or [entry.get_dtype(), *entry.get_shape()] != [
                    tensor.dtype,
                    tensor.rows,
                    tensor.columns,
                ]:
                    raise NotSafeForm(package.folder, f"the safetensors library reads “{name[:120]}” otherwise")
    except (SafetensorError, OSError) as error:
        raise NotSafeForm(package.folder, f"the safetensors library does not read it ({str(error)[:120]})") from error


def _check_record(package: AdapterPackage) -> None:
    if not os.path.lexists(package.folder / RECORD_FILE):
        return
    record = read_json(package.folder, RECORD_FILE, CompositionRecord)
    if record.digest != package.digest:
        raise NotSafeForm(package.folder, f"{RECORD_FILE} was written for other weights")


def _check_numbers(package: AdapterPackage) -> bool:
    """Whether all deltas are zero; refuses factors beyond `MOST_NORM`.

    One delta that is not zero settles the first, and the largest number mostly settles the second.
    """
    inert = True
    is_small = (
        max(t.rows * t.columns for t in package.file.tensors.values()) * package.scan.max_magnitude**2
        <= MAX_FACTOR_NORM**2
    )
    with package.file.reader() as reader:
        for pair in package.pairs():
            if is_small and not inert:
                break
            inert = _is_zero_delta(package, reader, pair) and inert
    return inert


def _is_zero_delta(package: AdapterPackage, reader: TensorReader, pair: FactorPair) -> bool:
    a, b = (reader.read_tensor(tensor).astype(np.float64) for tensor in (pair.a, pair.b))
    norms = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if max(norms) > MAX_FACTOR_NORM * _ROUNDING_TOLERANCE:
        raise WeightsOverflow(package.folder)
    # Where A's rows and B's columns cancel out, rounding leaves something of the product.
    return not all(norms) or float(inner_product(a, b, a, b)) <= _ZERO_TOLERANCE * (norms[0] * norms[1]) ** 2
