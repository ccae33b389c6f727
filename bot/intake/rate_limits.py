"""Rate limits of people and chats, and the keys they are counted under."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from bot.core.errors import MessageRefused
from bot.core.messages import Incoming
from bot.intake.access import denial_notice_key
from consilium.errors import N_
from db.infra.connection import Connection, PersonConnection
from db.people import linking, token_buckets
from db.people.chats import chat_key
from db.people.token_buckets import Refusal, TokenBucket
from db.turns import admin_queries

OWN_DATA_COMMANDS: Final = frozenset({"memory", "forget", "export", "privacy"})
"""Commands by which a person sees to what is kept of him."""
_OWN_DATA_LIMIT: Final = TokenBucket(burst=5, per_minute=5, per_day=50)
_FULL_RETRY_AFTER: Final = 60.0
"""Seconds after which a full service is worth another try."""


class LimitExceeded(MessageRefused):
    """Root of why a message is not taken in now, though nothing is wrong with it.

    Attributes:
        wait: seconds until it is worth another try.
    """

    def __init__(self, retry_after: float, **details: object) -> None:
        super().__init__(**details)
        self.retry_after = retry_after


class TooManyMessages(LimitExceeded):
    """A person writes faster than he may."""

    sentence = N_("You write faster than I can answer.")
    remedy = N_("Send it again in {seconds} s.")

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds, seconds=math.ceil(seconds))


class QuotaSpent(LimitExceeded):
    """A person has asked all that he may today."""

    sentence = N_("You have sent {quota} messages today, which is all I can answer in a day.")
    remedy = N_("It starts anew in {hours} h.")

    def __init__(self, quota: int, seconds: float) -> None:
        super().__init__(seconds, quota=quota, hours=math.ceil(seconds / 3600))


class ChatTooBusy(LimitExceeded):
    """A chat writes faster than it may, or has asked all it may today."""

    sentence = N_("So much is written in this chat that I cannot keep up.")
    remedy = N_("Try again in {minutes} min, or write to me in private.")

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds, minutes=math.ceil(seconds / 60))


class ServiceFull(LimitExceeded):
    """As many messages wait as the service may hold."""

    sentence = N_("Too many people are asking right now ({waiting} messages wait).")
    remedy = N_("Nothing of yours is lost but this message: send it again in a few minutes.")

    def __init__(self, waiting: int) -> None:
        super().__init__(_FULL_RETRY_AFTER, waiting=waiting)


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How much is taken in."""

    person: TokenBucket
    chat: TokenBucket
    max_open_turns: int
    """Messages of everybody that may wait or be in work at once."""


async def enforce_rate_limits(
    connection: Connection, limits: RateLimits, user_id: UUID, incoming: Incoming, *, own_data: bool = False
) -> None:
    """Count a message in; what is raised undoes the transaction, and the count with it.

    Args:
        own_data: it asks for what is kept of the person, or has it deleted: that he may also when his quota is spent.

    Raises:
        LimitExceeded: with how long to wait.
    """
    if not incoming.counts_toward_limits:
        return
    if await admin_queries.count_open_turns(connection, limits.max_open_turns) >= limits.max_open_turns:
        raise ServiceFull(limits.max_open_turns)
    refusal = await token_buckets.consume(connection, person_key(user_id), limits.person)
    if refusal is not None and refusal.reason == "quota" and own_data:
        refusal = await token_buckets.consume(connection, own_data_key(user_id), _OWN_DATA_LIMIT)
    if refusal is not None:
        raise _limit_error(refusal, limits.person)
    if incoming.chat is not None:
        refusal = await token_buckets.consume(connection, chat_key(incoming.platform, incoming.chat), limits.chat)
        if refusal is not None:
            raise ChatTooBusy(refusal.retry_after)


def person_key(user_id: UUID) -> str:
    """What a person's messages are counted under."""
    return f"person:{user_id}"


def own_data_key(user_id: UUID) -> str:
    """What it is counted under how often a person sees to his own data once his quota is spent."""
    return f"own:{user_id}"


def _limit_error(refusal: Refusal, allowance: TokenBucket) -> LimitExceeded:
    if refusal.reason == "quota":
        return QuotaSpent(allowance.per_day, refusal.retry_after)
    return TooManyMessages(refusal.retry_after)


def link_attempts_key(user_id: object) -> str:
    """What it is counted under how often a person enters a code."""
    return f"link:{user_id}"


async def rate_limit_keys(connection: PersonConnection) -> list[str]:
    """The keys of all that is counted for a person."""
    told = [denial_notice_key(one.platform, None, one.external_id) for one in await linking.list_identities(connection)]
    person = connection.user_id
    return [person_key(person), own_data_key(person), link_attempts_key(person), *told]
