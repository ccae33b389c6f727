"""An embedding model's computation as one call in which other threads go on.

Run module by module, a model takes Python's lock again after each of its some hundred operations. Beside an event loop
that has much to do a question's vector takes ten times as long then, and a quarter of its time is Python's own.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Features = Mapping[str, Any]
    Forward = Callable[[Features], Mapping[str, Any]]

_EXAMPLE: Final = ("Is it so?", "Или совсем не так, как о том рассказывали вчера вечером?")
"""What is traced: texts of different lengths, so that the shorter one is padded."""
_CHECKS: Final = (("How are you?",), ("One", "two and three", " ".join(["четыре"] * 40)))
"""What is computed both ways: of other shapes than the example, without padding and with much of it."""
_TOLERANCE: Final = 1e-5

log = structlog.get_logger(__name__)


def trace_forward(model: Any) -> None:
    """Have a model of sentence-transformers compute all that it does to a batch in one call, if that gives the same.

    A model whose operations depend on its input stays as it is. `untrace_forward` undoes it.
    """
    eager: Forward = model.forward
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            forward = _trace(model, eager)
            is_same = all(_gives_same(model.preprocess(list(texts)), eager, forward) for texts in _CHECKS)
    except Exception as error:  # whatever an unusual architecture brings about
        log.info("embedder.not_traced", reason=type(error).__name__)
        return
    if not is_same:
        log.info("embedder.not_traced", reason="its operations depend on the input")
        return
    model.forward = forward


def untrace_forward(model: Any) -> None:
    """Let go of what `trace_forward` made: a model that refers to itself stays until the garbage is collected."""
    vars(model).pop("forward", None)


def _trace(model: Any, eager: Forward) -> Forward:
    import torch

    example = model.preprocess(list(_EXAMPLE))
    names = _tensor_names(example)

    with torch.inference_mode():
        arguments = tuple(example[name] for name in names)
        computation = _make_computation(model.children(), names)
        traced = torch.jit.trace(computation, arguments, check_trace=False)  # type: ignore[no-untyped-call]

    def forward(features: Features) -> Mapping[str, Any]:
        if _tensor_names(features) != names:
            return eager(features)
        return {**features, "sentence_embedding": traced(*(features[name] for name in names))}

    return forward


def _make_computation(modules: Iterable[Any], names: Sequence[str]) -> Any:
    """All modules of a model, with tensors alone as arguments. The model itself is nothing that it refers to."""
    import torch

    class Computation(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.steps = torch.nn.ModuleList()

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            features: Any = dict(zip(names, tensors, strict=True))
            for module in self.steps:
                features = module(features)
            vectors: torch.Tensor = features["sentence_embedding"]
            return vectors

    computation = Computation()
    computation.steps.extend(modules)
    return computation.eval()


def _gives_same(features: Features, eager: Forward, forward: Forward) -> bool:
    import torch

    with torch.inference_mode():
        known, found = (each(dict(features))["sentence_embedding"] for each in (eager, forward))
    return torch.allclose(known, found, rtol=0, atol=_TOLERANCE)


def _tensor_names(features: Features) -> Sequence[str]:
    import torch

    return [name for name, value in features.items() if isinstance(value, torch.Tensor)]
