"""The keys in the database, as a process knows them: a change is noticed within seconds, without a restart."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, cast

from bot.channels.http.api_client import ApiClient, KeyLimits, PeopleSource, Right
from bot.channels.http.errors import (
    KeyBudgetSpent,
    KeyDayRequestsSpent,
    KeyDayTokensSpent,
    KeyMinuteRequestsSpent,
    KeyMinuteTokensSpent,
)
from bot.core.api_keys import key_digest
from db.infra.database import Database
from db.people import api_keys
from db.people.api_keys import ApiKey
from db.people.token_buckets import Refusal

FRESH_SECONDS: Final = 2.0
"""Seconds for which a key that was found is not looked up again: so long may a revoked one go on."""
MAX_KNOWN: Final = 10_000
"""Keys that are known at the same time. Those that do not exist are not among them."""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as it was when it was last looked up."""

    key: ApiKey
    seen_at: float
    """On the monotonic clock."""


class KeyStore:
    """Looks keys up, and counts what is used of them."""

    def __init__(self, database: Database, mind: str) -> None:
        self._database = database
        self._mind = mind
        self._known: dict[bytes, KnownKey] = {}

    async def find(self, text: str) -> ApiKey | None:
        """The key with this text, also one that is expired or revoked; None if there is none.

        Raises:
            DatabaseError: it is not known whether there is one.
        """
        digest = key_digest(text)
        known = self._known.get(digest)
        if known is not None and time.monotonic() - known.seen_at < FRESH_SECONDS:
            return known.key
        async with self._database.anonymous_transaction() as connection:
            key = await api_keys.find(connection, self._mind, digest)
            if key is not None and key.is_valid:
                await api_keys.mark_used(connection, key.id)
        self._known.pop(digest, None)
        if key is not None:
            if len(self._known) >= MAX_KNOWN:
                self._known.pop(next(iter(self._known)))
            self._known[digest] = KnownKey(key, time.monotonic())
        return key

    async def count_request(self, client: ApiClient) -> None:
        """Count a request of a key that has a budget of requests or tokens.

        Raises:
            KeyBudgetSpent: there is nothing left of it.
        """
        limits = client.limits
        if client.key_id is None or not limits.has_budget:
            return
        async with self._database.anonymous_transaction() as connection:
            tokens = await api_keys.check_tokens(
                connection, client.key_id, limits.tokens_per_minute, limits.tokens_per_day
            )
            _require_budget(
                tokens,
                (limits.tokens_per_minute, KeyMinuteTokensSpent),
                (limits.tokens_per_day, KeyDayTokensSpent),
            )
            requests = await api_keys.count_request(
                connection, client.key_id, limits.requests_per_minute, limits.requests_per_day
            )
            _require_budget(
                requests,
                (limits.requests_per_minute, KeyMinuteRequestsSpent),
                (limits.requests_per_day, KeyDayRequestsSpent),
            )

    async def charge_tokens(self, client: ApiClient, tokens: int) -> None:
        """Count tokens that were used without a turn. What goes beyond the budget is a debt that later minutes pay.

        Raises:
            DatabaseError: they may not have been counted.
        """
        if client.key_id is not None and tokens > 0:
            async with self._database.anonymous_transaction() as connection:
                await api_keys.charge_tokens(connection, client.key_id, tokens)


def client_of_key(key: ApiKey) -> ApiClient:
    """The client that a key stands for."""
    return ApiClient(
        name=key.name,
        key_id=key.id,
        rights=frozenset(cast("list[Right]", key.rights)),
        models=None if key.models is None else frozenset(key.models),
        people=None if key.people is None else tuple(key.people),
        people_from=frozenset(cast("list[PeopleSource]", key.people_from)),
        limits=KeyLimits(
            requests_per_minute=key.requests_per_minute,
            requests_per_day=key.requests_per_day,
            tokens_per_minute=key.tokens_per_minute,
            tokens_per_day=key.tokens_per_day,
            at_once=key.at_once,
        ),
    )


def _require_budget(
    refusal: Refusal | None,
    per_minute: tuple[int | None, type[KeyBudgetSpent]],
    per_day: tuple[int | None, type[KeyBudgetSpent]],
) -> None:
    if refusal is not None:
        limit, error = per_day if refusal.reason == "quota" else per_minute
        raise error(limit or 0, refusal.retry_after)
