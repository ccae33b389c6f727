"""The pydantic models of `mind.yaml` and `rag_config.yaml`.

Their docstrings and examples are also in the JSON Schemas for editors (`bot.minds.json_schema`). An example is the YAML
text of a value: error messages show it, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, RootModel, Strict, StringConstraints

from bot.minds.errors import InvalidValue
from bot.minds.grammar import RESERVED, is_valid_name, normalise
from bot.minds.paths import AdapterFolder, MindFile, Patterns
from consilium.errors import N_
from inference.adapters.manifest import AdapterKind
from inference.adapters.merging.settings import SUM, MergeChoice
from inference.training.recipe import Recipe

ANY_LANGUAGE: Final = "und"
"""The ISO 639 code of a text without a language."""
DEFAULT_UPLOAD_COLLECTION: Final = "received"
"""The collection for documents sent in a chat, if the mind declares none for them."""


class StrictModel(BaseModel):
    """A part of a mind's file. It is immutable and accepts no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
"""An ISO 639 code, such as `en`."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
StrictInt = Annotated[int, Strict()]
StrictFloat = Annotated[float, Strict()]
Hundredths = Annotated[StrictFloat, AfterValidator(lambda number: round(number, 2))]
"""A number of which compositions keep two digits."""
MixWeight = Annotated[Hundredths, Field(ge=0.5, le=0.95)]
"""What the likelier one of two adapters weighs, of 1 together."""


class LocalText(RootModel[dict[Language, Text]]):
    """A text in one or more languages. A plain text without a language serves all of them."""

    model_config = ConfigDict(frozen=True)

    def text(self, language: str) -> str:
        """The text in `language`, else in English, else in the first language there is; empty if there is none."""
        for choice in (language, "en", *self.root):
            if choice in self.root:
                return self.root[choice]
        return ""

    def localize(self, language: str, translate: Callable[[str], str]) -> str:
        """The text in `language`. The author wrote it, so it is not looked up in the catalogue."""
        return self.text(language)

    def __str__(self) -> str:
        return self.text("en")


def _wrap_plain_text(value: Any) -> Any:
    return {ANY_LANGUAGE: value} if isinstance(value, str) else value


def _check_name(name: str) -> str:
    normal = normalise(name).strip()
    if not is_valid_name(normal):
        raise InvalidValue(
            N_("“{found}” cannot be a name."), N_("Begin with a letter and use letters, digits, “-” and “_”.")
        )
    if normal in RESERVED:
        raise InvalidValue(
            N_("“{found}” is a word of the mode grammar itself."),
            N_("Choose another; the reserved words are {reserved}."),
            reserved=", ".join(RESERVED),
        )
    return normal


def _check_canonical_name(name: str) -> str:
    if _check_name(name) != name:
        raise InvalidValue(
            N_("“{found}” is not how modes write this name."),
            N_("Write `{canonical}`."),
            canonical=normalise(name).strip(),
        )
    return name


def _check_overlap(chunking: Chunking) -> Chunking:
    if chunking.overlap >= chunking.size:
        raise InvalidValue(
            N_("“{place}” repeats {overlap} tokens in chunks of {size}."),
            N_("Write an `overlap` smaller than `size`, a fifth of it for example."),
            overlap=chunking.overlap,
            size=chunking.size,
        )
    return chunking


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _default_trust(fields: dict[str, Any]) -> Trust:
    return Trust.TABLES if fields.get("kind") is CollectionKind.TABLE else Trust.AUTHOR


Localized = Annotated[LocalText, BeforeValidator(_wrap_plain_text, json_schema_input_type=Text | dict[Language, Text])]
Name = Annotated[str, StringConstraints(max_length=64), AfterValidator(_check_canonical_name)]
"""A name in its canonical form: lower-case letters of any script, digits, `-`, `_`."""
Alias = Annotated[str, StringConstraints(max_length=64), AfterValidator(_check_name)]
"""Another name, in any case."""
Languages = Annotated[
    tuple[Language, ...],
    BeforeValidator(_as_list, json_schema_input_type=Language | list[Language]),
    Field(min_length=1),
]
"""One or more languages; a single one may be written without a list."""
CurvePoints = Annotated[
    tuple[Annotated[Hundredths, Field(ge=-3, le=3)], ...],
    Field(min_length=1, max_length=512),
]
"""Multipliers of a weight from the first layer to the last, at equal distances; between them it changes evenly."""
Role = Annotated[str, Field(pattern=r"^[a-z][a-z_-]*$", max_length=32)]
"""A role that the operator gives to people."""


class CollectionKind(StrEnum):
    """How documents are parsed, chunked and cited."""

    ARTICLE = "article"
    LECTURE = "lecture"
    """A transcript with timestamps."""
    TABLE = "table"
    DIARY = "diary"
    """Entries by date."""
    DIALOGUE = "dialogue"
    VOICE = "voice"
    """Examples of how the author speaks. They set the tone of answers and are never cited."""


class Trust(StrEnum):
    """Who a document's statements come from."""

    AUTHOR = "author"
    TABLES = "tables"
    """The author's tables and numbers."""
    USER = "user"


