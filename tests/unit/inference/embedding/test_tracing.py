"""A model's computation in one call: the same vectors, or the model as it was."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch

from inference.embedding.tracing import trace_forward, untrace_forward


class Table(torch.nn.Module):
    """The mean of the vectors of a text's words."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors = torch.nn.Embedding(50, 4)
        self.calls = 0

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        mask = features["attention_mask"].unsqueeze(-1)
        summed = (self.vectors(features["input_ids"]) * mask).sum(1)
        return {**features, "sentence_embedding": summed / mask.sum(1)}


class ByLength(torch.nn.Module):
    """Does something else to long texts than to short ones, which no trace shows."""

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        found = features["sentence_embedding"]
        if features["input_ids"].shape[1] > 20:
            found = -found
        return {**features, "sentence_embedding": found}


class Model(torch.nn.Sequential):
    """What an embedding model looks like from outside."""

    def preprocess(self, texts: list[str]) -> dict[str, Any]:
        rows = [[len(word) for word in text.split()] for text in texts]
        longest = max(map(len, rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        return {"input_ids": ids, "attention_mask": (ids > 0).long(), "modality": "text"}


def vectors(model: Model, *texts: str) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(model.preprocess(list(texts)))["sentence_embedding"]
        return found


def test_traced_model_gives_the_same_and_runs_no_module() -> None:
    table = Table()
    model = Model(table)
    texts = ("one", "one two three four five six", "seven eight")
    expected = vectors(model, *texts)
    trace_forward(model)
    calls = table.calls
    assert torch.allclose(vectors(model, *texts), expected)
    assert table.calls == calls


def test_model_that_depends_on_its_input_stays_as_it_is() -> None:
    model = Model(Table(), ByLength())
    long = " ".join(["word"] * 30)
    expected = vectors(model, long)
    trace_forward(model)
    assert torch.equal(vectors(model, long), expected)


def test_model_that_cannot_be_traced_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(Table())

    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("an operation that no trace knows")

    monkeypatch.setattr(torch.jit, "trace", fail)
    trace_forward(model)
    assert "forward" not in vars(model)
    assert vectors(model, "one two").shape == (1, 4)


def test_other_tensors_than_those_of_the_example_are_computed_as_before() -> None:
    model = Model(Table())
    features = {**model.preprocess(["one two"]), "token_type_ids": torch.zeros(1, 2)}
    trace_forward(model)
    assert torch.equal(model(features)["sentence_embedding"], vectors(model, "one two"))


def test_untraced_model_is_gone_with_its_last_reference() -> None:
    model = Model(Table())
    trace_forward(model)
    untrace_forward(model)
    gone = weakref.ref(model)
    gc.disable()
    try:
        del model
        assert gone() is None
    finally:
        gc.enable()
