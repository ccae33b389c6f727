"""What a package holds, for people: `consilium adapters inspect`."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from consilium.errors import N_
from inference.adapters.dtypes import Dtype
from inference.adapters.factors import inner_product, read_factors
from inference.adapters.manifest import AdapterManifest
from inference.adapters.package import AdapterPackage
from inference.adapters.plan import FUSED_MODULES
from inference.base_model import MODULE_PATHS


class UnsafeReason(StrEnum):
    """Why an engine might misread a package, or break on it, before it is composed; the value says it to people."""

    RSLORA = N_("it is scaled by rsLoRA, which engines take for plain LoRA")
    PATTERNS = N_("modules have ranks or scales of their own, which engines ignore")
    RANKS = N_("the rank is not the same in all modules")
    SCALED = N_("its scale is not folded into the weights")
    QKV = N_("a layer adapts some of q_proj, k_proj and v_proj, but not all three")
    GATE_UP = N_("a layer adapts one of gate_proj and up_proj without the other")


@dataclass(frozen=True, slots=True)
class AdapterSummary:
    """A package at a glance."""

    base: str
    """The base model it says it was trained on; empty when it does not say."""
    manifest: AdapterManifest | None
    digest: str
    ranks: tuple[int, ...]
    """Every rank that occurs, ascending."""
    modules: tuple[str, ...]
    layers: tuple[int, ...]
    parameters: int
    dtypes: tuple[Dtype, ...]
    size: int
    """Bytes of the weights file."""
    norm: float
    """Frobenius norm of all deltas together, scale included."""
    norms: dict[str, float]
    """The same by module, over all layers."""
    unsafe_reasons: tuple[UnsafeReason, ...]
    """Why it is not in the safe form; empty when it is."""


def summarise(package: AdapterPackage) -> AdapterSummary:
    """Read a package through and sum it up.

    Raises:
        WeightsNotFinite, PackageUnreadable, PackageChanged: the numbers are unsound, or cannot be read.
    """
    digest = package.digest
    energies: defaultdict[str, float] = defaultdict(float)
    with package.file.reader() as reader:
        for pair in package.pairs():
            factors = read_factors(reader, pair)
            energies[pair.module] += float(inner_product(*factors, *factors))
    tensors = package.file.tensors.values()
    return AdapterSummary(
        base=package.base_name,
        manifest=package.manifest,
        digest=digest,
        ranks=tuple(sorted({pair.rank for pair in package.pairs()})),
        modules=tuple(module for module in MODULE_PATHS if module in energies),
        layers=tuple(package.layers),
        parameters=sum(tensor.rows * tensor.columns for tensor in tensors),
        dtypes=tuple(sorted({tensor.dtype for tensor in tensors})),
        size=package.file.size,
        norm=math.sqrt(sum(energies.values())),
        norms={module: math.sqrt(energies[module]) for module in MODULE_PATHS if module in energies},
        unsafe_reasons=tuple(_find_unsafe_reasons(package)),
    )


def _find_unsafe_reasons(package: AdapterPackage) -> Iterator[UnsafeReason]:
    config = package.config
    ranks = {pair.rank for pair in package.pairs()}
    if config.use_rslora:
        yield UnsafeReason.RSLORA
    if len({pair.scale for pair in package.pairs()}) > 1 or ranks != {config.r}:
        yield UnsafeReason.PATTERNS
    if len(ranks) > 1:
        yield UnsafeReason.RANKS
    if any(pair.scale != 1 for pair in package.pairs()):
        yield UnsafeReason.SCALED
    for reason, together in zip((UnsafeReason.QKV, UnsafeReason.GATE_UP), FUSED_MODULES, strict=True):
        if any(0 < len(pairs.keys() & set(together)) < len(together) for pairs in package.layers.values()):
            yield reason
