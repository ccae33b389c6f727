"""Trains one LoRA adapter on dialogues, and writes it as a folder: weights, PEFT's config and our manifest.

LoRA: Hu et al., 2021, arXiv:2106.09685. A topic is trained while the core is active and frozen, with part of the
core's dialogues rehearsed (experience replay: Rolnick et al., 2019, arXiv:1811.11682), so that the sum of both
keeps what each has learnt. For part of its dialogues the core is silent, so that the topic also stands on its own.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, get_cosine_schedule_with_warmup

from inference.adapters.manifest import AdapterKind, AdapterManifest, write_manifest
from inference.adapters.package import AdapterPackage
from inference.engines.tokenizer import ChatTokenizer, read_context_length
from inference.training.dialogues import Dialogue, split_dialogues
from inference.training.encoding import Batch, Example, make_batches
from inference.training.loss import batch_loss, mean_loss
from inference.training.preparation import NothingToLearn, PreparedDialogues, prepare_dialogues
from inference.training.recipe import Recipe

CORE_ADAPTER = "core"
"""The name under which the frozen core is active while a topic is trained."""
TRAINED_ADAPTER = "trained"


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the dialogues came to; losses in nats per answer token."""

    number: int
    training_loss: float
    validation_loss: float
    core_validation_loss: float | None
    """None when no core is rehearsed."""

    @property
    def stopping_loss(self) -> float:
        """What early stopping watches: with a core, the topic and the core count alike."""
        if self.core_validation_loss is None:
            return self.validation_loss
        return (self.validation_loss + self.core_validation_loss) / 2


@dataclass(frozen=True, slots=True)
class FrozenCore:
    """The core a topic is trained on top of."""

    package: Path
    dialogues: Sequence[Dialogue]


@dataclass(frozen=True, slots=True)
class TrainedAdapter:
    """Weights of the best epoch, as PEFT names them, float32."""

    tensors: dict[str, torch.Tensor]
    config: LoraConfig
    epochs: list[Epoch]
    best_epoch: int
    """Number of the epoch the weights are of."""


