"""How the local engine streams, stops, waits and ends."""

from __future__ import annotations

import asyncio
import gc
import shutil
import weakref
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from inference.engines.errors import EngineStopped, ModelNotLoadable, PromptTooLong
from inference.engines.local import LocalEngine
from inference.engines.port import (
    Finished,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    Message,
    Sampling,
    TextDelta,
)

if TYPE_CHECKING:
    from pathlib import Path

HELLO = (Message("system", "You are a coach."), Message("user", "How do I rest?"))


def ask(*messages: Message, **sampling: float | None) -> GenerationRequest:
    return GenerationRequest(messages or HELLO, sampling=Sampling(**sampling))  # type: ignore[arg-type]  # by name


ENDLESS = ask(max_tokens=90_000, repetition_penalty=2.0)
"""Takes longer than a test may."""


async def answer(engine: LocalEngine, request: GenerationRequest) -> list[GenerationEvent]:
    return [event async for event in engine.generate(request)]


def text(events: list[GenerationEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_pieces_then_the_end(small_engine: LocalEngine) -> None:
    events = await answer(small_engine, ask(max_tokens=40, seed=1))
    *pieces, end = events
    assert len(pieces) > 5
    assert all(isinstance(piece, TextDelta) and piece.text for piece in pieces)
    assert isinstance(end, Finished)
    assert end.reason is FinishReason.LENGTH
    assert end.usage.completion_tokens == 40
    assert end.usage.prompt_tokens == small_engine.tokenizer.count_prompt(HELLO)


async def test_an_answer_goes_on_from_its_beginning(small_engine: LocalEngine, small_model_dir: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(small_model_dir)
    tokenizer = AutoTokenizer.from_pretrained(small_model_dir)
    begun = "Rest well, and <|im_end|> sleep"
    request = replace(ask(max_tokens=30, temperature=0), answer_prefix=begun, thinking=True)
    *pieces, end = await answer(small_engine, request)
    ids = small_engine.tokenizer.encode_prompt(HELLO) + small_engine.tokenizer.encode(begun)
    prompt = torch.tensor([ids])
    written = model.generate(
        prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=30, do_sample=False, repetition_penalty=1.1,
        eos_token_id=2,
    )  # fmt: skip
    assert text(pieces) == tokenizer.decode(written[0, len(ids) :], skip_special_tokens=True)
    assert isinstance(end, Finished)
    assert end.usage.prompt_tokens == len(ids)


async def test_a_biased_token_is_written(small_engine: LocalEngine) -> None:
    [token] = small_engine.tokenizer.encode("a")
    request = ask(max_tokens=5, temperature=0)
    biased = replace(request, sampling=replace(request.sampling, logit_bias={token: 100}))
    assert text(await answer(small_engine, biased)) == "aaaaa"


async def test_the_answer_is_what_the_library_writes(small_engine: LocalEngine, small_model_dir: Path) -> None:
    """A random model writes all kinds of bytes, half characters too: joined, the pieces are what they decode to."""
    model = AutoModelForCausalLM.from_pretrained(small_model_dir)
    tokenizer = AutoTokenizer.from_pretrained(small_model_dir)
    for question in ("How do I rest?", "Чем питаться? 🙂", "12 345"):
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        written = model.generate(**prompt, max_new_tokens=80, do_sample=False, repetition_penalty=1.1, eos_token_id=2)
        expected = tokenizer.decode(written[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
        assert (
            text(await answer(small_engine, ask(Message("user", question), max_tokens=80, temperature=0))) == expected
        )


async def test_a_seed_repeats_an_answer(small_engine: LocalEngine) -> None:
    first = await answer(small_engine, ask(max_tokens=30, seed=5))
    await answer(small_engine, ask(max_tokens=7))
    assert await answer(small_engine, ask(max_tokens=30, seed=5)) == first
    assert await answer(small_engine, ask(max_tokens=30, seed=6)) != first
    assert await answer(small_engine, ask(max_tokens=30)) != await answer(small_engine, ask(max_tokens=30))


async def test_at_temperature_zero_the_likeliest_token_is_taken(small_engine: LocalEngine) -> None:
    events = await answer(small_engine, ask(max_tokens=1, temperature=0, repetition_penalty=1.0))
    likeliest = int((await small_engine.logits(HELLO))[-1].argmax())
    assert text(events) == small_engine.tokenizer.decode([likeliest])


async def test_an_answer_ends_at_the_contexts_end(small_model_dir: Path) -> None:
    async with LocalEngine(small_model_dir, context_tokens=48) as engine:
        prompt = engine.tokenizer.count_prompt(HELLO)
        end = (await answer(engine, ask(max_tokens=500, seed=1)))[-1]
        assert isinstance(end, Finished)
        assert (end.reason, end.usage.completion_tokens) == (FinishReason.LENGTH, 48 - prompt)


async def test_a_prompt_without_room_for_an_answer_is_refused(small_model_dir: Path) -> None:
    async with LocalEngine(small_model_dir, context_tokens=48) as engine:
        with pytest.raises(PromptTooLong, match="48"):
            await answer(engine, ask(Message("user", "word " * 50)))
        assert text(await answer(engine, ask(max_tokens=3)))


async def test_closing_the_iterator_stops_the_generation(small_engine: LocalEngine) -> None:
    async with aclosing(small_engine.generate(ENDLESS)) as events:
        await anext(events)
    assert len(await answer(small_engine, ask(max_tokens=1))) <= 2


async def test_cancelling_the_reader_stops_the_generation(small_engine: LocalEngine) -> None:
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in small_engine.generate(ENDLESS):
            begun.set()

    reading = asyncio.create_task(read())
    await begun.wait()
    reading.cancel()
    assert len(await answer(small_engine, ask(max_tokens=1))) <= 2
    assert reading.cancelled()


async def test_a_request_that_waits_can_be_cancelled(small_engine: LocalEngine) -> None:
    order: list[str] = []

    async def named(name: str, tokens: int) -> None:
        await answer(small_engine, ask(max_tokens=tokens))
        order.append(name)

    first = asyncio.create_task(named("first", 30))
    second = asyncio.create_task(named("second", 90_000))
    third = asyncio.create_task(named("third", 5))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(first, second, third, return_exceptions=True)
    assert second.cancelled()
    assert order == ["first", "third"]


async def test_requests_are_served_in_their_order(small_engine: LocalEngine) -> None:
    order: list[int] = []

    async def numbered(number: int) -> None:
        await answer(small_engine, ask(max_tokens=20 - 4 * number))
        order.append(number)

    await asyncio.gather(*(numbered(number) for number in range(5)))
    assert order == [0, 1, 2, 3, 4]


async def test_the_event_loop_goes_on_while_the_model_works(small_engine: LocalEngine) -> None:
    turns = 0
    generating = asyncio.create_task(answer(small_engine, ask(max_tokens=100)))
    while not generating.done():
        turns += 1
        await asyncio.sleep(0.001)
    assert turns > 10


async def test_a_text_is_scored_token_by_token(small_engine: LocalEngine) -> None:
    scores = await small_engine.score(HELLO, " Sleep well.")
    assert scores.tokens == tuple(small_engine.tokenizer.encode(" Sleep well."))
    assert scores.logprobs.shape == (len(scores.tokens),)
    logits = (await small_engine.logits(HELLO))[-1].astype(np.float64)
    first = logits[scores.tokens[0]] - np.log(np.exp(logits - logits.max()).sum()) - logits.max()
    assert scores.logprobs[0] == pytest.approx(first, abs=1e-4)
    assert scores.mean_loss == pytest.approx(-float(scores.logprobs.mean()))


async def test_closing_the_engine_ends_what_runs_and_what_waits(small_model_dir: Path) -> None:
    engine = LocalEngine(small_model_dir)
    running = asyncio.create_task(answer(engine, ENDLESS))
    waiting = asyncio.create_task(answer(engine, ask(max_tokens=5)))
    scoring = asyncio.create_task(engine.score(HELLO, "text"))
    await asyncio.sleep(0)
    await engine.close()
    for task in (running, waiting, scoring):
        with pytest.raises(EngineStopped):
            await task
    with pytest.raises(EngineStopped):
        await answer(engine, ask())
    with pytest.raises(EngineStopped):
        await engine.start()
    await engine.close()


async def test_a_broken_checkpoint_is_told_at_every_request(small_model_dir: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(small_model_dir, tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(b"not weights")
    engine = LocalEngine(folder)
    for _ in range(2):
        with pytest.raises(ModelNotLoadable):
            await answer(engine, ask())
    await engine.close()


def test_a_checkpoint_without_a_config_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ModelNotLoadable, match=r"config\.json"):
        LocalEngine(tmp_path)


async def test_the_base_model_speaks(local_engine: LocalEngine) -> None:
    """The real one: it ends its answer by itself, and the answer is about the question."""
    question = Message("user", "What is the capital of France? Answer in one short sentence.")
    events = await answer(local_engine, ask(question, max_tokens=60, temperature=0))
    assert "Paris" in text(events)
    end = events[-1]
    assert isinstance(end, Finished)
    assert end.reason is FinishReason.STOP
    assert "<|" not in text(events)


async def test_a_closed_engine_leaves_no_weights_in_memory(small_model_dir: Path) -> None:
    engine = LocalEngine(small_model_dir)
    await engine.start()
    model = weakref.ref(engine._model)
    gc.disable()  # it is not to wait for the garbage
    try:
        await engine.close()
        assert model() is None
    finally:
        gc.enable()
