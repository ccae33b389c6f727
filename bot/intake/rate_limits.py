"""Rate limits of people and chats, and the keys that they are counted under."""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2s
from typing import Final
from uuid import UUID

from bot.core.errors import MessageRefused
from bot.core.fair_slots import may_hold_another
from bot.core.messages import Incoming
from bot.intake.access import denial_notice_key
from consilium.errors import N_, N_plural
from db.infra.connection import Connection, PersonConnection
from db.people import linking, token_buckets
from db.people.chats import chat_key
from db.people.token_buckets import Refusal, TokenBucket
from db.turns import admin_queries

OWN_DATA_COMMANDS: Final = frozenset({"memory", "forget", "export", "privacy"})
"""Commands about a person's own data. They work even when the daily quota is spent."""
_OWN_DATA_LIMIT: Final = TokenBucket(burst=5, per_minute=5, per_day=50)
TASKS_PER_MESSAGE: Final = 5
"""Requests of its own that a front end may make for each message that a person may send: a title, tags, follow-ups,
search queries. Somebody who writes such prompts themselves gets no further."""
_FULL_RETRY_AFTER: Final = 60.0
"""Seconds after which it is worth trying a full service again."""
_SHARE_RETRY_AFTER: Final = 2.0
"""The same for a share that is full: its own answers end all the time."""


class LimitExceeded(MessageRefused):
    """Root of the reasons why a message is refused now, although nothing is wrong with it.

    Attributes:
        retry_after: seconds until it is worth another try.
    """

    def __init__(self, retry_after: float, **details: object) -> None:
        super().__init__(**details)
        self.retry_after = retry_after


class TooManyMessages(LimitExceeded):
    """A person writes faster than their rate limit allows."""

    sentence = N_("You write faster than I can answer.")
    remedy = N_("Send it again in {seconds} s.")

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds, seconds=math.ceil(seconds))


class QuotaSpent(LimitExceeded):
    """A person has used up their messages of the day."""

    sentence = N_plural(
        "You have sent {quota} message today, which is all I can answer in a day.",
        "You have sent {quota} messages today, which is all I can answer in a day.",
        "quota",
    )
    remedy = N_("The count starts again in {hours} h.")

    def __init__(self, quota: int, seconds: float) -> None:
        super().__init__(seconds, quota=quota, hours=math.ceil(seconds / 3600))


class ChatTooBusy(LimitExceeded):
    """A chat exceeds its rate limit or its messages of the day."""

    sentence = N_("There are too many messages in this chat for me to keep up.")
    remedy = N_("Try again in {minutes} min, or write to me in private.")

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds, minutes=math.ceil(seconds / 60))


class ServiceFull(LimitExceeded):
    """As many messages wait as the service accepts."""

    sentence = N_plural(
        "Too many people are asking right now ({waiting} message waits).",
        "Too many people are asking right now ({waiting} messages wait).",
        "waiting",
    )
    remedy = N_("Only this message was not saved: send it again in a few minutes.")

    def __init__(self, waiting: int) -> None:
        super().__init__(_FULL_RETRY_AFTER, waiting=waiting)


class ShareFull(LimitExceeded):
    """A program or platform has as many messages open as is fair while others wait too."""

    sentence = N_plural(
        "Too many messages come from here: {waiting} waits, and the rest of the room is for others.",
        "Too many messages come from here: {waiting} wait, and the rest of the room is for others.",
        "waiting",
    )
    remedy = N_("Only this message was not saved: send it again in a moment.")

    def __init__(self, waiting: int) -> None:
        super().__init__(_SHARE_RETRY_AFTER, waiting=waiting)


