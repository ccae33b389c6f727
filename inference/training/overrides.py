"""How much of the base model's own output adapters override where nobody asked them to: on neutral texts.

With x what a module is given, W its weight and B·A what the adapters add to it, the share is ‖B·A·x‖ / ‖W·x‖ over all
tokens of the texts, where x flows through the base alone. It is computed as B·(A·x), so no delta is ever made dense.
What becomes of it in the end is the share of tokens after which another one is the likeliest than with the base alone.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch

from inference.adapters.factors import read_factors
from inference.adapters.parts import Part
from inference.base_model import MODULE_PATHS, BaseModelSpec

_LANGUAGE_MODEL_PREFIX: Final = "model.layers"
"""Where the layers are in a model that was read without what it has beside language."""
Place = tuple[int, str]
"""A layer, and the name of a module."""
Factors = tuple[torch.Tensor, torch.Tensor]
"""A and B of what all adapters add to a module, with scale and weight in B, in float32."""


@dataclass(frozen=True, slots=True)
class ModuleOverride:
    """One module of one layer."""

    layer: int
    module: str
    share: float
    """‖B·A·x‖ / ‖W·x‖ over all tokens; infinite where the base puts out nothing."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What adapters override of the base's own output."""

    modules: tuple[ModuleOverride, ...]
    """The modules that they change, by layer."""
    by_layer: Mapping[int, float]
    """The same share, of the changed modules of a layer together."""
    by_module: Mapping[str, float]
    """Of a module in all layers that are changed."""
    total: float
    """Of all changed modules."""
    decisions: float
    """Share of the tokens after which another one is the likeliest, 0 to 1."""


class OverrideMeasurement:
    """One base model and one set of texts, for one mixture of adapters after another. Blocking, for one thread."""

    def __init__(self, model: Any, base: BaseModelSpec, texts: Sequence[Sequence[int]]) -> None:
        """Set up.

        Args:
            model: a causal language model of transformers, in evaluation mode, without adapters.
            texts: the token ids of each text; empty ones are passed over.
        """
        self._model, self._base = model, base
        device = next(model.parameters()).device
        self._texts = [torch.tensor([list(ids)], device=device) for ids in texts if ids]

    def measure(self, parts: Sequence[Part], on_text: Callable[[], None] = lambda: None) -> Overrides:
        """What the sum of these adapters overrides; a merged package is a single part.

        Args:
            on_text: called after each text.

        Raises:
            PackageUnreadable, PackageChanged: the numbers cannot be read.
        """
        factors = _read_factors(parts, next(self._model.parameters()).device)
        sums: dict[Place, torch.Tensor] = {
            place: torch.zeros(2, dtype=torch.float64, device=a.device) for place, (a, _) in factors.items()
        }
        with torch.inference_mode():
            with self._watching(factors, sums):
                base_choices = [self._choose(text) for text in self._texts]
            changed = tokens = 0
            with self._adapting(factors):
                for text, expected in zip(self._texts, base_choices, strict=True):
                    changed += int((self._choose(text) != expected).sum().item())
                    tokens += len(expected)
                    on_text()
        squares = {place: (float(both[0]), float(both[1])) for place, both in sums.items()}
        return _summarise(squares, changed / tokens if tokens else 0.0)

    def _choose(self, text: torch.Tensor) -> torch.Tensor:
        """The likeliest token after each of a text's: (tokens,)."""
        choices: torch.Tensor = self._model(input_ids=text, use_cache=False).logits[0].argmax(-1)
        return choices

    @contextmanager
    def _watching(self, factors: Mapping[Place, Factors], sums: Mapping[Place, torch.Tensor]) -> Iterator[None]:
        """Add up what the base puts out, and what the adapters would add to it."""

        def watch(place: Place) -> Callable[..., None]:
            def hook(_module: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
                sums[place][0] += _delta(factors[place], inputs[0]).square().sum(dtype=torch.float64)
                sums[place][1] += output.float().square().sum(dtype=torch.float64)

            return hook

        with self._hooks(factors, watch):
            yield

    @contextmanager
    def _adapting(self, factors: Mapping[Place, Factors]) -> Iterator[None]:
        """Let the model answer with the adapters."""

        def adapt(place: Place) -> Callable[..., torch.Tensor]:
            def hook(_module: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
                return output + _delta(factors[place], inputs[0]).to(output.dtype)

            return hook

        with self._hooks(factors, adapt):
            yield

    @contextmanager
    def _hooks(self, places: Mapping[Place, Factors], make: Callable[[Place], Callable[..., Any]]) -> Iterator[None]:
        with ExitStack() as stack:
            for place in places:
                handle = self._find(*place).register_forward_hook(make(place))
                stack.callback(handle.remove)
            yield

    def _find(self, layer: int, module: str) -> Any:
        path = f"{layer}.{MODULE_PATHS[module]}"
        try:
            return self._model.get_submodule(f"{self._base.prefix}.{path}")
        except AttributeError:
            return self._model.get_submodule(f"{_LANGUAGE_MODEL_PREFIX}.{path}")


def _delta(factors: Factors, inputs: torch.Tensor) -> torch.Tensor:
    """What the adapters add for these inputs: (…, outputs), in float32."""
    a, b = factors
    return (inputs.float() @ a.mT) @ b.mT


def _read_factors(parts: Sequence[Part], device: torch.device) -> dict[Place, Factors]:
    """The factors of the parts' sum, for every module that it changes."""
    found: dict[Place, list[Factors]] = defaultdict(list)
    for part in parts:
        with part.package.file.reader() as reader:
            for layer in sorted(part.layer_groups):
                for module, pair in part.package.layers[layer].items():
                    a, b = read_factors(reader, pair)
                    scaled = b * part.weight_at(layer)
                    found[layer, module].append(
                        (torch.from_numpy(a).float().to(device), torch.from_numpy(scaled).float().to(device))
                    )
    order = list(MODULE_PATHS)
    return {
        place: (torch.cat([a for a, _ in found[place]]), torch.cat([b for _, b in found[place]], dim=1))
        for place in sorted(found, key=lambda place: (place[0], order.index(place[1])))
    }


def _summarise(squares: Mapping[Place, tuple[float, float]], decisions: float) -> Overrides:
    """Shares from the squared norms of what is added and of what the base puts out."""
    layers, modules = (
        defaultdict[int, list[tuple[float, float]]](list),
        defaultdict[str, list[tuple[float, float]]](list),
    )
    for (layer, module), both in squares.items():
        layers[layer].append(both)
        modules[module].append(both)
    return Overrides(
        tuple(ModuleOverride(layer, module, _share([both])) for (layer, module), both in squares.items()),
        {layer: _share(each) for layer, each in layers.items()},
        {module: _share(modules[module]) for module in MODULE_PATHS if module in modules},
        _share(list(squares.values())),
        decisions,
    )


def _share(squares: Sequence[tuple[float, float]]) -> float:
    added, own = (sum(column) for column in zip(*squares, strict=True)) if squares else (0.0, 0.0)
    if not own:
        return math.inf if added else 0.0
    return math.sqrt(added / own)
