"""Whether one more message can be taken in: per person, per chat and in all, counted over all processes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from bot.channels.port import Incoming
from bot.turns.errors import MessageRefused
from consilium.errors import N_
from db import allowances, oversight
from db.allowances import Allowance, Refusal
from db.chats import chat_key
from db.connection import Connection

_FULL_FOR: Final = 60.0
"""Seconds after which a full service is worth another try."""


class NotAdmitted(MessageRefused):
    """Root of why a message is not taken in now, though nothing is wrong with it.

    Attributes:
        wait: seconds until it is worth another try.
    """

    def __init__(self, wait: float, **details: object) -> None:
        super().__init__(**details)
        self.wait = wait


class TooManyMessages(NotAdmitted):
    """A person writes faster than he may."""

    sentence = N_("You write faster than I can answer.")
    remedy = N_("Send it again in {seconds} s.")

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds, seconds=math.ceil(seconds))


class QuotaSpent(NotAdmitted):
    """A person has asked all that he may today."""

    sentence = N_("You have sent {quota} messages today, which is all I can answer in a day.")
    remedy = N_("It starts anew in {hours} h.")

    def __init__(self, quota: int, seconds: float) -> None:
        super().__init__(seconds, quota=quota, hours=math.ceil(seconds / 3600))


class ChatTooBusy(NotAdmitted):
    """A chat writes faster than it may, or has asked all it may today."""

    sentence = N_("So much is written in this chat that I cannot keep up.")
    remedy = N_("Try again in {minutes} min, or write to me in private.")

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds, minutes=math.ceil(seconds / 60))


class ServiceFull(NotAdmitted):
    """As many messages wait as the service may hold."""

    sentence = N_("Too many people are asking right now ({waiting} messages wait).")
    remedy = N_("Nothing of yours is lost but this message: send it again in a few minutes.")

    def __init__(self, waiting: int) -> None:
        super().__init__(_FULL_FOR, waiting=waiting)


@dataclass(frozen=True, slots=True)
class Ceilings:
    """How much is taken in."""

    person: Allowance
    chat: Allowance
    waiting: int
    """Messages of everybody that may wait or be in work at once."""


async def admit(connection: Connection, ceilings: Ceilings, user_id: UUID, incoming: Incoming) -> None:
    """Count a message in; what is raised undoes the transaction, and the count with it.

    Raises:
        NotAdmitted: with how long to wait.
    """
    if not incoming.counted:
        return
    if await oversight.open_turns(connection, ceilings.waiting) >= ceilings.waiting:
        raise ServiceFull(ceilings.waiting)
    refusal = await allowances.take(connection, person_key(user_id), ceilings.person)
    if refusal is not None:
        raise _refused(refusal, ceilings.person)
    if incoming.chat is not None:
        refusal = await allowances.take(connection, chat_key(incoming.platform, incoming.chat), ceilings.chat)
        if refusal is not None:
            raise ChatTooBusy(refusal.wait)


def person_key(user_id: UUID) -> str:
    """What a person's messages are counted under."""
    return f"person:{user_id}"


def _refused(refusal: Refusal, allowance: Allowance) -> NotAdmitted:
    if refusal.of == "quota":
        return QuotaSpent(allowance.per_day, refusal.wait)
    return TooManyMessages(refusal.wait)
