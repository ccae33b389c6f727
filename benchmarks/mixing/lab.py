"""The campaign's base model in memory: adapters are trained on it, put into its weights, measured, and taken out."""

from __future__ import annotations

import math
import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from inference.adapters.factors import read_factors
from inference.adapters.manifest import AdapterKind, AdapterManifest, write_manifest
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.base_model import MODULE_PATHS, BaseModelSpec
from inference.engines.tokenizer import ChatTokenizer
from inference.training.dialogues import Dialogue
from inference.training.drift import divergence
from inference.training.encoding import Example, encode_dialogue, make_batch
from inference.training.loss import batch_loss

BASE_NAME: Final = "mixing-base"
BATCH: Final = 6


@dataclass(frozen=True, slots=True)
class Training:
    """How an adapter of the campaign is trained."""

    rank: int
    modules: tuple[str, ...]
    steps: int
    learning_rate: float
    seed: int


class Lab:
    """One base model, in float32, with adapters put in and out of its weights."""

    def __init__(self, folder: Path, neutral: Sequence[str]) -> None:
        """Load the model.

        Args:
            neutral: texts that drift is measured on.
        """
        self.folder = folder
        self.spec = BaseModelSpec.from_config(folder / "config.json", BASE_NAME)
        self.tokenizer = ChatTokenizer(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.model.requires_grad_(False)
        self._weights = {
            (layer, module): self.model.get_submodule(f"{self.spec.prefix}.{layer}.{MODULE_PATHS[module]}").weight
            for layer in range(self.spec.layers)
            for module in self.spec.modules
        }
        self._pristine = {place: weight.detach().clone() for place, weight in self._weights.items()}
        self._neutral = [torch.tensor([self.tokenizer.encode(text)[:64]]) for text in neutral]
        with torch.inference_mode():
            self._neutral_logits = [self.model(input_ids=ids).logits[0, :-1] for ids in self._neutral]

    def encode(self, dialogues: Sequence[Dialogue]) -> list[Example]:
        """Dialogues as this model reads them."""
        return [example for dialogue in dialogues for example in encode_dialogue(dialogue, self.tokenizer)]

    @contextmanager
    def wearing(self, parts: Sequence[Part]) -> Iterator[None]:
        """Parts' deltas in the weights while this is open."""
        changed = set()
        with torch.no_grad():
            for part in parts:
                with part.package.file.reader() as reader:
                    for layer, pairs in part.package.layers.items():
                        for module, pair in pairs.items():
                            a, b = read_factors(reader, pair)
                            delta = torch.from_numpy((part.scaled_weight * b @ a).astype(np.float32))
                            self._weights[layer, module] += delta
                            changed.add((layer, module))
        try:
            yield
        finally:
            with torch.no_grad():
                for place in changed:
                    self._weights[place].copy_(self._pristine[place])

    def loss(self, examples: Sequence[Example]) -> float:
        """Nats per answer token, of the model as it is now."""
        with torch.inference_mode():
            total = sum(batch_loss(self.model, make_batch(some)).item() for some in _batches(examples, 16))
        return total / sum(example.answer_tokens for example in examples)

    def drift(self) -> float:
        """KL(base || model as it is now) on the neutral texts, in nats a token."""
        total, tokens = 0.0, 0
        with torch.inference_mode():
            for ids, logits in zip(self._neutral, self._neutral_logits, strict=True):
                total += float(divergence(logits, self.model(input_ids=ids).logits[0, :-1]).sum().item())
                tokens += ids.shape[1] - 1
        return total / tokens

    def train(
        self,
        folder: Path,
        dialogues: Sequence[Dialogue],
        training: Training,
        core: AdapterPackage | None = None,
        rehearsed: Sequence[Dialogue] = (),
    ) -> None:
        """Train an adapter and write it, with its manifest; on a frozen core that is heard in every other step."""
        torch.manual_seed(training.seed)
        config = LoraConfig(
            r=training.rank, lora_alpha=2 * training.rank, target_modules=list(training.modules), task_type="CAUSAL_LM"
        )
        adapted = get_peft_model(self.model, config)
        adapted.peft_config["default"].base_model_name_or_path = BASE_NAME
        parameters = [parameter for parameter in adapted.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(parameters, lr=training.learning_rate, weight_decay=0.01)
        chance = random.Random(training.seed)
        examples, again = self.encode(dialogues), self.encode(rehearsed)
        for step in range(training.steps):
            for group in optimizer.param_groups:
                rising = min(1.0, (step + 1) / (0.1 * training.steps + 1))
                group["lr"] = training.learning_rate * rising * 0.5 * (1 + math.cos(math.pi * step / training.steps))
            heard = core is not None and step % 2 == 0
            some = chance.sample(examples, BATCH - (2 if heard and again else 0))
            some += chance.sample(again, 2) if heard and again else []
            with self.wearing([Part(core)] if heard and core else []):
                # Plain modules of the base are where the core is; PEFT's wrap them, and share their weights.
                loss = batch_loss(adapted, make_batch(some)) / sum(example.answer_tokens for example in some)
                optimizer.zero_grad()
                loss.backward()
            optimizer.step()
        making = folder.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        adapted.save_pretrained(making, save_embedding_layers=False)
        self.model = adapted.unload()
        digest = AdapterPackage.open(making).digest
        kind = AdapterKind.CORE if folder.name == "core" else AdapterKind.TOPIC
        write_manifest(
            making,
            AdapterManifest(
                name=folder.name,
                kind=kind,
                base_model=BASE_NAME,
                trained_on=core.digest if core is not None else None,
                digest=digest,
            ),
        )
        making.rename(folder)


def _batches(examples: Sequence[Example], size: int) -> Iterator[Sequence[Example]]:
    ordered = sorted(examples, key=lambda example: len(example.ids))
    for first in range(0, len(ordered), size):
        yield ordered[first : first + size]
