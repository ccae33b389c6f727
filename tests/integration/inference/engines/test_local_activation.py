"""Activated adapters on the local engine: PEFT's answer, and a prefix that the base has read only once."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from bot.app.settings import DEMO_MIND
from inference.adapters.compose import compose
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.usage import AdapterRef
from inference.base_model import BaseModelSpec
from inference.engines.local import LocalEngine
from inference.engines.port import Finished, GenerationRequest, Message, Sampling, TextDelta, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

TOKENS = 8
GREEDY = Sampling(max_tokens=TOKENS, temperature=0, repetition_penalty=1.0)
SAID = (
    Message("system", "You answer questions briefly and plainly."),
    Message("user", "What do you do in the morning?"),
    Message("assistant", "I get up early and go for a walk by the river."),
)
QUESTION = Message("user", "My knees ache after running. Should I stop?")
OTHER = Message("user", "And how much should I sleep?")


@pytest.fixture(scope="module")
def adapter(base_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AdapterRef:
    base = BaseModelSpec.from_config(base_model_dir / "config.json", "SmolLM2-135M-Instruct")
    folder = tmp_path_factory.mktemp("activated") / "mixture"
    # Twice as strong as they are: an answer tells whether the adapter has read what was said before.
    parts = [Part(AdapterPackage.open(DEMO_MIND / "adapters" / name), 2.0) for name in ("sport", "core")]
    compose(parts, base, folder)
    return AdapterRef(folder.name, folder)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine(base_model_dir: Path) -> AsyncIterator[LocalEngine]:
    async with LocalEngine(base_model_dir, dtype="float32") as made:
        yield made


async def ask(
    engine: LocalEngine,
    adapter: AdapterRef | None,
    messages: Sequence[Message],
    invocation: Sequence[int] | None = None,
) -> tuple[str, Usage]:
    invocation = engine.question_head if invocation is None else invocation
    request = GenerationRequest(messages, adapter, GREEDY, invocation=invocation)
    events = [event async for event in engine.generate(request)]
    assert isinstance(events[-1], Finished)
    return "".join(event.text for event in events if isinstance(event, TextDelta)), events[-1].usage


def answer_of_peft(
    base_model_dir: Path, package: Path, prompt: Sequence[int], invocation: Sequence[int], stops: Sequence[int]
) -> list[int]:
    """PEFT's own activated LoRA, of the same weights."""
    config = json.loads((package / "adapter_config.json").read_text())
    (package / "adapter_config.json").write_text(json.dumps(config | {"alora_invocation_tokens": list(invocation)}))
    base = AutoModelForCausalLM.from_pretrained(base_model_dir, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, str(package)).eval()
    ids = torch.tensor([list(prompt)])
    with torch.inference_mode():
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=TOKENS,
            do_sample=False,
            eos_token_id=list(stops),
            pad_token_id=0,
        )
    return list(out[0, len(prompt) :].tolist())


async def test_the_answer_is_that_of_peft(
    engine: LocalEngine, adapter: AdapterRef, base_model_dir: Path, tmp_path: Path
) -> None:
    messages = (*SAID, QUESTION)
    tokens = engine.tokenizer
    package = tmp_path / "alora"
    shutil.copytree(adapter.path, package)
    stops = sorted(tokens.stop_ids)
    expected = answer_of_peft(base_model_dir, package, tokens.encode_prompt(messages), engine.question_head, stops)
    written = [token for token in expected if token not in tokens.stop_ids]
    activated, _ = await ask(engine, adapter, messages)
    assert activated == tokens.decode(written)
    # Neither the base nor the adapter from the first token on answers like this: the test would notice either.
    assert activated not in {(await ask(engine, None, messages))[0], (await ask(engine, adapter, messages, ()))[0]}


async def test_the_prefix_is_read_once_for_the_base_and_every_adapter(engine: LocalEngine, adapter: AdapterRef) -> None:
    begins = len(engine.tokenizer.encode_prompt((*SAID, QUESTION))) - len(engine.question_head)
    alone = Message("system", "Something else altogether, so that nothing is known.")
    await ask(engine, None, (alone, QUESTION))
    first, anew = await ask(engine, adapter, (*SAID, QUESTION))
    second, known = await ask(engine, adapter, (*SAID, QUESTION))
    other, of_base = await ask(engine, None, (*SAID, OTHER))
    assert first == second
    assert anew.cached_tokens < known.cached_tokens == of_base.cached_tokens < begins
    assert known.cached_tokens == len(shared_prompt(engine))
    # What was kept is the base's own: its answer is the one it gives without any of this.
    assert other == (await ask(engine, None, (*SAID, OTHER), ()))[0]


def shared_prompt(engine: LocalEngine) -> list[int]:
    """The tokens before the last question."""
    prompts = [engine.tokenizer.encode_prompt((*SAID, question)) for question in (QUESTION, OTHER)]
    shared = next(n for n, (one, two) in enumerate(zip(*prompts, strict=False)) if one != two)
    return prompts[0][: shared - len(engine.question_head)]


async def test_without_its_invocation_an_adapter_changes_nothing(engine: LocalEngine, adapter: AdapterRef) -> None:
    nowhere = (engine.tokenizer.end_id,) * 3
    assert (await ask(engine, adapter, SAID[:2], nowhere))[0] == (await ask(engine, None, SAID[:2], ()))[0]
