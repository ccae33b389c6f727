"""Stands in for SGLang's package of CUDA kernels on a machine without an NVIDIA driver.

The real `sgl_kernel` links against libcuda and cannot be imported here, although SGLang's plain torch code path
calls none of its kernels. Importing this one also makes pinned (page-locked) memory ordinary memory: SGLang asks
for it on every path, and torch refuses it where there is no accelerator to copy to.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch
from absent import stand_in

if TYPE_CHECKING:
    from collections.abc import Callable

_FACTORIES = ("arange", "empty", "empty_strided", "full", "ones", "rand", "randint", "randn", "tensor", "zeros")
_FACTORIES_LIKE = ("empty_like", "full_like", "ones_like", "rand_like", "randn_like", "zeros_like")


def _unpinned(factory: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    @functools.wraps(factory)
    def make(*args: Any, pin_memory: bool = False, **kwargs: Any) -> torch.Tensor:
        return factory(*args, **kwargs)

    return make


def _same(tensor: torch.Tensor, *_args: object, **_kwargs: object) -> torch.Tensor:
    return tensor


for _name in (*_FACTORIES, *_FACTORIES_LIKE):
    setattr(torch, _name, _unpinned(getattr(torch, _name)))
setattr(torch.Tensor, "pin_memory", _same)  # noqa: B010  # torch's stub does not let it be assigned

__getattr__ = stand_in(__name__, "this server runs on the CPU, without SGLang's CUDA kernels")