class Chunking(StrictModel):
    """How a document is cut into chunks."""

    size: int = Field(default=200, ge=32, le=2048, examples=["200"])
    """Maximum size of a chunk in tokens."""
    overlap: int = Field(default=40, ge=0, le=1024, examples=["40"])
    """Tokens at the end of a chunk that the next one repeats."""


class Collection(StrictModel):
    """One collection of documents."""

    kind: CollectionKind = Field(examples=["article"])
    """How its documents are parsed, chunked and cited."""
    path: Patterns = Field(examples=["library/articles/*.md"])
    """The documents: a path or pattern, or a list of them, relative to the mind's folder."""
    language: Languages = Field(examples=["en"])
    """Languages of the documents. If there are several, each document is in one of them."""
    chunking: Annotated[Chunking, AfterValidator(_check_overlap)] = Field(
        default=Chunking(), examples=["{size: 200, overlap: 40}"]
    )
    """How its documents are cut into chunks."""
    trust: Trust = Field(default_factory=_default_trust, examples=["author"])
    """Who its statements come from. Default: `tables` for a collection of tables, otherwise `author`."""
    adapters: tuple[Name, ...] = Field(default=(), examples=["[sport]"])
    """Adapters that may use it; empty for all."""
    receives: bool = Field(default=False, examples=["true"])
    """Whether it takes the documents that owners and admins send in a chat."""


class RagConfigFile(StrictModel):
    """`rag_config.yaml`."""

    collections: dict[Name, Collection] = Field(
        examples=["{articles: {kind: article, path: library/articles/*.md, language: en}}"]
    )
    """The library's collections by name; `{}` for a mind without a library."""

    @property
    def upload_collection(self) -> str:
        """The name of the collection for documents sent in a chat. `with_upload_collection` makes sure it exists."""
        return next(
            (name for name, collection in self.collections.items() if collection.receives), DEFAULT_UPLOAD_COLLECTION
        )

    def with_upload_collection(self, languages: Sequence[str]) -> RagConfigFile:
        """This configuration, with a default collection for documents sent in a chat if none is declared.

        Args:
            languages: the mind's languages, which the default collection gets.
        """
        if self.upload_collection in self.collections:
            return self
        default = Collection.model_construct(
            kind=CollectionKind.ARTICLE, path=(), language=tuple(languages), trust=Trust.AUTHOR, receives=True
        )
        return self.model_copy(update={"collections": {**self.collections, DEFAULT_UPLOAD_COLLECTION: default}})


