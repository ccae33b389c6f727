"""Whether an adapter belongs to a base model."""

from __future__ import annotations

from inference.adapters.base_names import NameRelation, compare_base_names
from inference.adapters.errors import WrongBaseModel
from inference.adapters.package import AdapterPackage, FactorPair
from inference.base_model import BaseModelSpec

MAX_FACTOR_NORM = 1e5
"""Largest Frobenius norm of a factor that an engine is given; trained ones have 1 to 100.

Far above it, a model's own numbers overflow whatever the prompt; what is not a number where a token is drawn ends an
SGLang server on a CPU, and all running answers with it.
"""

_MAX_SHOWN_CHARACTERS = 120


def check_compatible(package: AdapterPackage, base: BaseModelSpec) -> None:
    """Check all there is to check before an adapter may be composed or loaded: base, layers, shapes, numbers.

    Raises:
        WrongBaseModel: it was trained on another base model, or its shapes are another's.
        DigestMismatch: the weights are not those its manifest describes.
        WeightsNotFinite, PackageUnreadable, PackageChanged: the numbers are unsound, or cannot be read.
    """
    difference = _find_mismatch(package, base)
    if difference:
        raise WrongBaseModel(package.folder, package.base_name[:_MAX_SHOWN_CHARACTERS] or "?", base.name, difference)
    package.verify()


def _find_mismatch(package: AdapterPackage, base: BaseModelSpec) -> str:
    """What shows that the adapter is for another base model; empty when nothing does."""
    if package.prefix != base.prefix:
        return f"its layers are at “{package.prefix}”, the model's at “{base.prefix}”"
    last = max(package.layers)
    if last >= base.layers:
        return f"it adapts layer {last} and the model's last is {base.layers - 1}"
    for layer, pairs in package.layers.items():
        for module in pairs:
            if module in base.modules and not base.has_module(layer, module):
                return f"it adapts {module} in layer {layer}, and that layer of the model has none"
    # Layers of one form have equal shapes, so one of each is enough.
    for layer in {form: layer for layer, form in package.layer_groups.items()}.values():
        for pair in package.layers[layer].values():
            if (pair.a.columns, pair.b.rows) != base.modules.get(pair.module):
                return _describe_shape_mismatch(layer, pair, base)
    if compare_base_names(package.base_name, base.name) in (NameRelation.OTHER, NameRelation.UNSURE):
        return "it says so itself, though the shapes are alike"
    return ""


def _describe_shape_mismatch(layer: int, pair: FactorPair, base: BaseModelSpec) -> str:
    found = f"its {pair.module} in layer {layer} goes from {pair.a.columns} to {pair.b.rows} features"
    if pair.module not in base.modules:
        return f"{found}, and the model has no such module to adapt"
    inputs, outputs = base.modules[pair.module]
    return f"{found}, the model's from {inputs} to {outputs}"
