"""The local engine under a composition is PEFT with all its adapters active, number for number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from inference.adapters.compose import compose
from inference.adapters.dtypes import Dtype
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.usage import AdapterRef
from inference.base_model import BaseModelSpec
from inference.engines.port import Message
from tests.fakes.adapters import write_adapter
from tests.fixtures.peft_reference import Voice, speaking

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from inference.engines.local import LocalEngine

pytestmark = pytest.mark.model

PROMPT = (
    Message("system", "You are a coach who has lifted for thirty years."),
    Message("user", "How do I recover after a hard day? Чем питаться?"),
)


@dataclass(frozen=True)
class Ingredient:
    """One adapter of a composition, and how it was made."""

    name: str
    weight: float = 1.0
    layers: range | None = None
    made: dict[str, Any] = field(default_factory=dict)


CORE = {"seed": 1, "rank": 4, "alpha": 8}
SPORT = {"seed": 2, "rank": 12, "alpha": 16, "use_rslora": True}
UNEVEN = {"seed": 3, "rank": 8, "alpha": 4, "ranks": {"v_proj": 2}, "alphas": {"o_proj": 12}}
QUERIES = {"seed": 4, "rank": 6, "alpha": 6, "modules": ["q_proj", "down_proj"]}


@pytest.mark.parametrize(
    "ingredients",
    [
        pytest.param([Ingredient("sport", made=SPORT)], id="one-rslora"),
        pytest.param([Ingredient("core", made=CORE), Ingredient("sport", made=SPORT)], id="unequal-ranks-and-rslora"),
        pytest.param([Ingredient("core", 0.7, made=CORE), Ingredient("sport", 1.35, made=SPORT)], id="weights"),
        pytest.param(
            [Ingredient("core", 1.0, range(10), made=CORE), Ingredient("sport", 0.5, range(5, 30), made=SPORT)],
            id="bands",
        ),
        pytest.param(
            [Ingredient("core", made=CORE), Ingredient("uneven", 0.9, made=UNEVEN), Ingredient("q", made=QUERIES)],
            id="three-with-uneven-ranks-and-other-modules",
        ),
    ],
)
async def test_logits_are_those_of_peft(
    ingredients: list[Ingredient], local_engine: LocalEngine, base_model_dir: Path, tmp_path: Path
) -> None:
    base = BaseModelSpec.from_config(base_model_dir / "config.json", "base")
    for one in ingredients:
        write_adapter(tmp_path / one.name, base, dtype=Dtype.F32, size=0.02, **one.made)
    parts = [Part(AdapterPackage.open(tmp_path / one.name), one.weight, one.layers) for one in ingredients]
    compose(parts, base, tmp_path / "composition")

    adapter = AdapterRef(f"test-{tmp_path.name}", tmp_path / "composition")
    ours = await local_engine.logits(PROMPT, adapter)
    theirs = reference(base_model_dir, tmp_path, ingredients, local_engine.tokenizer.encode_prompt(PROMPT))
    alone = await local_engine.logits(PROMPT)

    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1e-3
    assert np.abs(ours - alone).max() > 1


async def test_without_an_adapter_the_base_answers(local_engine: LocalEngine, base_model_dir: Path) -> None:
    ids = local_engine.tokenizer.encode_prompt(PROMPT)
    model = AutoModelForCausalLM.from_pretrained(base_model_dir, dtype=torch.float32)
    assert np.abs(await local_engine.logits(PROMPT) - logits(model, ids)).max() <= 1e-4


def reference(base: Path, folder: Path, ingredients: list[Ingredient], ids: list[int]) -> NDArray[np.float32]:
    """PEFT's logits with every adapter active, each scaled by its weight in its layers and by nothing elsewhere."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    with speaking(model, [Voice(folder / one.name, one.weight, one.layers) for one in ingredients]) as together:
        return logits(together, ids)


@torch.inference_mode()
def logits(model: Any, ids: list[int]) -> NDArray[np.float32]:
    scores: NDArray[np.float32] = model.eval()(torch.tensor([ids])).logits[0].numpy()
    return scores
