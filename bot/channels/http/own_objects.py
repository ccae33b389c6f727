"""The objects of our own endpoints: modes and compositions, turns, memories, documents, passages of the library."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from bot.channels.http.response_models import ResponseModel


class ModeObject(ResponseModel):
    """A mode that can be asked for by one name."""

    object: Literal["mode"] = "mode"
    name: Annotated[str, Field(examples=["sport"])]
    kind: Literal["core", "topic", "isolated", "named", "auto", "base"]
    about: str
    aliases: list[str]
    mode: Annotated[str, Field(examples=["core+sport"])]
    """The mode in canonical form."""


class ModeList(ResponseModel):
    object: Literal["list"] = "list"
    mind: str
    default: str
    """The mode of who asks for none."""
    data: list[ModeObject]


class TurnUsage(ResponseModel):
    prompt_tokens: int | None
    completion_tokens: int | None


class FeedbackObject(ResponseModel):
    """What a person thinks of an answer."""

    rating: Literal[1, -1]
    comment: str | None
    created_at: str


class TurnObject(ResponseModel):
    """One message and its answer."""

    id: str
    object: Literal["turn"] = "turn"
    state: str
    question: str
    answer: str | None
    mode: str | None
    asked_mode: str | None
    adapter: str | None
    finish_reason: str | None
    usage: TurnUsage
    sources: list[dict[str, Any]] | None
    memories: list[str] | None
    error: str | None
    feedback: FeedbackObject | None
    """What the person thinks of the answer; null if they have not said."""
    created_at: str
    ended_at: str | None


class TurnList(ResponseModel):
    object: Literal["list"] = "list"
    data: list[TurnObject]
    has_more: bool
    """Whether there are earlier ones: ask with `before` for those before the last."""


class MemoryObject(ResponseModel):
    """What is remembered of a person."""

    id: str
    object: Literal["memory"] = "memory"
    kind: str
    content: str
    created_at: str


class MemoryList(ResponseModel):
    object: Literal["list"] = "list"
    data: list[MemoryObject]


class ForgottenCounts(ResponseModel):
    """How much was forgotten, by its kind."""

    facts: int
    messages: int
    answers: int
    documents: int


class UnsureRecord(ResponseModel):
    """What may say the same, and was kept."""

    record: str
    """Can be deleted as a memory can."""
    kind: str
    content: str
    date: str


class DeletedMemory(ResponseModel):
    id: str
    object: Literal["memory"] = "memory"
    deleted: Literal[True] = True
    forgotten: ForgottenCounts
    unsure: list[UnsureRecord]


class DeletedMemories(ResponseModel):
    object: Literal["list"] = "list"
    deleted: int
    """How many."""


class PassageObject(ResponseModel):
    """A passage of the library."""

    object: Literal["passage"] = "passage"
    title: str
    """Of its document."""
    where: str
    """The place in the document: a heading, a page, a row."""
    quote: str
    collection: str
    trust: str
    """Whether it is the author's text, a table of theirs, or somebody else's."""
    date: str | None
    """The day of the text, if it has one."""
    score: float
    """In this search: the higher, the better."""


class PassageList(ResponseModel):
    object: Literal["list"] = "list"
    mode: Annotated[str, Field(examples=["core+sport"])]
    """The mode whose collections were searched, in canonical form."""
    data: list[PassageObject]


class PartObject(ResponseModel):
    """An adapter in a composition."""

    adapter: Annotated[str, Field(examples=["sport"])]
    kind: Literal["core", "topic", "isolated"]
    weight: float
    """What its change of the base model is multiplied by; the mind's strength is in it."""
    layers: tuple[int, int] | None
    """The first and the last layer that it acts on, counted from 0; null for all."""


class ModeComposition(ResponseModel):
    """What a mode is composed of."""

    object: Literal["mode.composition"] = "mode.composition"
    mode: Annotated[str, Field(examples=["core+sport"])]
    """In canonical form."""
    composition: Annotated[str | None, Field(examples=["c-9b1e2f4a7c6d8e0f1a2b3c4d5e6f7a8b"])]
    """Its name, the same for the same recipe; null where no adapter is used, and for `auto`, which chooses later."""
    parts: list[PartObject]
    """As asked for; the mind's policy may serve smaller weights."""
    is_composed: bool
    """Whether it is on the disk already. If not, the first question in the mode composes it."""
    rank: int | None
    """Of the composition, if it is there."""
    bytes: int | None
    """Of its weights, if it is there."""
    loaded: bool | None
    """Whether the engine holds it; null where the engine does not say."""


class CompositionObject(ResponseModel):
    """A composition that is there already."""

    id: Annotated[str, Field(examples=["c-9b1e2f4a7c6d8e0f1a2b3c4d5e6f7a8b"])]
    object: Literal["composition"] = "composition"
    parts: list[PartObject]
    merge: Annotated[str | None, Field(examples=["ties"])]
    """How the adapters are merged; null for their exact sum."""
    rank: int
    bytes: int
    """Of its weights."""
    truncation_error: float
    """What was lost where the rank was cut, as a share of the whole; 0 where nothing was."""
    last_used_at: str
    loaded: bool | None
    """Whether the engine holds it; null where the engine does not say."""


class CompositionList(ResponseModel):
    object: Literal["list"] = "list"
    data: list[CompositionObject]


class ComparisonObject(ResponseModel):
    """The changes of two adapters beside each other."""

    cosine: float
    """1 for the same direction, 0 for independent ones, -1 for opposite ones."""
    input_overlap: float
    """Of the directions that they read, 0 to 1."""
    output_overlap: float
    """Of the directions that they write, 0 to 1."""
    sign_conflict: float
    """Of what both add to the same numbers, the share with opposite signs; half for independent ones."""
    norms: tuple[float, float]
    """How large they are."""


class PairConflict(ResponseModel):
    """How two adapters of a mode get in each other's way."""

    adapters: tuple[str, str]
    total: ComparisonObject
    layers: dict[str, ComparisonObject]
    """By layer."""
    modules: dict[str, ComparisonObject]
    """By the kind of module."""


class ExpectedCost(ResponseModel):
    """A share of what an adapter has learnt."""

    expected: float
    low: float
    high: float


class CostVerdict(ResponseModel):
    """What an adapter loses beside the others, predicted from the weights."""

    adapter: str
    others: list[str]
    cost: ExpectedCost
    text: str
    """The same in a sentence, with a line for each remedy where much is lost."""


class ConflictList(ResponseModel):
    object: Literal["list"] = "list"
    mode: Annotated[str, Field(examples=["core+sport"])]
    """In canonical form."""
    data: list[PairConflict]
    """Each pair of the mode's adapters; none where it has fewer than two."""
    verdicts: list[CostVerdict]


class DocumentObject(ResponseModel):
    """A document that was taken."""

    object: Literal["document"] = "document"
    turn: str
    """The id of the turn that took it."""
    name: Annotated[str, Field(examples=["notes.md"])]
    """What it is known by: one of the same name replaces it."""
    to: Literal["memory", "library"]
    passages: int
    """The parts that can be found."""
    replaced: bool
    """Whether it has taken the place of an earlier one."""
    notes: list[str]
    """What is told about it beside its text."""
