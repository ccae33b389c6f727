"""What `mind.yaml` says."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from bot.mind.places import AdapterFolder, MindFile
from bot.mind.spec import StrictModel
from bot.mind.texts import Alias, Language, Localized, LocalText, Name, Text
from inference.adapters.manifest import AdapterKind

StrictInt = Annotated[int, Strict()]
StrictFloat = Annotated[float, Strict()]


class Adapter(StrictModel):
    """One adapter of a mind; its name is the key it stands under."""

    kind: AdapterKind = Field(examples=["topic"])
    path: AdapterFolder = Field(examples=["adapters/sport"])
    aliases: tuple[Alias, ...] = Field(default=(), examples=["[спорт, sports]"])
    description: Localized = Field(default=LocalText({}), examples=["{en: What it knows., ru: О чём он.}"])
    collections: tuple[Name, ...] = Field(default=(), examples=["[articles]"])
    """Collections it draws on; empty for every collection that is open to it."""
    dialogues: MindFile | None = Field(default=None, examples=["dialogues/sport.train.jsonl"])
    """What it is trained on, and what `auto` knows it by."""
    heldout: MindFile | None = Field(default=None, examples=["dialogues/sport.heldout.jsonl"])
    """What it is measured by: never trained on."""


class NamedMode(StrictModel):
    """A mode under a name of its own; the name is the key it stands under."""

    mode: Text = Field(examples=["core+sport"])
    title: Localized = Field(default=LocalText({}), examples=["{en: Coach, ru: Тренер}"])
    aliases: tuple[Alias, ...] = Field(default=(), examples=["[тренер]"])


class Forbidden(StrictModel):
    """Adapters that never answer together, and why."""

    adapters: tuple[Name, ...] = Field(min_length=2, examples=["[sport, physics]"])
    reason: Localized = Field(examples=["{en: They contradict each other., ru: Они противоречат друг другу.}"])


class Policies(StrictModel):
    """What a mind allows."""

    core_joins: bool = True
    """Whether the core joins every mode but `base` and the isolated ones by itself."""
    forbidden: tuple[Forbidden, ...] = Field(default=(), examples=["[{adapters: [sport, physics], reason: Why.}]"])
    auto_threshold: StrictFloat = Field(default=0.25, ge=-1, le=1, examples=["0.25"])
    """Likeness to an adapter's dialogues below which `auto` stays with the core."""
    auto_isolated: bool = False
    """Whether `auto` may choose an isolated adapter."""


class Triggers(StrictModel):
    """`<|use_lora_NAME|>` at the head of a message."""

    enabled: bool = True


class SamplingDefaults(StrictModel):
    """How this mind's answers are drawn."""

    max_tokens: StrictInt = Field(default=256, ge=1, le=32768, examples=["256"])
    temperature: StrictFloat = Field(default=0.7, ge=0, le=2, examples=["0.7"])
    top_p: StrictFloat = Field(default=0.9, gt=0, le=1, examples=["0.9"])
    repetition_penalty: StrictFloat = Field(default=1.1, ge=1, le=2, examples=["1.1"])


Role = Annotated[str, Field(pattern=r"^[a-z][a-z_-]*$", max_length=32)]


class MindSpec(StrictModel):
    """`mind.yaml`."""

    name: Name = Field(examples=["agoge"])
    title: Localized = Field(default=LocalText({}), examples=["{en: Agoge, ru: Агоге}"])
    base_model: Text = Field(examples=["SmolLM2-135M-Instruct"])
    languages: tuple[Language, ...] = Field(default=("en",), min_length=1, examples=["[en, ru]"])
    adapters: dict[Name, Adapter] = Field(examples=["{core: {kind: core, path: adapters/core}}"])
    modes: dict[Name, NamedMode] = Field(default={}, examples=["{coach: {mode: core+sport}}"])
    default_mode: Text = Field(default="auto", examples=["auto"])
    policies: Policies = Policies()
    triggers: Triggers = Triggers()
    access: dict[str, tuple[Role, ...]] = Field(default={}, examples=["{classical: [editor]}"])
    """Roles that may use an adapter, a named mode, `base` or `auto`; what is not listed is open to all."""
    sampling: SamplingDefaults = SamplingDefaults()