class Adapter(StrictModel):
    """One adapter of a mind. Its key is its name."""

    kind: AdapterKind = Field(examples=["topic"])
    """`core`: how the author thinks; `topic`: adds to the core; `isolated`: never with the core."""
    path: AdapterFolder = Field(examples=["adapters/sport"])
    """The adapter's folder, relative to the mind's folder. Training writes it."""
    aliases: tuple[Alias, ...] = Field(default=(), examples=["[спорт, sports]"])
    """Other names of the adapter."""
    description: Localized = Field(default=LocalText({}), examples=["{en: What it knows., ru: О чём он.}"])
    """What the adapter is about, shown to people."""
    collections: tuple[Name, ...] = Field(default=(), examples=["[articles]"])
    """Collections it uses; empty for every collection that is open to it."""
    dialogues: MindFile | None = Field(default=None, examples=["dialogues/sport.train.jsonl"])
    """The dialogues it is trained on. `auto` also chooses adapters by them."""
    heldout: MindFile | None = Field(default=None, examples=["dialogues/sport.heldout.jsonl"])
    """Held-out dialogues: they measure the adapter and are never trained on."""
    training: Recipe = Field(default=Recipe(), examples=["{rank: 16, epochs: 3}"])
    """How it is trained, where that differs from the mind's `training`; options of `consilium train` go before both."""


class NamedMode(StrictModel):
    """A mode with a name. Its key is the name."""

    mode: Text = Field(examples=["core+sport"])
    """The mode it stands for."""
    title: Localized = Field(default=LocalText({}), examples=["{en: Coach, ru: Тренер}"])
    """What people see."""
    aliases: tuple[Alias, ...] = Field(default=(), examples=["[тренер]"])
    """Other names of the mode."""
    merge: MergeChoice | None = Field(default=None, examples=["ties", "{method: ties, density: 0.3}"])
    """How its adapters become one, where that differs from the mind's `policies.merge`."""
    curves: dict[Name, CurvePoints] = Field(default={}, examples=["{sport: [0.2, 1.0, 0.6]}"])
    """By adapter of the mode: what its weight is multiplied by from the first layer to the last, as points at equal
    distances; 1 in every layer unless given. `consilium adapters learn` writes them."""


class Forbidden(StrictModel):
    """Adapters that never answer together, and why."""

    adapters: tuple[Name, ...] = Field(min_length=2, examples=["[sport, physics]"])
    """Two or more adapters."""
    reason: Localized = Field(examples=["{en: They contradict each other., ru: Они противоречат друг другу.}"])
    """Why, in a sentence that people are shown."""


class GateAction(StrEnum):
    """What becomes of a composition that costs more than the mind allows."""

    WARN = "warn"
    """It is served, and people are told."""
    SCALE = "scale"
    """The other adapters get smaller weights; where that is not enough, the mode is refused."""
    PROJECT = "project"
    """What the others share with the core is taken out of them; where that is not enough, the mode is refused."""
    REFUSE = "refuse"
    """The mode is refused with a sentence that names modes that work."""


class CompositionGate(StrictModel):
    """What a composition may cost. Each is measured by `mind eval`, or else predicted from the weights."""

    core_kept: StrictFloat = Field(default=0.8, ge=0, le=1, examples=["0.8"])
    """Least share of the core's gain that a mode keeps, at strength 1."""
    drift: StrictFloat | None = Field(default=None, gt=0, examples=["1.5"])
    """How far a mode may drift from the base model on neutral texts, as a share of its first topic adapter's own drift;
    no limit unless given."""
    action: GateAction = Field(default=GateAction.WARN, examples=["warn"])
    """What becomes of a mode that costs more: `warn`, `scale`, `project` or `refuse`."""


class AutoMix(StrictModel):
    """The mixtures of two adapters that `auto` may answer with."""

    first: Annotated[tuple[MixWeight, ...], Field(min_length=1, max_length=4)] = Field(
        default=(0.7,), examples=["[0.7]", "[0.7, 0.5]"]
    )
    """Weights that the likelier of the two may have; the other one has the rest to 1."""
    most: StrictInt = Field(default=24, ge=1, le=1000, examples=["24"])
    """The most different mixtures that the mind may ever have; those of the adapters nearest in meaning come first."""