def train(
    base: Path,
    dialogues: Sequence[Dialogue],
    recipe: Recipe,
    *,
    core: FrozenCore | None = None,
    on_prepared: Callable[[PreparedDialogues], None] = lambda _: None,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> TrainedAdapter:
    """Fine-tune an adapter until its validation loss stops falling.

    Dialogues must carry the system message they will be answered under. Blocks for minutes.

    Args:
        on_prepared: called before anything is learnt with the adapter's own dialogues, and then with the core's.

    Raises:
        TooManyLeftOut: more of the dialogues cannot be learnt than the recipe allows.
        NothingToLearn: there are too few to keep one back and learn another.
    """
    torch.manual_seed(recipe.seed)
    tokenizer = ChatTokenizer(base)
    limit = read_context_length(base, recipe.max_tokens)

    def prepare(some: Sequence[Dialogue]) -> tuple[list[Example], list[Example]]:
        prepared = prepare_dialogues(some, tokenizer, max_tokens=limit, max_left_out=recipe.max_left_out)
        on_prepared(prepared)
        parts = split_dialogues([*prepared.examples], recipe.validation_share, recipe.seed)
        return prepared.examples_of(parts[0]), prepared.examples_of(parts[1])

    learnt, kept_back = prepare(dialogues)
    core_learnt, core_kept_back = prepare(core.dialogues) if core else ([], [])
    if not learnt or not kept_back:
        raise NothingToLearn
    model = _load_trainable(base, recipe, core)
    trainable = [p for p in model.parameters() if p.requires_grad]
    rehearsed = round(len(core_learnt) * recipe.rehearsal)

    # Batches with the core and without it may each end with one that is not full.
    steps_an_epoch = -(-(len(learnt) + rehearsed) // recipe.batch_size) + (1 if core else 0)
    steps = steps_an_epoch * recipe.epochs
    optimizer = torch.optim.AdamW(trainable, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = get_cosine_schedule_with_warmup(optimizer, round(steps * recipe.warmup), steps)
    order = random.Random(recipe.seed)  # noqa: S311 - a shuffle that a seed repeats

    epochs: list[Epoch] = []
    best: tuple[Epoch, dict[str, torch.Tensor]] | None = None
    for number in range(1, recipe.epochs + 1):
        silent = round(len(learnt) * recipe.core_dropout) if core else 0
        own = order.sample(learnt, len(learnt))
        heard = own[silent:] + order.sample(core_learnt, rehearsed)
        model.train()
        total, tokens = 0.0, 0
        for batch, with_core in _shuffled_batches(heard, own[:silent], recipe.batch_size, order):
            _set_core_active(model, with_core)
            loss, count = batch_loss(model, batch)
            (loss / count).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            torch.nn.utils.clip_grad_norm_(trainable, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            total, tokens = total + loss.item(), tokens + count
        model.eval()
        _set_core_active(model, active=True)
        epoch = Epoch(
            number,
            training_loss=total / tokens,
            validation_loss=mean_loss(model, kept_back),
            core_validation_loss=mean_loss(model, core_kept_back) if core else None,
        )
        epochs.append(epoch)
        on_epoch(epoch)
        if best is None or epoch.stopping_loss < best[0].stopping_loss:
            weights = get_peft_model_state_dict(model, adapter_name=TRAINED_ADAPTER)
            best = epoch, {name: tensor.detach().float().clone() for name, tensor in weights.items()}
        elif number - best[0].number >= recipe.patience:
            break
    assert best is not None
    return TrainedAdapter(best[1], model.peft_config[TRAINED_ADAPTER], epochs, best[0].number)


def _shuffled_batches(
    core_active: Sequence[Example], core_silent: Sequence[Example], size: int, rng: random.Random
) -> list[tuple[Batch, bool]]:
    """Batches in random order, each with whether the core is heard while it is learnt."""
    made = []
    for examples, with_core in ((core_active, True), (core_silent, False)):
        shuffled = rng.sample(examples, len(examples))
        made += [(batch, with_core) for batch in make_batches(shuffled, size)]
    rng.shuffle(made)
    return made


def _set_core_active(model: Any, active: bool) -> None:
    """Let the frozen core be heard, or silence it; nothing to do where there is none."""
    for module in model.modules():
        if isinstance(module, LoraLayer) and CORE_ADAPTER in module.scaling:
            module.set_scale(CORE_ADAPTER, 1.0 if active else 0.0)


def _load_trainable(base: Path, recipe: Recipe, core: FrozenCore | None) -> Any:
    """The base in bfloat16 with a fresh float32 adapter to train, over the frozen core if there is one."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    config = LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, target_modules=list(recipe.modules), task_type="CAUSAL_LM"
    )
    if core is None:
        return get_peft_model(model, config, adapter_name=TRAINED_ADAPTER)
    adapted = PeftModel.from_pretrained(model, core.package, adapter_name=CORE_ADAPTER)
    adapted.add_adapter(TRAINED_ADAPTER, config)
    adapted.base_model.set_adapter([CORE_ADAPTER, TRAINED_ADAPTER])
    for name, parameter in adapted.named_parameters():
        parameter.requires_grad_(f".{TRAINED_ADAPTER}." in name)
    return adapted


def save_adapter(
    trained: TrainedAdapter,
    folder: Path,
    *,
    name: str,
    kind: AdapterKind,
    base_model: str,
    recipe: Recipe,
    core_digest: str | None,
) -> AdapterManifest:
    """Write the adapter into `folder` in bfloat16, replacing what was there only once it is whole."""
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    save_file(
        {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in trained.tensors.items()},
        unfinished / "adapter_model.safetensors",
        metadata={"format": "pt"},
    )
    config = trained.config
    # PEFT would write the folder the base was loaded from, which means nothing on another machine.
    config.base_model_name_or_path = base_model
    config.inference_mode = True
    config.save_pretrained(unfinished)
    best = trained.epochs[trained.best_epoch - 1]
    manifest = AdapterManifest(
        name=name,
        kind=kind,
        base_model=base_model,
        trained_on=core_digest,
        digest=AdapterPackage.open(unfinished).digest,
        recipe=recipe.model_dump(mode="json"),
        figures={
            "epochs": float(trained.best_epoch),
            "training_loss": round(best.training_loss, 4),
            "validation_loss": round(best.validation_loss, 4),
        },
    )
    write_manifest(unfinished, manifest)
    if folder.exists():
        shutil.rmtree(folder)
    unfinished.rename(folder)
    return manifest