class TooManyAtOnce(LimitExceeded):
    """An API key has as many messages open as it may have."""

    sentence = N_plural(
        "This API key may have {limit} message open at a time.",
        "This API key may have {limit} messages open at a time.",
        "limit",
    )
    remedy = N_("Send it again when one of them is answered.")

    def __init__(self, limit: int) -> None:
        super().__init__(_SHARE_RETRY_AFTER, limit=limit)


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How many messages are accepted."""

    person: TokenBucket
    chat: TokenBucket
    max_open_turns: int
    """Messages of all people together that may wait or be worked on at a time."""


async def enforce_rate_limits(
    connection: Connection, limits: RateLimits, user_id: UUID, incoming: Incoming, *, own_data: bool = False
) -> None:
    """Count a message. An error rolls the transaction back, and the count with it.

    Args:
        own_data: it is one of `OWN_DATA_COMMANDS`, which have a limit of their own once the quota is spent.

    Raises:
        LimitExceeded: with the seconds to wait.
    """
    if not incoming.counts_toward_limits:
        return
    await _enforce_fair_share(connection, limits.max_open_turns, incoming)
    if incoming.task_of is not None:
        await _count_task(connection, limits.person, incoming.platform, incoming.task_of)
        return
    refusal = await token_buckets.consume(connection, person_key(user_id), limits.person)
    if refusal is not None and refusal.reason == "quota" and own_data:
        refusal = await token_buckets.consume(connection, own_data_key(user_id), _OWN_DATA_LIMIT)
    if refusal is not None:
        raise _limit_error(refusal, limits.person)
    if incoming.chat is not None:
        refusal = await token_buckets.consume(connection, chat_key(incoming.platform, incoming.chat), limits.chat)
        if refusal is not None:
            raise ChatTooBusy(refusal.retry_after)


def share_of(incoming: Incoming) -> str:
    """What a message is counted as where all share something: its API key, or its platform."""
    return incoming.share or incoming.platform


async def _enforce_fair_share(connection: Connection, size: int, incoming: Incoming) -> None:
    """Refuse a message for which there is no place among those that wait or are being answered.

    Raises:
        ServiceFull, ShareFull, TooManyAtOnce: and why.
    """
    share, limit = share_of(incoming), incoming.share_limit
    if limit is not None:
        await admin_queries.lock_share(connection, share)
    of_all, of_share = await admin_queries.count_open_turns(connection, share, size)
    if limit is not None and of_share >= limit:
        raise TooManyAtOnce(limit)
    if of_all >= size:
        raise ServiceFull(size)
    if not may_hold_another(of_share, of_all, size):
        raise ShareFull(of_share)


async def _count_task(connection: Connection, person: TokenBucket, platform: str, task_of: str) -> None:
    """Count a front end's own request, apart from the messages of the one it is made for."""
    bucket = TokenBucket(
        person.burst * TASKS_PER_MESSAGE,
        person.per_minute * TASKS_PER_MESSAGE,
        min(person.per_day * TASKS_PER_MESSAGE, token_buckets.UNLIMITED),
    )
    refusal = await token_buckets.consume(connection, task_key(platform, task_of), bucket)
    if refusal is not None:
        raise _limit_error(refusal, bucket)


def _limit_error(refusal: Refusal, limit: TokenBucket) -> LimitExceeded:
    if refusal.reason == "quota":
        return QuotaSpent(limit.per_day, refusal.retry_after)
    return TooManyMessages(refusal.retry_after)


def person_key(user_id: UUID) -> str:
    """Key of a person's messages."""
    return f"person:{user_id}"


def own_data_key(user_id: UUID) -> str:
    """Key of a person's own-data commands after their quota is spent."""
    return f"own:{user_id}"


def task_key(platform: str, task_of: str) -> str:
    """Key of the requests that a front end makes by itself for somebody. It does not tell for whom."""
    return f"task:{blake2s(f'{platform}:{task_of}'.encode(), digest_size=16).hexdigest()}"


def link_attempts_key(user_id: UUID) -> str:
    """Key of a person's attempts to enter a link code."""
    return f"link:{user_id}"


async def rate_limit_keys(connection: PersonConnection) -> list[str]:
    """All keys that a person's actions are counted under."""
    identities = await linking.list_identities(connection)
    denial_keys = [denial_notice_key(identity.platform, None, identity.external_id) for identity in identities]
    task_keys = [task_key(identity.platform, identity.external_id) for identity in identities]
    person = connection.user_id
    return [person_key(person), own_data_key(person), link_attempts_key(person), *denial_keys, *task_keys]