class Policies(StrictModel):
    """What a mind allows."""

    core_joins: bool = Field(default=True, examples=["true"])
    """Whether the core joins every mode by itself, except `base` and isolated adapters."""
    forbidden: tuple[Forbidden, ...] = Field(default=(), examples=["[{adapters: [sport, physics], reason: Why.}]"])
    """Sets of adapters that never answer together."""
    auto_threshold: StrictFloat | None = Field(default=None, ge=-1, le=1, examples=["0.5"])
    """How sure `auto` must be that a message belongs to an adapter and not to the core, 0 to 1. Best left out: then the
    mind's own dialogues decide. At 0 or less it always leaves the core."""
    adapter_strength: Hundredths = Field(default=1.0, ge=0.1, le=2, examples=["0.5"])
    """What the weight of every adapter is multiplied by, in every mode; kept in hundredths."""
    known_answers: bool = Field(default=False, examples=["true"])
    """Whether a question that stands in the library as a heading, with the author's answer below it, is answered with
    these very words and nothing is generated. Best for a small base model, which puts facts wrongly."""
    library_first: bool = Field(default=False, examples=["true"])
    """Whether what the library says on a question is the answer, quoted and cited, and the model speaks only where the
    library has nothing on it. For base models that are too small to state a fact."""
    activated: bool = Field(default=False, examples=["true"])
    """Whether a mode's adapter begins with the question instead of with the conversation. Then a change of mode reads
    nothing again, on the local engine; on a server the adapter reads the whole prompt as without it."""
    merge: MergeChoice = Field(default=SUM, examples=["sum", "{method: ties, density: 0.3}"])
    """How the adapters of a mode become one: their exact sum, or what a merge method makes of them."""
    gate: CompositionGate | None = Field(default=None, examples=["{core_kept: 0.8, action: warn}"])
    """What a composition may cost, and what becomes of one that costs more; nothing is looked at unless given."""
    auto_isolated: bool = Field(default=False, examples=["false"])
    """Whether `auto` may choose an isolated adapter."""
    auto_mix: AutoMix | None = Field(default=None, examples=["{first: [0.7], most: 24}"])
    """Whether `auto` answers with two adapters where a message lies between them, and with which weights; it always
    chooses one unless given."""


class Limits(StrictModel):
    """What newly trained adapters have to reach before they are promoted, in every mode that is evaluated."""

    gain: StrictFloat = Field(default=0.0, ge=0, lt=1, examples=["0.05"])
    """Least share of the base model's loss that an adapter takes away on its held-out dialogues; always above 0."""
    kept: StrictFloat = Field(default=0.97, ge=0, le=1, examples=["0.97"])
    """Least share of an adapter's gain that a composition keeps."""
    drift: StrictFloat = Field(default=0.5, gt=0, examples=["0.5"])
    """How far a mode may drift from the base model on neutral texts, as a share of its topic adapter's own drift."""
    sense: StrictFloat = Field(default=0.05, ge=0, le=1, examples=["0.05"])
    """How far the sense of answers, 0 to 1, may be below that of the base model with the same prompt."""
    voice: StrictFloat = Field(default=0.9, ge=0, le=1, examples=["0.9"])
    """Least AUC with which a classifier of the author's voice tells the answers from the base model's."""
    copied_words: StrictInt = Field(default=50, ge=1, examples=["50"])
    """The most words in a row that an answer may share with a training dialogue."""
    canaries: StrictInt = Field(default=0, ge=0, examples=["0"])
    """The most planted secrets that may come out."""
    personal: StrictInt = Field(default=0, ge=0, examples=["0"])
    """The most pieces of personal data that the answers of a mode may hold."""
    below_live: StrictFloat = Field(default=0.05, ge=0, le=1, examples=["0.05"])
    """How far sense and voice may be below those of the adapters in use, and by what share a gain may be smaller."""


