"""The weights of a composition where its mode leaves them open."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from inference.adapters.manifest import AdapterKind

if TYPE_CHECKING:
    from bot.modes.expression import Term
    from inference.adapters.manifest import AdapterManifest


def effective_weights(terms: Sequence[Term], manifests: Mapping[str, AdapterManifest | None]) -> dict[str, float]:
    """The weight of every term, by adapter name.

    What a term says is kept. Otherwise a topic trained on this very core weighs 1, and so does the core under
    it, for they were fitted to be added; adapters trained apart weigh 1/√n each, n being the adapters of the
    mode, which keeps the sum of their deltas about as large as one of them. An adapter alone weighs 1.

    Args:
        terms: the resolved mode's terms.
        manifests: the adapters' manifests by name; None, or no entry, for an adapter without one.
    """
    found = {term.name: manifests.get(term.name) for term in terms}
    fitted: set[str] = set()
    for name, core in found.items():
        if core is not None and core.kind is AdapterKind.CORE:
            topics = {other for other, manifest in found.items() if manifest and manifest.trained_on == core.digest}
            fitted |= topics | {name} if topics else set()
    apart = 1 / math.sqrt(len(terms)) if terms else 1.0
    open_weights = {name: 1.0 if name in fitted else apart for name in found}
    return {term.name: open_weights[term.name] if term.weight is None else float(term.weight) for term in terms}
