"""The local engine's model on another device than the processor: nothing of an answer is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inference.adapters.usage import AdapterRef
from inference.device import DeviceUnavailable, DeviceUnknown, find_device
from inference.engines.local import LocalEngine
from inference.engines.local.model import LocalModel
from inference.engines.local.streaming import ThreadStream
from inference.engines.port import Finished, GenerationEvent, GenerationRequest, Message, Sampling, TextDelta
from inference.engines.tokenizer import ChatTokenizer
from tests.fakes.adapters import write_adapter
from tests.fakes.device import LeftBehind, elsewhere
from tests.fixtures.tiny_base import write_tiny_base

HELLO = [Message("user", "Hello")]
SCHEMA: Mapping[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def adapter(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AdapterRef:
    from inference.base_model import BaseModelSpec

    base = BaseModelSpec.from_config(folder / "config.json", "tiny")
    made = tmp_path_factory.mktemp("adapter") / "one"
    write_adapter(made, base, size=0.5)
    return AdapterRef("one", made)


def load(folder: Path, device: torch.device) -> LocalModel:
    return LocalModel(
        folder, ChatTokenizer(folder), device=device, dtype=torch.float32, context_tokens=512, max_adapters=2
    )


@pytest.fixture(params=["plain", "sampled", "schema"])
def request_for(request: pytest.FixtureRequest, adapter: AdapterRef) -> GenerationRequest:
    sampling = Sampling(max_tokens=12, temperature=0.0)
    if request.param == "sampled":
        sampling = Sampling(max_tokens=12, temperature=0.9, top_p=0.8, seed=5, repetition_penalty=1.2)
    schema = SCHEMA if request.param == "schema" else None
    return GenerationRequest(HELLO, adapter, sampling, schema)


async def answer(model: LocalModel, folder: Path, request: GenerationRequest) -> tuple[str, Finished]:
    stream: ThreadStream[GenerationEvent] = ThreadStream()
    model.generate(ChatTokenizer(folder).encode_prompt(HELLO), request, stream)
    text = ""
    while True:
        event = await asyncio.wait_for(stream.receive(), 5)
        if isinstance(event, TextDelta):
            text += event.text
        if isinstance(event, Finished):
            return text, event


async def test_answers_are_those_of_the_processor(folder: Path, request_for: GenerationRequest) -> None:
    expected = await answer(load(folder, torch.device("cpu")), folder, request_for)
    with elsewhere() as device:
        model = load(folder, device)
        assert {str(parameter.device) for parameter in model._model.parameters()} == {str(device)}
        assert await answer(model, folder, request_for) == expected


def test_scores_are_those_of_the_processor_and_come_back_to_it(folder: Path, adapter: AdapterRef) -> None:
    ids = ChatTokenizer(folder).encode_prompt(HELLO)
    here = load(folder, torch.device("cpu"))
    expected, expected_logprobs = here.logits(ids, adapter), here.logprobs(ids, [5, 6, 7], adapter)
    with elsewhere() as device:
        there = load(folder, device)
        scores, logprobs = there.logits(ids, adapter), there.logprobs(ids, [5, 6, 7], adapter)
        assert np.allclose(scores.numpy(), expected.numpy(), atol=1e-5)
        assert np.allclose(logprobs.numpy(), expected_logprobs.numpy(), atol=1e-5)


def test_the_device_is_strict() -> None:
    with elsewhere() as device:
        there = torch.ones(3, device=device)
        assert (there + 1).sum().item() == 6
        with pytest.raises(LeftBehind):
            _ = there + torch.ones(3)


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "", "CPU"])
def test_a_name_of_no_device_is_refused_at_once(folder: Path, name: str) -> None:
    with pytest.raises(DeviceUnknown):
        LocalEngine(folder, device=name)


@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps"])
async def test_a_device_that_is_not_here_is_told(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert find_device("auto").type == "cpu"
    with pytest.raises(DeviceUnavailable, match=rf"finds no device {name} on this machine.*Write auto or cpu"):
        find_device(name)
