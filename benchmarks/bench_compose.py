"""Composing, measured beside PEFT and beside copying.

    python -m benchmarks.bench_compose [--json PATH] [--rounds N]

Every contender writes the same two adapters' sum, or copies it, into a folder that is not there yet; they take
turns, and the medians are shown. The adapters are as large as real ones: SmolLM2-135M at rank 8 in its attention,
and Qwen3-30B-A3B's attention at rank 16 (26.7 MB each). All files read are in the page cache, as copying leaves them.

* `compose`: packages opened and checked before, as in a running service.
* `from cold`: from opening the packages, with every number looked at and hashed.
* `store`: `CompositionStore.ensure` of something never made before, with the digest of what was written.
* `copy`: `shutil.copytree` of the composition, in this process and, on Linux, inside the kernel.
* `cp`: the system's `cp -r` of the composition.
* `PEFT`: `add_weighted_adapter(combination_type="cat")` and `save_pretrained`, with both adapters loaded before. Its
  base model has the shapes of the real one and no weights: they are not looked at.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from rich.console import Console
from rich.table import Table

from inference.adapters.compatibility import check_compatible
from inference.adapters.compose import compose
from inference.adapters.package import WEIGHTS_FILE, AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.base_model import BaseModelSpec
from tests.fakes.adapters import QWEN3_30B_A3B, SMOLLM2, read_tensors, write_adapter

FASTER_THAN_PEFT, AGAINST_COPYING = 6.0, 1.5
"""The goals: at least so many times faster than PEFT, at most so many times the time of copying."""

MEMORY_PROBE = """
import sys
from pathlib import Path
from inference.adapters.compose import compose
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from tests.fakes import adapters

def status(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key)) * 1024

folder, base, weight = Path(sys.argv[1]), getattr(adapters, sys.argv[2]), float(sys.argv[3])
parts = [Part(AdapterPackage.open(folder / name), weight) for name in ("one", "two")]
for part in parts:
    part.package.verify()
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
compose(parts, base, folder / "memory")
print(status("VmHWM") - before)
"""


@dataclass
class Result:
    """Seconds (medians), bytes and ratios of one case."""

    case: str
    bytes_written: int
    compose: float
    from_cold: float
    store: float
    copy: float
    cp: float
    peft: float
    peak_memory: int | None
    """How much the process grew while composing; None where the system does not tell."""

    @property
    def against_copy(self) -> float:
        return self.compose / self.copy

    @property
    def faster_than_peft(self) -> float:
        return self.peft / self.compose


@dataclass
class Contender:
    """One way to get the sum into a folder, and what has to be tidied afterwards, untimed."""

    run: Callable[[Path], object]
    tidy: Callable[[], object] = lambda: None


def measure(contenders: dict[str, Contender], target: Path, rounds: int) -> dict[str, float]:
    """Median seconds of each contender; they take turns, each into a new folder, which is removed untimed."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            start = time.perf_counter()
            contender.run(target)
            if turn:  # the first is to warm up
                seconds[name].append(time.perf_counter() - start)
            shutil.rmtree(target)
            contender.tidy()
    return {name: statistics.median(values) for name, values in seconds.items()}


