"""A device that is only another name for the processor, and as strict as an accelerator about where tensors are.

What computes on it gives real numbers. A tensor that was left on the processor and meets one that is here is an error,
as it is on a GPU: so a test on any machine finds code that forgets the device. Gradients need a process in which the
device was there before the first backward pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_NAME = "elsewhere"


class LeftBehind(AssertionError):
    """Tensors of two devices met."""


@cache
def _device() -> torch.device:
    _setup_privateuseone_for_python_backend(_NAME)
    # Checkpointed gradients ask every device in the process for it, whichever they are of.
    getattr(torch, _NAME).get_amp_supported_dtype = lambda: [torch.bfloat16]
    torch.library.impl("aten::empty_strided", "PrivateUse1")(_empty_strided)
    torch.library.impl("aten::_copy_from", "PrivateUse1")(_copy_from)
    return torch.device(_NAME, 0)


def _empty_strided(size: Any, stride: Any, dtype: Any = None, **_: Any) -> _There:
    """What `torch.tensor(…, device=…)` asks for, past every dispatch mode."""
    return _There(torch.empty_strided(size, stride, dtype=dtype))


def _copy_from(source: torch.Tensor, target: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
    _numbers(target).copy_(_numbers(source))
    return target


@contextmanager
def elsewhere() -> Iterator[torch.device]:
    """Within the block there is the device. Inference mode, which its tensors do not bear, only means no gradients."""
    device = _device()
    with _Elsewhere(), mock.patch.object(torch, "inference_mode", torch.no_grad):
        yield device


class _There(torch.Tensor):
    """A tensor on the device; the numbers are in one on the processor."""

    numbers: torch.Tensor

    @staticmethod
    def __new__(cls, numbers: torch.Tensor) -> _There:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            numbers.shape,
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            device=_device(),
        )
        made.numbers = numbers
        return made

    def __repr__(self, **_: Any) -> str:
        return f"elsewhere({self.numbers!r})"

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(function, args, dict(kwargs or {}))


class _Elsewhere(TorchDispatchMode):
    """Sees every operation, also those that make tensors from nothing."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(function, args, dict(kwargs or {}))


_MOVES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)


def _compute(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Compute on the processor, after a look at where the arguments say they are."""
    tensors = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, torch.Tensor)]
    there = [each for each in tensors if isinstance(each, _There)]
    # A single number is taken from anywhere, as on a GPU.
    if there and function not in _MOVES and any(not isinstance(each, _There) and each.dim() for each in tensors):
        raise LeftBehind(f"{function}: {[(tuple(each.shape), str(each.device)) for each in tensors]}")
    device = kwargs.get("device")
    goes_there = bool(there) if device is None else torch.device(device).type == _NAME
    if device is not None:
        kwargs["device"] = torch.device("cpu")
    result = function(*tree_map(_numbers, args), **tree_map(_numbers, kwargs))
    if args and result is _numbers(args[0]):
        return args[0]  # what was changed in place
    return tree_map(lambda each: _There(each) if goes_there and isinstance(each, torch.Tensor) else each, result)


def _numbers(value: Any) -> Any:
    return value.numbers if isinstance(value, _There) else value
