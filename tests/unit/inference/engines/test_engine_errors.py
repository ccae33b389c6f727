"""Every engine error says what happened and what to do."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from inference import checkpoint, embedding, model_files
from inference.engines import errors
from inference.errors import InferenceError

SAMPLES: dict[str, object] = {"tokens": 9, "limit": 8, "folder": Path("/models/x"), "seconds": 5.0, "status": 400}

LEAVES = [
    error
    for module in (errors, model_files, checkpoint, embedding)
    for error in vars(module).values()
    if inspect.isclass(error) and issubclass(error, InferenceError) and not error.__subclasses__()
]


@pytest.mark.parametrize("kind", sorted(set(LEAVES), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_the_templates_fit_the_details(kind: type[InferenceError]) -> None:
    parameters = [name for name in inspect.signature(kind).parameters if name not in ("self", "details")]
    text = str(kind(**{name: SAMPLES.get(name, f"<{name}>") for name in parameters}))
    assert kind.sentence != InferenceError.sentence
    assert "{" not in text
    assert text.endswith((".", ">"))


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (errors.PromptTooLong(tokens=9, limit=8), False),
        (errors.AdapterNotLoadable(adapter="a", reason="b"), False),
        (errors.EngineRefused(url="u", status=400, reason="b"), False),
        (errors.EngineUnavailable(url="u", reason="b"), True),
        (errors.EngineStreamTimeout(url="u", seconds=3.5), True),
        (errors.GenerationFailed(reason="b"), True),
    ],
)
def test_only_what_may_pass_by_itself_is_worth_another_try(error: errors.EngineError, retryable: bool) -> None:
    assert error.retryable is retryable
