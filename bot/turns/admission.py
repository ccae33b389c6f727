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

OWN_DATA: Final = frozenset({"memory", "forget", "export", "privacy"})
"""Commands by which a person sees to what is kept of him."""
_OWN_DATA: Final = Allowance(at_once=5, per_minute=5, per_day=50)
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


async def admit(
    connection: Connection, ceilings: Ceilings, user_id: UUID, incoming: Incoming, *, own_data: bool = False
) -> None:
    """Count a message in; what is raised undoes the transaction, and the count with it.

    Args:
        own_data: it asks for what is kept of the person, or has it deleted: that he may also when his quota is spent.

    Raises:
        NotAdmitted: with how long to wait.
    """
    if not incoming.counted:
        return
    if await oversight.open_turns(connection, ceilings.waiting) >= ceilings.waiting:
        raise ServiceFull(ceilings.waiting)
    refusal = await allowances.take(connection, person_key(user_id), ceilings.person)
    if refusal is not None and refusal.of == "quota" and own_data:
        refusal = await allowances.take(connection, own_data_key(user_id), _OWN_DATA)
    if refusal is not None:
        raise _refused(refusal, ceilings.person)
    if incoming.chat is not None:
        refusal = await allowances.take(connection, chat_key(incoming.platform, incoming.chat), ceilings.chat)
        if refusal is not None:
            raise ChatTooBusy(refusal.wait)


def person_key(user_id: UUID) -> str:
    """What a person's messages are counted under."""
    return f"person:{user_id}"


def own_data_key(user_id: UUID) -> str:
    """What it is counted under how often a person sees to his own data once his quota is spent."""
    return f"own:{user_id}"


def _refused(refusal: Refusal, allowance: Allowance) -> NotAdmitted:
    if refusal.of == "quota":
        return QuotaSpent(allowance.per_day, refusal.wait)
    return TooManyMessages(refusal.wait)
