"""How much of a base model's own output is overridden, beside a reference that makes every delta dense."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from inference.adapters.compose import compose
from inference.adapters.factors import read_factors
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.base_model import MODULE_PATHS, BaseModelSpec
from inference.training.overrides import OverrideMeasurement
from tests.fakes.adapters import write_adapter
from tests.fixtures.tiny_base import write_tiny_base

TEXTS = [[3, 14, 15, 92, 65, 35, 89, 79], [27, 18, 28], [], [1]]
CURVE = (0.5, -1.5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("overrides") / "tiny")


@pytest.fixture(scope="module")
def spec(folder: Path) -> BaseModelSpec:
    return BaseModelSpec.from_config(folder / "config.json", "tiny")


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def parts(spec: BaseModelSpec, tmp_path_factory: pytest.TempPathFactory) -> list[Part]:
    """Of different ranks, modules and weights, one with a curve over the layers and one in the last layer only."""
    where = tmp_path_factory.mktemp("adapters")
    fakes = [
        write_adapter(where / str(seed), spec, seed=seed, rank=rank, modules=modules, size=0.3)
        for seed, (rank, modules) in enumerate(
            [(4, ("q_proj", "k_proj", "v_proj")), (8, ("q_proj", "k_proj", "v_proj", "down_proj")), (4, ("o_proj",))]
        )
    ]
    packages = [AdapterPackage.open(fake.folder) for fake in fakes]
    return [Part(packages[0], 0.7, curve=CURVE), Part(packages[1], -0.4), Part(packages[2], layers=range(1, 2))]


def dense_deltas(parts: list[Part]) -> dict[tuple[int, str], np.ndarray[Any, Any]]:
    found: dict[tuple[int, str], Any] = {}
    for part in parts:
        with part.package.file.reader() as reader:
            for layer in part.layer_groups:
                for module, pair in part.package.layers[layer].items():
                    a, b = read_factors(reader, pair)
                    found[layer, module] = found.get((layer, module), 0) + part.weight_at(layer) * (b @ a)
    return found


@torch.inference_mode()
def reference(folder: Path, deltas: dict[tuple[int, str], Any]) -> tuple[dict[tuple[int, str], list[float]], float]:
    """Squared norms of what is added and of the base's own, and the share of decisions that change."""
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    changed = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    sums = {place: [0.0, 0.0] for place in deltas}
    for (layer, module), delta in deltas.items():
        path = f"model.layers.{layer}.{MODULE_PATHS[module]}"
        changed.get_submodule(path).weight += torch.from_numpy(delta).float()
        weight = base.get_submodule(path).weight.double().numpy()

        def hook(
            _module: Any, inputs: Any, _output: Any, at: Any = (layer, module), w: Any = weight, d: Any = delta
        ) -> None:
            x = inputs[0][0].double().numpy()
            sums[at][0] += float(np.square(x @ d.T).sum())
            sums[at][1] += float(np.square(x @ w.T).sum())

        base.get_submodule(path).register_forward_hook(hook)
    different = total = 0
    for text in filter(None, TEXTS):
        ids = torch.tensor([text])
        before, after = (it(input_ids=ids).logits[0].argmax(-1) for it in (base, changed))
        different += int((before != after).sum())
        total += len(text)
    return sums, different / total


def share(*sums: list[float]) -> float:
    return math.sqrt(sum(it[0] for it in sums) / sum(it[1] for it in sums))


def test_shares_are_those_of_dense_deltas(folder: Path, spec: BaseModelSpec, model: Any, parts: list[Part]) -> None:
    found = OverrideMeasurement(model, spec, TEXTS).measure(parts)
    sums, decisions = reference(folder, dense_deltas(parts))
    assert {(it.layer, it.module): it.share for it in found.modules} == {
        place: pytest.approx(share(both), rel=1e-4) for place, both in sums.items()
    }
    assert found.by_layer == {
        layer: pytest.approx(share(*(both for place, both in sums.items() if place[0] == layer)), rel=1e-4)
        for layer in (0, 1)
    }
    assert found.by_module == {
        module: pytest.approx(share(*(both for place, both in sums.items() if place[1] == module)), rel=1e-4)
        for module in ("q_proj", "k_proj", "v_proj", "o_proj", "down_proj")
    }
    assert found.total == pytest.approx(share(*sums.values()), rel=1e-4)
    assert found.decisions == decisions > 0


def test_a_composition_overrides_what_its_parts_do(
    spec: BaseModelSpec, model: Any, parts: list[Part], tmp_path: Path
) -> None:
    measurement = OverrideMeasurement(model, spec, TEXTS)
    compose(parts, spec, tmp_path / "sum")
    made = measurement.measure([Part(AdapterPackage.open(tmp_path / "sum"))])
    assert made.total == pytest.approx(measurement.measure(parts).total, rel=1e-3)


def test_smaller_weights_override_in_proportion(spec: BaseModelSpec, model: Any, parts: list[Part]) -> None:
    measurement = OverrideMeasurement(model, spec, TEXTS)
    whole, half = (measurement.measure([Part(parts[1].package, weight)]).total for weight in (1.0, 0.5))
    assert half == pytest.approx(whole / 2, rel=1e-5)


def test_the_model_is_left_as_it_was(spec: BaseModelSpec, model: Any, parts: list[Part]) -> None:
    ids = torch.tensor([TEXTS[0]])
    with torch.inference_mode():
        before = model(input_ids=ids).logits
        OverrideMeasurement(model, spec, TEXTS).measure(parts)
        assert torch.equal(model(input_ids=ids).logits, before)


def test_without_texts_nothing_is_overridden(spec: BaseModelSpec, model: Any, parts: list[Part]) -> None:
    found = OverrideMeasurement(model, spec, []).measure(parts)
    assert (found.total, found.decisions) == (0.0, 0.0)
