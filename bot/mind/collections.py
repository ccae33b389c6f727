"""What `rag_config.yaml` says: the collections of the library."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from bot.mind.places import Patterns
from bot.mind.spec import StrictModel
from bot.mind.texts import Language, Name

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
