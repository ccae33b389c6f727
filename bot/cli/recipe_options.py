"""The options of `consilium train` that shape an adapter: fields of `Recipe`, which `mind.yaml` may set as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from bot.cli.errors import BadRecipe
from bot.minds import Mind
from inference.training.recipe import Precision, Quantization, Recipe

_DEFAULTS: Final = Recipe().model_dump(mode="json")
_ADAPTER, _LEARNING, _DIALOGUES, _HARDWARE = "The adapter", "Learning", "Dialogues", "Hardware and memory"


def _option(field: str, help_text: str, panel: str, *names: str) -> Any:
    """An option that is left to mind.yaml, and then to the recipe's default, if it is not given."""
    default = _DEFAULTS[field]
    shown = ",".join(default) if isinstance(default, list) else str(default)
    return typer.Option(*names, help=help_text, rich_help_panel=panel, show_default=shown)


Rank = Annotated[int | None, _option("rank", "Rank of the LoRA.", _ADAPTER)]
Alpha = Annotated[
    int | None, typer.Option(help="Alpha of the LoRA.", rich_help_panel=_ADAPTER, show_default="2 × rank")
]
Modules = Annotated[
    str | None,
    _option("modules", "What the LoRA is on: attention, all-linear, or names of modules with commas.", _ADAPTER),
]
Dropout = Annotated[float | None, _option("dropout", "Dropout before the LoRA.", _ADAPTER)]
LearningRate = Annotated[float | None, _option("learning_rate", "Learning rate of AdamW at its highest.", _LEARNING)]
WeightDecay = Annotated[float | None, _option("weight_decay", "Weight decay of AdamW.", _LEARNING)]
Epochs = Annotated[int | None, _option("epochs", "Epochs, at most; early stopping may end it.", _LEARNING)]
Patience = Annotated[
    int | None, _option("patience", "Epochs without a better validation loss to stop after.", _LEARNING)
]
BatchSize = Annotated[int | None, _option("batch_size", "Examples that are computed at once.", _LEARNING)]
Accumulate = Annotated[
    int | None, _option("accumulate", "Batches whose gradients are added up to one step.", _LEARNING)
]
Seed = Annotated[int | None, _option("seed", "Seed of split, order, initial weights and dropout.", _LEARNING)]
Rehearsal = Annotated[
    float | None, _option("rehearsal", "Share of the core's dialogues that a topic is also trained on.", _DIALOGUES)
]
Anchor = Annotated[
    float | None,
    _option("anchor", "How much drift from the base model weighs beside the loss; 0: not at all.", _LEARNING),
]
MaxTokens = Annotated[
    int | None,
    _option("max_tokens", "Longest dialogue in tokens; longer ones are left out, never cut.", _DIALOGUES),
]
MaxLeftOut = Annotated[
    float | None,
    _option("max_left_out", "Share of the dialogues that may be left out before training is refused.", _DIALOGUES),
]
BatchTokens = Annotated[
    int | None,
    _option("batch_tokens", "Tokens that are computed at once, padding included.", _HARDWARE),
]
PrecisionOption = Annotated[Precision | None, _option("precision", "Number format of the base model.", _HARDWARE)]
Quantize = Annotated[
    Quantization | None, _option("quantize", "Store the base model in 4 bits (QLoRA; needs bitsandbytes).", _HARDWARE)
]
GradientCheckpointing = Annotated[
    bool | None,
    _option(
        "gradient_checkpointing",
        "Keep less in memory and compute it again.",
        _HARDWARE,
        "--gradient-checkpointing/--no-gradient-checkpointing",
    ),
]


def recipe_of(mind: Mind, name: str, options: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of an adapter: what a command line gives, else mind.yaml for the adapter, else for the mind.

    Args:
        options: values by field of `Recipe`; None where nothing was given, and other options besides.

    Raises:
        BadRecipe: a value cannot be used.
    """
    given = {
        field: value for field, value in (options or {}).items() if field in Recipe.model_fields and value is not None
    }
    try:
        return mind.training_recipe(name, given)
    except ValidationError as error:
        problem = error.errors()[0]
        option = str(problem["loc"][0])
        raise BadRecipe(option.replace("_", "-"), given.get(option), problem["msg"]) from None
