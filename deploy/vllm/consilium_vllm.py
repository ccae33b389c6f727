"""A plugin of vLLM: on a CPU, the base model answers as the base beside requests with adapters.

vLLM gives a token without an adapter the slot -1. Its kernels for GPUs skip it; on a CPU it is an index into the slots,
and the base answers with the adapter in the last one (vLLM 0.32.0, seen here). The folder is on PYTHONPATH, so vLLM
finds the plugin and calls `register` in each of its processes.
"""

from __future__ import annotations

from typing import Any


def register() -> None:
    """Have the first half of an adapter's product be zero for tokens without one."""
    from vllm.lora.ops.torch_ops import lora_ops
    from vllm.platforms import current_platform

    shrink = lora_ops.bgmv_shrink
    if not current_platform.is_cpu() or getattr(shrink, "leaves_base_alone", False):
        return

    def shrink_adapted(
        inputs: Any, lora_b_weights: Any, output_tensor: Any, lora_indices_tensor: Any, scaling: float = 1.0
    ) -> None:
        shrink(inputs, lora_b_weights, output_tensor, lora_indices_tensor, scaling)
        output_tensor[lora_indices_tensor[: len(output_tensor)] < 0] = 0

    shrink_adapted.leaves_base_alone = True  # type: ignore[attr-defined]
    lora_ops.bgmv_shrink = shrink_adapted
