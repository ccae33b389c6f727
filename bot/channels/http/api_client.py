"""The program that sends a request: whom its key lets it name, which modes it may ask, and what it may do.

Every endpoint gets its client from `client_of`, and names people and accepts messages only through it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal
from uuid import UUID

from starlette.requests import Request

from bot.channels.http.errors import ModelNotInScope, PersonNotInScope, RightMissing
from bot.core.messages import Incoming
from db.turns.turns import KEY_SHARE

Right = Literal["read", "write"]
PeopleSource = Literal["user", "openwebui", "n8n"]

RIGHTS: Final[tuple[Right, ...]] = ("read", "write")
"""`read`: modes, turns and memories, and what changes nothing. `write`: ask, change and delete."""
PEOPLE_SOURCES: Final[tuple[PeopleSource, ...]] = ("user", "openwebui", "n8n")
"""By what a front end names its people: `user` and `safety_identifier`; Open WebUI's headers; n8n's conversation."""
ANY_SUFFIX: Final = "*"
"""At the end of a pattern of people: any names that begin so."""
_READING_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """How much a key may use, over all processes; None: no limit of its own."""

    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None
    """Of prompts and answers together."""
    tokens_per_day: int | None = None
    at_once: int | None = None
    """Messages that may wait or be answered at the same time."""

    @property
    def has_budget(self) -> bool:
        """Whether requests or tokens are limited over time."""
        budgets = (self.requests_per_minute, self.requests_per_day, self.tokens_per_minute, self.tokens_per_day)
        return any(budget is not None for budget in budgets)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """A program that may use the API, by the key that it sends."""

    name: str
    """What its people belong to: two keys of one name know the same people. Empty: a program without a key."""
    key_id: UUID | None = None
    """None for the key of the settings, and without a key."""
    rights: frozenset[Right] = frozenset(RIGHTS)
    models: frozenset[str] | None = None
    """Modes in canonical form; None: all."""
    people: tuple[str, ...] | None = None
    """Names of people, or beginnings of names with a `*`; None: everybody."""
    people_from: frozenset[PeopleSource] = frozenset({"user"})
    """By what it may name them. What is not among these names nobody."""
    limits: KeyLimits = KeyLimits()

    @property
    def share(self) -> str:
        """What its messages are counted as where all share something, such as the waiting room."""
        return f"{KEY_SHARE}:{self.key_id}" if self.key_id is not None else f"client:{self.name}"

    def require_method(self, method: str) -> None:
        """Raises `RightMissing` unless the key may send requests with this HTTP method."""
        self.require("read" if method in _READING_METHODS else "write")

    def require(self, right: Right) -> None:
        """Raises `RightMissing` unless the key has this right."""
        if right not in self.rights:
            raise RightMissing(right)

    def allows_model(self, mode: str) -> bool:
        """Whether the key may ask this mode, in canonical form."""
        return self.models is None or mode in self.models

    def require_model(self, mode: str) -> None:
        """Raises `ModelNotInScope` unless the key may ask this mode, in canonical form."""
        if not self.allows_model(mode):
            raise ModelNotInScope(mode)

    def external_id(self, person: str | None) -> str:
        """The id of one of the client's people on our platform, which no client of another name has.

        A client's name has no colon, so the first colon separates the two.

        Args:
            person: None for nobody: the program itself.

        Raises:
            PersonNotInScope: the key may not name this person.
        """
        if person and not self._may_name(person):
            raise PersonNotInScope
        return f"{self.name}:{person or ''}"

    def admit(self, incoming: Incoming) -> Incoming:
        """A message of the client's, to be counted as the client's.

        Raises:
            RightMissing, ModelNotInScope: the key may not ask this.
        """
        self.require("write")
        # A front end's own request, such as for a title, is answered by the base model.
        if incoming.client_conversation is not None and incoming.task_of is None:
            self.require_model(incoming.client_conversation.mode)
        return replace(incoming, share=self.share, share_limit=self.limits.at_once)

    def _may_name(self, person: str) -> bool:
        if self.people is None:
            return True
        return any(
            person.startswith(pattern.removesuffix(ANY_SUFFIX)) if pattern.endswith(ANY_SUFFIX) else person == pattern
            for pattern in self.people
        )


def client_of(request: Request) -> ApiClient:
    """The client that sent a request, in an endpoint of the API."""
    client: ApiClient = request.state.client
    return client
