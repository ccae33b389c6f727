"""A mode through a real server is PEFT with all its adapters active, to within what two runtimes differ anyway.

Both compute in bfloat16, in which no two runtimes agree to the last digit: how far they are apart on the bare base
model, over the same texts, is the measure.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import pytest_asyncio
import torch
from transformers import AutoModelForCausalLM

from bot.answering.composer import Composer
from bot.app.settings import DEMO_MIND
from bot.minds import load_mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.adapters.composition import Composition
from inference.adapters.store import CompositionStore
from inference.adapters.usage import AdapterRef
from inference.base_model import BaseModelSpec
from inference.engines.port import Message
from inference.engines.tokenizer import ChatTokenizer
from inference.training.dialogues import read_dialogues
from tests.fixtures.peft_reference import Voice, logprobs, speaking
from tests.fixtures.sglang import START_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.fixtures.real_engines import RealEngine

pytestmark = [
    pytest.mark.timeout(START_TIMEOUT + 600),
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning"),
]

ADAPTERS = DEMO_MIND / "adapters"
SPORT, CORE = ADAPTERS / "sport", ADAPTERS / "core"

MODES = {
    "core": [Voice(CORE)],
    "sport+core": [Voice(SPORT), Voice(CORE)],
    "sport*0.7+core*1.2": [Voice(SPORT, 0.7), Voice(CORE, 1.2)],
    "sport@late+core": [Voice(SPORT, 1.0, range(20, 30)), Voice(CORE)],
    "sport@5-20*0.8+core": [Voice(SPORT, 0.8, range(5, 21)), Voice(CORE)],
}
"""What each mode comes to, said once more by hand."""
BASE = "base"
CUT, CUT_MODE, CUT_RANK = "sport+core, cut to rank 2", "sport+core", 2

DIALOGUES = 4
"""Taken from each of the two adapters' held-out dialogues."""
ALLOWED = 2.0
"""How far the two runtimes may be apart, in what they are apart on the base model."""
FROM_BASE, FROM_OTHERS = 5.0, 1.5
"""How many times further away than is allowed the base, and every wrong mode, have to be."""


@dataclass(frozen=True)
class Text:
    """A question, and an answer to be held likely or not."""

    messages: tuple[Message, ...]
    continuation: str


Figures = dict[str, "NDArray[np.float32]"]
"""Log-probabilities of all tokens of all texts, one after the other, by mode."""


@pytest.fixture(scope="module")
def texts() -> list[Text]:
    return [
        Text(dialogue.messages[:-1], dialogue.messages[-1].content)
        for name in ("core", "sport")
        for dialogue in read_dialogues(DEMO_MIND / "dialogues" / f"{name}.heldout.jsonl")[:DIALOGUES]
    ]


@pytest.fixture(scope="module")
def compositions(base_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Composition]:
    """Made from the modes as a person writes them, at full strength: there the adapters differ most from the base."""
    mind = load_mind(DEMO_MIND)
    mind = replace(mind, policies=mind.policies.model_copy(update={"adapter_strength": 1.0}))
    store = CompositionStore(tmp_path_factory.mktemp("exactness"))
    composer = Composer.open(mind, BaseModelSpec.from_config(base_model_dir / "config.json", mind.base_model), store)
    parts = {mode: composer.parts(resolve_mode(parse_expression(mode), mind)) for mode in MODES}
    made = {mode: store.get_or_compose(parts[mode], composer.base) for mode in MODES}
    return made | {CUT: store.get_or_compose(parts[CUT_MODE], composer.base, max_rank=CUT_RANK)}


@pytest.fixture(scope="module")
def expected(base_model_dir: Path, texts: list[Text], compositions: Mapping[str, Composition]) -> Figures:
    """PEFT's, with every adapter of a mode active; the cut one is loaded as it lies on the disk."""
    model = AutoModelForCausalLM.from_pretrained(base_model_dir, dtype=torch.bfloat16).eval()
    tokens = ChatTokenizer(base_model_dir)
    ids = [(tokens.encode_prompt(text.messages), tokens.encode(text.continuation)) for text in texts]
    voices: dict[str, list[Voice]] = {BASE: [], **MODES, CUT: [Voice(compositions[CUT].path)]}
    figures = {}
    for mode, speakers in voices.items():
        with speaking(model, speakers) as together:
            figures[mode] = np.concatenate([logprobs(together, *both) for both in ids])
    return figures


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(
    real_engine: RealEngine, base_model_dir: Path, texts: list[Text], compositions: Mapping[str, Composition]
) -> AsyncIterator[Figures]:
    """The server's."""
    server = await asyncio.to_thread(real_engine.take)
    folder, base_name = compositions[CUT].path.parent, compositions[CUT].record.base
    engine = real_engine.connect(server, base_name, base_model_dir, compositions=folder, retry_timeout=120)
    try:
        await engine.start()
        adapters: dict[str, AdapterRef | None] = {BASE: None}
        adapters |= {mode: composition.ref for mode, composition in compositions.items()}
        figures = {}
        for mode, adapter in adapters.items():
            scores = [await engine.score(text.messages, text.continuation, adapter) for text in texts]
            figures[mode] = np.concatenate([score.logprobs for score in scores])
        yield figures
        # The server is everybody's: it gets back the room its adapters took.
        store = CompositionStore(folder)
        for composition in compositions.values():
            store.remove(composition.name)
            await engine.unload_adapter(composition.name)
    finally:
        await engine.close()


def apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Mean |Δ| of two runs' log-probabilities, in nats per token."""
    assert one.shape == other.shape
    return float(np.abs(one.astype(np.float64) - other).mean())


@pytest.mark.parametrize("mode", [*MODES, CUT])
def test_the_server_scores_a_text_as_peft_does(
    mode: str, served: Figures, expected: Figures, record_property: Callable[[str, object], None]
) -> None:
    noise = apart(served[BASE], expected[BASE])
    found = apart(served[mode], expected[mode])
    record_property("mean |Δ|", round(found, 4))
    record_property("mean |Δ| of the base", round(noise, 4))
    print(f"{mode:26} mean |Δ| {found:.4f}, of the base {noise:.4f}, over {served[mode].size} tokens")
    assert found <= ALLOWED * noise


@pytest.mark.parametrize("mode", [*MODES, CUT])
def test_and_not_as_peft_does_in_any_other_mode(
    mode: str, served: Figures, expected: Figures, record_property: Callable[[str, object], None]
) -> None:
    """A server that answers with the base, or leaves out an adapter, a weight or a band, would not pass above."""
    noise = apart(served[BASE], expected[BASE])
    others = {other: apart(served[mode], expected[other]) for other in expected if other != mode}
    for other, distance in others.items():
        record_property(f"mean |Δ| to {other}", round(distance, 4))
        print(f"{mode:26} mean |Δ| {distance:.4f} to {other}")
    assert others.pop(BASE) > FROM_BASE * ALLOWED * noise
    assert min(others.values()) > FROM_OTHERS * ALLOWED * noise


def test_cutting_cuts(compositions: Mapping[str, Composition]) -> None:
    assert compositions[CUT].report.rank == CUT_RANK < compositions[CUT_MODE].report.rank
    assert 0 < compositions[CUT].report.truncation_error < 1
