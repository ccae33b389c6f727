"""How much of the base model's own output a mode's adapters override on neutral texts, for `adapters conflicts`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bot.app.components import base_model_folder, read_base_model
from bot.authoring.evaluation.neutral_texts import neutral_texts
from bot.cli.common import new_table
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.adapters.compose import compose
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part

if TYPE_CHECKING:
    from rich.table import Table

    from bot.app.settings import Settings
    from bot.minds import Mind
    from inference.training.overrides import Overrides

TOGETHER: Final = "together"
"""What a mode's adapters override when all of them are on."""


def measure_mode(settings: Settings, mind: Mind, parts: Mapping[str, Part], mode: str | None) -> dict[str, Overrides]:
    """What each of the adapters overrides alone, at the mind's strength; of a mode also all of them together. Blocking.

    Args:
        parts: by the adapter's name.
        mode: None where the adapters are not those of a mode.

    Raises:
        InferenceError: the base model cannot be had or loaded.
        AdapterError: the adapters cannot be read or merged.
    """
    from inference.engines.tokenizer import ChatTokenizer
    from inference.training.adapted_model import frozen_base
    from inference.training.overrides import OverrideMeasurement

    folder = base_model_folder(settings, mind, weights=True)
    base, tokenizer = read_base_model(mind, folder), ChatTokenizer(folder)
    texts = neutral_texts([each for each in mind.languages if each not in mind.quoted_languages])
    measurement = OverrideMeasurement(
        frozen_base(folder, settings.device), base, [tokenizer.encode(text) for text in texts]
    )
    strong = {name: replace(part, strength=mind.policies.adapter_strength) for name, part in parts.items()}
    found = {name: measurement.measure([part]) for name, part in strong.items()}
    if mode is None or len(parts) < 2:
        return found
    merge = resolve_mode(parse_expression(mode), mind).merge
    if merge.is_exact_sum and merge.rank is None:
        return found | {TOGETHER: measurement.measure(list(strong.values()))}
    with tempfile.TemporaryDirectory(prefix="consilium-overridden-") as scratch:
        compose(list(strong.values()), base, Path(scratch) / "merged", merge=merge)
        return found | {TOGETHER: measurement.measure([Part(AdapterPackage.open(Path(scratch) / "merged"))])}


def override_tables(measured: Mapping[str, Overrides], *, by_place: bool) -> Iterator[Table]:
    """What is overridden in total, and by module and by layer."""
    total = new_table("overridden on neutral texts", "of what modules put out", "of the likeliest next tokens")
    for name, it in measured.items():
        total.add_row(name, f"{it.total:.1%}", f"{it.decisions:.1%}")
    yield total
    if not by_place:
        return
    modules, layers = new_table("overridden: module", *measured), new_table("overridden: layer", *measured)
    for module in dict.fromkeys(module for it in measured.values() for module in it.by_module):
        modules.add_row(module, *(_share(it.by_module.get(module)) for it in measured.values()))
    for layer in sorted({layer for it in measured.values() for layer in it.by_layer}):
        layers.add_row(str(layer), *(_share(it.by_layer.get(layer)) for it in measured.values()))
    yield modules
    yield layers


def override_figures(measured: Mapping[str, Overrides]) -> dict[str, Any]:
    """The same as numbers, with every module of every layer."""
    return {
        name: {
            "total": it.total,
            "decisions": it.decisions,
            "layers": {str(layer): share for layer, share in it.by_layer.items()},
            "modules": dict(it.by_module),
            "each": [asdict(module) for module in it.modules],
        }
        for name, it in measured.items()
    }


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