class Triggers(StrictModel):
    """The triggers `<|use_lora_NAME|>` at the start of a message."""

    enabled: bool = Field(default=True, examples=["true"])
    """Whether they choose a mode for that message; if not, they are ordinary text."""


class SamplingDefaults(StrictModel):
    """How tokens of an answer are sampled."""

    max_tokens: StrictInt = Field(default=256, ge=1, le=32768, examples=["256"])
    """Maximum length of an answer in tokens."""
    temperature: StrictFloat = Field(default=0.7, ge=0, le=2, examples=["0.7"])
    """0 always takes the likeliest token."""
    top_p: StrictFloat = Field(default=0.9, gt=0, le=1, examples=["0.9"])
    """Only the likeliest tokens whose probabilities add up to this are sampled."""
    repetition_penalty: StrictFloat = Field(default=1.1, ge=1, le=2, examples=["1.1"])
    """Above 1, tokens that are already there become less likely."""


class Thinking(StrEnum):
    """Whether a model that can think before it answers does so, and who sees it."""

    OFF = "off"
    """It answers at once."""
    HIDDEN = "hidden"
    """It thinks, and only the answer is shown."""
    SHOWN = "shown"
    """It thinks, and its thoughts are shown while they come, apart from the answer."""


def _read_off(value: Any) -> Any:
    """YAML reads a bare `off` as false."""
    return Thinking.OFF if value is False else value


class MindSpec(StrictModel):
    """`mind.yaml`."""

    name: Name = Field(examples=["agoge"])
    """The mind's name."""
    title: Localized = Field(default=LocalText({}), examples=["{en: Agoge, ru: Агоге}"])
    """What people see."""
    base_model: Text = Field(examples=["SmolLM2-135M-Instruct"])
    """The model the adapters are trained on: a bundled name, a folder with a checkpoint or a hub id."""
    languages: tuple[Language, ...] = Field(default=("en",), min_length=1, examples=["[en, ru]"])
    """Languages the mind speaks; the first is the fallback."""
    base_languages: tuple[Language, ...] = Field(default=(), examples=["[en]"])
    """Those of `languages` that the base model writes; all of them unless given. A question in another one is answered
    with the author's own words from the library, and nothing is invented."""
    adapters: dict[Name, Adapter] = Field(examples=["{core: {kind: core, path: adapters/core}}"])
    """The mind's adapters by name; exactly one is the core."""
    modes: dict[Name, NamedMode] = Field(default={}, examples=["{coach: {mode: core+sport}}"])
    """Named modes by name."""
    default_mode: Text = Field(default="auto", examples=["auto"])
    """The mode of a new session."""
    policies: Policies = Field(default=Policies(), examples=["{core_joins: true}"])
    """What the mind allows."""
    limits: Limits = Field(default=Limits(), examples=["{kept: 0.97, voice: 0.9}"])
    """What newly trained adapters have to reach before they are promoted. What is left out has its default."""
    triggers: Triggers = Field(default=Triggers(), examples=["{enabled: true}"])
    """The triggers `<|use_lora_NAME|>` at the start of a message."""
    access: dict[str, tuple[Role, ...]] = Field(default={}, examples=["{classical: [editor]}"])
    """Roles that may use an adapter, a named mode, `base` or `auto`. Whatever is not listed is open to everyone."""
    thinking: Annotated[Thinking, BeforeValidator(_read_off, json_schema_input_type=Thinking)] = Field(
        default=Thinking.OFF, examples=["hidden"]
    )
    """Whether the model thinks before it answers. Thoughts are never remembered, and count towards `max_tokens`."""
    sampling: SamplingDefaults = Field(default=SamplingDefaults(), examples=["{max_tokens: 256, temperature: 0.7}"])
    """How tokens of an answer are sampled."""
    training: Recipe = Field(default=Recipe(), examples=["{learning_rate: 0.001}"])
    """How the mind's adapters are trained. What is left out has its default."""
