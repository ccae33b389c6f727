"""Whether training, composing and answering work on this machine's hardware: `make gpu-check`.

A base model with random weights in the shape of Qwen3 is made here, so no network is needed. Each line is one check,
with its result and its time; the exit code is 1 if one fails. On a GPU it takes about two minutes, on two processor
cores without one about as long, with a smaller model.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import torch

from inference.adapters.manifest import AdapterKind
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.adapters.usage import AdapterRef
from inference.base_model import BaseModelSpec
from inference.device import answering_dtype, find_device, free_memory, supports_bfloat16
from inference.engines.local import LocalEngine
from inference.engines.port import Finished, GenerationRequest, Message, Sampling
from inference.engines.tokenizer import ChatTokenizer
from inference.training.hardware import Hardware
from inference.training.outcome import TrainedAdapter
from inference.training.plan import plan_adapter
from inference.training.recipe import Quantization, Recipe
from inference.training.saving import save_adapter
from inference.training.trainer import TrainingOptions, train
from tests.fixtures.forked_training import Work, train_and_kill, train_apart, train_together
from tests.fixtures.peft_reference import Voice, speaking
from tests.fixtures.tiny_base import grey_dialogues, tiny_lesson, write_tiny_base

LARGER = {"hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 16}
LARGER |= {"num_key_value_heads": 8, "head_dim": 64}
"""What the base model has on an accelerator: about 150 million weights."""
RECIPE = Recipe(rank=8, epochs=3, patience=3, batch_size=2, accumulate=2, dropout=0.05)
HELLO = [Message("user", "What of bread?")]


class NotRun(Exception):
    """A check that this machine cannot make."""


class CheckFailed(Exception):
    """A check that was made and did not pass."""


@dataclass
class GpuCheck:
    """The checks, in their order; later ones use what earlier ones have made."""

    device: torch.device
    folder: Path

    @cached_property
    def base(self) -> Path:
        """The base model."""
        return write_tiny_base(self.folder / "base", **({} if self.device.type == "cpu" else LARGER))

    @property
    def hardware(self) -> Hardware:
        return Hardware(self.device)

    def describe(self) -> str:
        """What there is."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        bfloat16 = "bfloat16" if supports_bfloat16(self.device) else "no bfloat16"
        count = f", {torch.cuda.device_count()} GPUs" if self.device.type == "cuda" else ""
        return f"{name}{count}, {free_memory(self.device) / 1e9:.1f} GB free, {bfloat16}, torch {torch.__version__}"

    def train_core(self) -> str:
        """A core, with dropout and accumulation."""
        return _course(self._train("core", RECIPE))

    def train_topic(self) -> str:
        """A topic on the core, with gradient checkpointing."""
        return _course(self._train("topic", RECIPE.model_copy(update={"gradient_checkpointing": True})))

    def continue_killed(self) -> str:
        """A training that is killed three times."""
        work = Work(self.base, RECIPE, device=str(self.device))
        expected = train_apart(work)
        unsteady = replace(work, checkpoints=self.folder / "killed")
        rng = random.Random(1)
        killed = [step for _ in range(3) if (step := train_and_kill(unsteady, rng, rng.randint(1, 3))) is not None]
        found = train_apart(unsteady)
        where = f"killed after steps {', '.join(map(str, killed))}"
        if found.weights == expected.weights:
            return f"{where}: the adapter's bytes are those of an undisturbed run"
        miss = max(abs(a - b) for a, b in zip(found.losses, expected.losses, strict=True))
        # On a GPU sums may come in another order each time.
        if self.device.type == "cpu" or miss > 0.05:
            raise CheckFailed(f"{where}: the losses differ by up to {miss:.4f} from those of an undisturbed run")
        return f"{where}: losses within {miss:.4f} of an undisturbed run (a GPU's sums differ from run to run)"

    def train_together(self) -> str:
        """Two processes that share every step."""
        if self.device.type == "mps" or (self.device.type == "cuda" and torch.cuda.device_count() < 2):
            raise NotRun("there is one GPU")
        name = self.device.type
        recipe = RECIPE.model_copy(update={"dropout": 0.0})
        alone = train_apart(Work(self.base, recipe, device=name))
        together = train_together(Work(self.base, recipe, device=name), 2)
        if together[0].weights != together[1].weights:
            raise CheckFailed("the two processes ended with different adapters")
        miss = max(abs(a - b) for a, b in zip(together[0].losses, alone.losses, strict=True))
        if miss > 0.05:
            raise CheckFailed(f"the losses differ by up to {miss:.4f} from those of one process")
        return f"losses within {miss:.4f} of one process"

    def train_quantized(self) -> str:
        """QLoRA: the base in four bits."""
        if importlib.util.find_spec("bitsandbytes") is None:
            raise NotRun("bitsandbytes is not installed")
        if self.device.type == "mps":
            raise NotRun("bitsandbytes has no kernels for it")
        recipe = RECIPE.model_copy(update={"quantize": Quantization.FOUR_BIT})
        return _course(self._train("quantized", recipe))

    def compare_memory(self) -> str:
        """What the plan says beside what a training takes."""
        lesson = tiny_lesson(self.base, RECIPE)
        planned = plan_adapter(self.base, lesson, RECIPE, self.hardware).memory
        told = planned.total - planned.libraries
        if self.device.type != "cuda":
            return f"the plan says {told / 1e6:.0f} MB beside the libraries; measured only on CUDA"
        torch.cuda.reset_peak_memory_stats(self.device)
        before = torch.cuda.memory_allocated(self.device)
        train(self.base, lesson, RECIPE, options=TrainingOptions(hardware=self.hardware))
        taken = torch.cuda.max_memory_allocated(self.device) - before
        if not 0.5 < told / taken < 3:
            raise CheckFailed(f"the plan says {told / 1e6:.0f} MB, and {taken / 1e6:.0f} MB were taken")
        return f"the plan says {told / 1e6:.0f} MB, and {taken / 1e6:.0f} MB were taken"

    def answer(self) -> str:
        """The local engine, with the composition of both adapters."""
        return asyncio.run(self._answer())

    def compose(self) -> str:
        """The composition's logits against PEFT with both adapters active, on this device."""
        from transformers import AutoModelForCausalLM

        dtype = answering_dtype(self.device)
        model: Any = AutoModelForCausalLM.from_pretrained(self.base, dtype=dtype).to(self.device)
        ids = torch.tensor([ChatTokenizer(self.base).encode_prompt(HELLO)], device=self.device)

        def logits(voices: list[Voice]) -> np.ndarray[Any, np.dtype[np.float32]]:
            with speaking(model, voices) as speaker, torch.inference_mode():
                found: np.ndarray[Any, np.dtype[np.float32]] = speaker(ids).logits[0].float().cpu().numpy()
                return found

        base = logits([])
        both = logits([Voice(self.folder / "core"), Voice(self.folder / "topic")])
        composed = logits([Voice(self._composition())])
        miss, moved = float(np.abs(composed - both).mean()), float(np.abs(both - base).mean())
        # The composition is rounded once more, to bfloat16.
        if not miss < 0.05 * moved + 1e-4:
            raise CheckFailed(f"mean |Δ| {miss:.2g} where the adapters move the logits by {moved:.2g}")
        return f"mean |Δ| {miss:.2g}, where the adapters move the logits by {moved:.2g} ({str(dtype)[6:]})"

    def _train(self, name: str, recipe: Recipe) -> TrainedAdapter:
        core = self.folder / "core" if name == "topic" else None
        rehearsed = grey_dialogues() if core else None
        lesson = tiny_lesson(self.base, recipe, rehearsed)
        trained = train(self.base, lesson, recipe, core=core, options=TrainingOptions(hardware=self.hardware))
        save_adapter(
            trained,
            self.folder / name,
            name=name,
            kind=AdapterKind.TOPIC if core else AdapterKind.CORE,
            base_model="random",
            core_digest=AdapterPackage.open(core).digest if core else None,
        )
        return trained

    def _composition(self) -> Path:
        base = BaseModelSpec.from_config(self.base / "config.json", "random")
        parts = [Part(AdapterPackage.open(self.folder / name)) for name in ("core", "topic")]
        return CompositionStore(self.folder / "compositions").get_or_compose(parts, base).path

    async def _answer(self) -> str:
        both = AdapterRef("both", self._composition())
        taught = grey_dialogues(1)[0].messages[-1].content
        async with LocalEngine(self.base, device=str(self.device)) as engine:
            with_adapter = (await engine.score(HELLO, taught, both)).mean_loss
            without = (await engine.score(HELLO, taught)).mean_loss
            tokens, began = 0, time.monotonic()
            async for event in engine.generate(GenerationRequest(HELLO, both, Sampling(max_tokens=32, seed=1))):
                if isinstance(event, Finished):
                    tokens = event.usage.completion_tokens
            speed = tokens / (time.monotonic() - began)
        if not tokens or with_adapter >= without:
            raise CheckFailed(f"{tokens} tokens; what was taught has the loss {with_adapter:.3f}, {without:.3f} before")
        return f"{speed:.0f} tokens/s; what was taught has the loss {with_adapter:.3f}, {without:.3f} without adapters"


