"""Weights of adapters over the layers, learnt from held-out dialogues while base and adapters stay as they are.

Each adapter has a few points, from the first layer to the last; between them its weight changes evenly (LoRA Soups,
arXiv:2410.13025, learns one weight a layer; LoraHub, arXiv:2307.13269, one an adapter). What is minimised is the mean
share of the adapters' gains that the mixture loses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer

from consilium.errors import N_
from inference.adapters.parts import MAX_WEIGHT, curve_over_layers
from inference.training.encoding import Example, make_batch
from inference.training.errors import TrainingError
from inference.training.loss import batch_loss

_LAYER: Final = re.compile(r"\.layers\.(\d+)\.")


class NothingToKeep(TrainingError):
    """An adapter takes nothing from the base model's loss, so there is no gain that a mixture could keep."""

    sentence = N_("{adapter} alone is no better on its held-out dialogues than the base model.")
    remedy = N_("Train it first, or leave it out of the mode.")

    def __init__(self, adapter: str) -> None:
        super().__init__(adapter=adapter)


@dataclass(frozen=True, slots=True)
class CurveSettings:
    """How curves are learnt."""

    points: int = 4
    """Of each adapter."""
    steps: int = 40
    batch_size: int = 8
    learning_rate: float = 0.06
    restraint: float = 0.02
    """How strongly a point is held where it was: the cost of being off by 1."""


@dataclass(frozen=True, slots=True)
class CurveFigures:
    """What a mixture keeps of its adapters' gains, by adapter."""

    kept: Mapping[str, float]

    @property
    def mean(self) -> float:
        """Over the adapters."""
        return sum(self.kept.values()) / len(self.kept)


class CurveLearner:
    """A base model with several adapters on it, whose weights may differ from layer to layer. For one thread."""

    def __init__(self, model: Any, packages: Mapping[str, Path], weights: Mapping[str, float]) -> None:
        """Put the adapters on the model; `close` takes them off.

        Args:
            model: the base, frozen.
            packages: the adapters in the safe form, by name.
            weights: what each weighs where its curve is 1.
        """
        self._names = list(packages)
        first, *others = self._names
        self._model: Any = PeftModel.from_pretrained(model, packages[first], adapter_name=first, torch_device="cpu")
        for name in others:
            self._model.load_adapter(packages[name], adapter_name=name, torch_device="cpu")
        self._model.base_model.set_adapter(self._names)
        self._model.eval().requires_grad_(False)
        self._weights = weights
        self._modules = [
            (int(found[1]), module, dict(module.scaling))
            for path, module in self._model.named_modules()
            if isinstance(module, LoraLayer) and (found := _LAYER.search(path))
        ]
        self._device = next(self._model.parameters()).device
        self.layers: int = self._model.config.get_text_config().num_hidden_layers

    def close(self) -> Any:
        """Take the adapters off, and give the base back."""
        return self._model.unload()

    def learn(self, examples: Mapping[str, Sequence[Example]], settings: CurveSettings) -> dict[str, tuple[float, ...]]:
        """The points of each adapter's curve, in hundredths. Blocking, for minutes on a processor.

        Args:
            examples: held-out dialogues, by adapter.

        Raises:
            NothingToKeep: an adapter has no gain on its dialogues.
        """
        ends = self._ends(examples)
        points = {name: torch.ones(settings.points, requires_grad=True) for name in self._names}
        optimizer = torch.optim.Adam(points.values(), lr=settings.learning_rate)
        for step in range(settings.steps):
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * (1 - step / settings.steps)
            lost = torch.zeros(())
            for name in self._names:
                some = _turn(examples[name], step, settings.batch_size)
                with self._weighing({each: _spread(curve, self.layers) for each, curve in points.items()}):
                    loss = batch_loss(self._model, make_batch(some).to(self._device)) / sum(
                        it.answer_tokens for it in some
                    )
                base, alone = ends[name]
                lost = lost + (loss.cpu() - alone) / (base - alone)
            held = sum((curve - 1).square().mean() for curve in points.values())
            optimizer.zero_grad()
            (lost / len(self._names) + settings.restraint * held).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        kept = {name: curve.detach().clamp(-MAX_WEIGHT, MAX_WEIGHT).tolist() for name, curve in points.items()}
        return {name: tuple(round(value, 2) for value in values) for name, values in kept.items()}

    def measure(self, examples: Mapping[str, Sequence[Example]], curves: Mapping[str, Sequence[float]]) -> CurveFigures:
        """What the mixture with these curves keeps; an adapter without one weighs the same everywhere.

        Raises:
            NothingToKeep: an adapter has no gain on these dialogues.
        """
        ends = self._ends(examples)
        spread = {name: torch.tensor(curve_over_layers(curves.get(name, (1.0,)), self.layers)) for name in self._names}
        kept = {}
        with self._weighing(spread):
            for name in self._names:
                base, alone = ends[name]
                kept[name] = (base - self._loss(examples[name])) / (base - alone)
        return CurveFigures(kept)

    def _ends(self, examples: Mapping[str, Sequence[Example]]) -> dict[str, tuple[float, float]]:
        """Loss of the base, and of the adapter alone at weight 1, by adapter."""
        found = {}
        for name in self._names:
            with self._weighing({}):
                base = self._loss(examples[name])
            with self._weighing({name: torch.full((self.layers,), 1 / self._weights[name])}):
                alone = self._loss(examples[name])
            if alone >= base:
                raise NothingToKeep(name)
            found[name] = base, alone
        return found

    def _loss(self, examples: Sequence[Example]) -> float:
        ordered = sorted(examples, key=lambda example: len(example.ids))
        with torch.inference_mode():
            total = sum(
                float(batch_loss(self._model, make_batch(ordered[at : at + 8]).to(self._device)).item())
                for at in range(0, len(ordered), 8)
            )
        return total / sum(example.answer_tokens for example in examples)

    @contextmanager
    def _weighing(self, curves: Mapping[str, torch.Tensor]) -> Iterator[None]:
        """The adapters at their weights times a curve of one value a layer, while this is open; silent without one."""
        for layer, module, scaling in self._modules:
            for name, scale in scaling.items():
                curve = curves.get(name)
                module.scaling[name] = 0.0 if curve is None else scale * self._weights[name] * curve[layer]
        try:
            yield
        finally:
            for _, module, scaling in self._modules:
                module.scaling.update(scaling)


def _turn(examples: Sequence[Example], step: int, size: int) -> Sequence[Example]:
    """The examples of one step: all take turns."""
    start = step * size % len(examples)
    turned = [*examples[start:], *examples[:start]]
    return turned[:size]


def _spread(points: torch.Tensor, layers: int) -> torch.Tensor:
    """As `curve_over_layers`, not rounded, with gradients to the points."""
    if layers == 1 or len(points) == 1:
        return points[:1].expand(layers)
    places = torch.linspace(0, len(points) - 1, layers)
    before = places.floor().long().clamp(max=len(points) - 2)
    share = places - before
    return points[before] * (1 - share) + points[before + 1] * share