def peft_model(base: BaseModelSpec, folder: Path) -> Any:
    """PEFT with both adapters loaded on a model of `base`'s shapes; nobody reads its weights, so they are not made."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, LlamaConfig, Qwen3MoeConfig

    if base is SMOLLM2:
        config: Any = LlamaConfig(
            hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3
        )
    else:
        # LoRA is in the attention only: two small experts stand in for the 128 large ones.
        config = Qwen3MoeConfig(
            hidden_size=2048, num_hidden_layers=48, num_attention_heads=32, num_key_value_heads=4, head_dim=128,
            num_experts=2, num_experts_per_tok=1, moe_intermediate_size=8, intermediate_size=8, vocab_size=64,
        )  # fmt: skip
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model = model.to_empty(device="cpu")
    # Kept in bfloat16, as they are on disk: by default PEFT makes them float32 and is slower still.
    adapted = PeftModel.from_pretrained(model, folder / "one", adapter_name="one", autocast_adapter_dtype=False)
    adapted.load_adapter(folder / "two", adapter_name="two", autocast_adapter_dtype=False)
    return adapted


def peft_sum(model: Any, weight: float, target: Path) -> None:
    model.add_weighted_adapter(["one", "two"], [weight, weight], "sum", combination_type="cat")
    model.save_pretrained(target, selected_adapters=["sum"])


def case(name: str, base: BaseModelSpec, folder: Path, weight: float, model: Any, rounds: int) -> Result:
    """Measure one pair of adapters at one weight."""

    def opened() -> list[Part]:
        return [Part(AdapterPackage.open(folder / adapter), weight) for adapter in ("one", "two")]

    def forget() -> None:
        model.delete_adapter("sum")

    parts = opened()
    for part in parts:
        check_compatible(part.package, base)
    report = compose(parts, base, folder / "made")
    peft_sum(model, weight, folder / "peft")
    forget()
    assert_same_sum(folder / "made", folder / "peft" / "sum")
    composition = shutil.copytree(folder / "made", folder / f"composition-{weight}")
    contenders = {
        "compose": Contender(lambda target: compose(parts, base, target)),
        "copy": Contender(lambda target: shutil.copytree(composition, target)),
        "cp": Contender(lambda target: subprocess.run(["cp", "-r", composition, target], check=True)),
        "from_cold": Contender(lambda target: compose(opened(), base, target)),
        "store": Contender(lambda target: CompositionStore(target).get_or_compose(parts, base)),
        "peft": Contender(lambda target: peft_sum(model, weight, target), forget),
    }
    seconds = measure(contenders, folder / "target", rounds)
    return Result(name, report.size, peak_memory=peak_memory(folder, base, weight), **seconds)


def assert_same_sum(ours: Path, theirs: Path) -> None:
    """What is compared must be the same: some deltas of both, to the precision of bfloat16."""
    mine, other = read_tensors(ours / WEIGHTS_FILE), read_tensors(theirs / WEIGHTS_FILE)
    names = sorted(name for name in mine if name.endswith("lora_A.weight"))
    for name in names[:: len(names) // 5]:
        second = name.replace("lora_A", "lora_B")
        a, b = mine[second] @ mine[name], other[second] @ other[name]
        np.testing.assert_allclose(a, b, rtol=0, atol=0.02 * float(np.abs(a).max()))


def peak_memory(folder: Path, base: BaseModelSpec, weight: float) -> int | None:
    """How much a process grows while it composes."""
    if not Path("/proc/self/clear_refs").exists():
        return None
    name = "SMOLLM2" if base is SMOLLM2 else "QWEN3_30B_A3B"
    probe = [sys.executable, "-c", MEMORY_PROBE, str(folder), name, str(weight)]
    return int(subprocess.run(probe, check=True, capture_output=True, text=True).stdout)


def show(results: list[Result]) -> None:
    table = Table(title="Composing two adapters: medians in milliseconds")
    for column in (
        "case",
        "MB",
        "compose",
        "from cold",
        "store",
        "copy",
        "cp",
        "PEFT",
        "× copy",
        "× cp",
        "PEFT ÷",
        "RAM MB",
    ):
        table.add_column(column, justify="left" if column == "case" else "right", no_wrap=True)
    for it in results:
        copying = f"[{'green' if it.against_copy <= AGAINST_COPYING else 'red'}]{it.against_copy:.2f}"
        faster = f"[{'green' if it.faster_than_peft >= FASTER_THAN_PEFT else 'red'}]{it.faster_than_peft:.1f}"
        memory = "" if it.peak_memory is None else f"{it.peak_memory / 1e6:.1f}"
        times = [f"{seconds * 1e3:.2f}" for seconds in (it.compose, it.from_cold, it.store, it.copy, it.cp, it.peft)]
        table.add_row(
            it.case, f"{it.bytes_written / 1e6:.1f}", *times, copying, f"{it.compose / it.cp:.2f}", faster, memory
        )
    console = Console()
    console.width = max(console.width, 140)
    console.print(table)
    console.print(f"Goals: × copy at most {AGAINST_COPYING}; {FASTER_THAN_PEFT:.0f} times as fast as PEFT (PEFT ÷).")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure composing beside PEFT and beside copying.")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each contender (default 15)")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as scratch:
        for label, base, rank in (("SmolLM2-135M, rank 8", SMOLLM2, 8), ("Qwen3-30B-A3B, rank 16", QWEN3_30B_A3B, 16)):
            folder = Path(scratch) / base.name
            for seed, name in enumerate(("one", "two")):
                shutil.copytree(
                    write_adapter(folder / f"{name}-new", base, seed=seed, rank=rank, alpha=2 * rank).folder,
                    folder / name,
                )
            model = peft_model(base, folder)
            for weight in (1.0, 0.7):
                results += [case(f"{label}, weights {weight}", base, folder, weight, model, options.rounds)]
    show(results)
    if options.json:
        machine = {"cpu": platform.processor(), "cores": os.cpu_count(), "python": platform.python_version()}
        ratios = [{"against_copy": it.against_copy, "faster_than_peft": it.faster_than_peft} for it in results]
        figures = [asdict(it) | ratio for it, ratio in zip(results, ratios, strict=True)]
        options.json.write_text(json.dumps({"machine": machine, "results": figures}, indent=2))


if __name__ == "__main__":
    main()
