"""The pydantic models of `mind.yaml` and `rag_config.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, RootModel, Strict, StringConstraints
from pydantic_core import PydanticCustomError

from bot.minds.grammar import RESERVED, is_valid_name, normalise
from bot.minds.paths import AdapterFolder, MindFile, Patterns
from inference.adapters.manifest import AdapterKind


class StrictModel(BaseModel):
    """A part of a mind's file: unknown keys are mistakes, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
"""An ISO 639 code, as `en`."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
ANY_LANGUAGE = "und"
"""The ISO 639 code of a text whose language is not said."""


class LocalText(RootModel[dict[Language, Text]]):
    """A text by language; written plainly, without a language, it serves all."""

    model_config = ConfigDict(frozen=True)

    def text(self, language: str) -> str:
        """The text in `language`, else in English, else in the first one given; empty when there is none."""
        for choice in (language, "en", *self.root):
            if choice in self.root:
                return self.root[choice]
        return ""

    def localize(self, language: str, translate: Callable[[str], str]) -> str:
        """The text in `language`; an author's text needs no translation."""
        return self.text(language)

    def __str__(self) -> str:
        return self.text("en")


def _wrap_plain_text(value: Any) -> Any:
    return {ANY_LANGUAGE: value} if isinstance(value, str) else value


def _check_name(name: str) -> str:
    normal = normalise(name).strip()
    if not is_valid_name(normal):
        raise PydanticCustomError("no_name", "not a name")
    if normal in RESERVED:
        raise PydanticCustomError("reserved", "reserved", {"reserved": ", ".join(RESERVED)})
    return normal


def _check_canonical_name(name: str) -> str:
    if _check_name(name) != name:
        raise PydanticCustomError("not_canonical", "not canonical", {"canonical": normalise(name).strip()})
    return name


Localized = Annotated[LocalText, BeforeValidator(_wrap_plain_text)]
Name = Annotated[str, StringConstraints(max_length=64), AfterValidator(_check_canonical_name)]
"""A name as modes are written with: small letters of any script, digits, `-`, `_`."""
Alias = Annotated[str, StringConstraints(max_length=64), AfterValidator(_check_name)]
"""Another name; written in any case."""

DEFAULT_UPLOAD_COLLECTION: Final = "received"
"""The collection of what owners send in a chat, where no collection of the mind's own takes it."""


class CollectionKind(StrEnum):
    """How documents are parsed, cut and cited."""

    ARTICLE = "article"
    LECTURE = "lecture"
    """A transcript with timestamps."""
    TABLE = "table"
    DIARY = "diary"
    """Entries by date."""
    DIALOGUE = "dialogue"
    VOICE = "voice"
    """How the author speaks: examples to sound like, never to cite."""


class Trust(StrEnum):
    """Whose word a document is."""

    AUTHOR = "author"
    TABLES = "tables"
    """The author's tables and numbers."""
    USER = "user"


class Chunking(StrictModel):
    """How a document is cut."""

    size: int = Field(default=200, ge=32, le=2048)
    """Tokens of a chunk at most."""
    overlap: int = Field(default=40, ge=0, le=1024)
    """Tokens a chunk repeats of the one before it."""


def _check_overlap(chunking: Chunking) -> Chunking:
    if chunking.overlap >= chunking.size:
        raise PydanticCustomError("overlap", "overlap", {"overlap": chunking.overlap, "size": chunking.size})
    return chunking


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _default_trust(fields: dict[str, Any]) -> Trust:
    return Trust.TABLES if fields.get("kind") is CollectionKind.TABLE else Trust.AUTHOR


class Collection(StrictModel):
    """One collection of documents."""

    kind: CollectionKind = Field(examples=["article"])
    path: Patterns = Field(examples=["library/articles/*.md"])
    language: Annotated[tuple[Language, ...], BeforeValidator(_as_list), Field(min_length=1, examples=["en"])]
    """The documents' languages; where there are several, each document is in one of them."""
    chunking: Annotated[Chunking, AfterValidator(_check_overlap)] = Chunking()
    trust: Trust = Field(default_factory=_default_trust, examples=["author"])
    adapters: tuple[Name, ...] = Field(default=(), examples=["[sport]"])
    """Adapters that may use it; empty for all."""
    receives: bool = Field(default=False, examples=["true"])
    """Whether documents that owners and admins send in a chat go into it."""


class RagConfigFile(StrictModel):
    """`rag_config.yaml`."""

    collections: dict[Name, Collection] = Field(
        examples=["{articles: {kind: article, path: library/articles/*.md, language: en}}"]
    )

    @property
    def upload_collection(self) -> str:
        """Name of the collection that takes what owners and admins send; it is there once this is `completed`."""
        return next(
            (name for name, collection in self.collections.items() if collection.receives), DEFAULT_UPLOAD_COLLECTION
        )

    def with_upload_collection(self, languages: Sequence[str]) -> RagConfigFile:
        """With a collection that takes what is sent, if none of the mind's own does.

        Args:
            languages: those of the mind.
        """
        if self.upload_collection in self.collections:
            return self
        made = Collection.model_construct(
            kind=CollectionKind.ARTICLE, path=(), language=tuple(languages), trust=Trust.AUTHOR, receives=True
        )
        return self.model_copy(update={"collections": {**self.collections, DEFAULT_UPLOAD_COLLECTION: made}})


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