def _course(trained: TrainedAdapter) -> str:
    first, last = trained.losses[0], trained.losses[-1]
    if not last < first - 0.05:
        raise CheckFailed(f"the loss went from {first:.3f} to {last:.3f}")
    recipe = trained.recipe
    return f"loss {first:.3f} → {last:.3f}, validation {trained.best.validation_loss:.3f} ({recipe.precision})"


def main() -> int:
    """Make all checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    device = find_device(parser.parse_args().device)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if device.type == "cpu":
        torch.set_num_threads(1)  # several wait for each other longer than so small a model computes
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        check = GpuCheck(device, Path(folder))
        steps: list[tuple[str, Callable[[], str]]] = [
            ("device", check.describe),
            ("train a core", check.train_core),
            ("train a topic", check.train_topic),
            ("kill, continue", check.continue_killed),
            ("QLoRA", check.train_quantized),
            ("two processes", check.train_together),
            ("memory", check.compare_memory),
            ("compose", check.compose),
            ("answer", check.answer),
        ]
        for name, step in steps:
            began = time.monotonic()
            try:
                mark, result = "✓", step()
            except NotRun as reason:
                mark, result = "–", f"not run: {reason}"
            except Exception as error:
                failed += 1
                mark, result = "✗", f"{type(error).__name__}: {error}".partition("\n")[0]
            print(f"{mark} {name:<15} {time.monotonic() - began:6.1f} s  {result}", flush=True)
    print(f"{failed} of {len(steps)} checks failed" if failed else f"all is well on {device}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
