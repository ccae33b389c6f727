"""/link: one person under several names."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from bot.turns.admission import person_key
from bot.turns.codes import digest, new_code, normal
from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.registry import Said
from bot.turns.counters import link_key
from bot.turns.errors import BadArgument
from consilium.errors import N_
from db import allowances, linking, sessions, users
from db.allowances import Allowance
from db.users import User

LASTING: Final = timedelta(minutes=10)
"""How long a code can be entered."""
TRIES: Final = Allowance(at_once=5, per_minute=0.5, per_day=30)
"""How often one person may enter codes."""
_OFF: Final = ("off", "выкл", "отвязать")

log = structlog.get_logger(__name__)


@COMMANDS.command("link", N_("be one person here and on another platform"), "[CODE|off]", in_private=True)
async def link(context: CommandContext, argument: str) -> Said:
    """Give a code, take one, or let go of the name the person writes under."""
    if not argument:
        return await _offer(context)
    if argument.casefold() in _OFF:
        return await _leave(context)
    if normal(argument) is None:
        raise BadArgument("link", argument[:40], "/link 7K2M-9PQX")
    return await _join(context, argument)


async def _offer(context: CommandContext) -> Said:
    say, code = context.say, new_code()
    await linking.offer(context.connection, digest(code), LASTING)
    names = ", ".join(f"{one.platform}: {one.external_id}" for one in await linking.identities(context.connection))
    return Said(
        say(
            "Your code: {code}\nWithin {minutes} minutes, write this to me from your other account:\n/link {code}\n"
            "Then both are one person, and all I know of the other account comes to this one. Give the code to nobody,"
            " and enter none that somebody gives you: he would read all you have told me.\nYou are known as: {names}",
            code=code,
            minutes=int(LASTING.total_seconds() // 60),
            names=names,
        )
    )


async def _join(context: CommandContext, code: str) -> Said:
    say, gone = context.say, context.conversation.user
    # Said and not raised: what is raised would undo the counting.
    refusal = await allowances.take(context.connection, link_key(gone.id), TRIES)
    if refusal is not None:
        return Said(say("Too many codes have been entered. Try again in a few minutes."))
    kept = await linking.join(context.connection, digest(code))
    if kept is None:
        return Said(say("There is no such code, or it has ended. Ask for a new one with /link on your other account."))
    if kept == gone.id:
        return Said(say("This code is your own. Enter it from your other account."))
    await _become(context, gone, kept)
    log.info("person.joined", kept=str(kept), gone=str(gone.id))
    return Said(say("Both accounts are one person now. /link off on one of them parts it again."))


async def _become(context: CommandContext, gone: User, kept: UUID) -> None:
    """The rest of the transaction, and of the conversation, is the one's who is left."""
    conversation, incoming = context.conversation, context.incoming
    connection = await context.connection.become(kept)
    await allowances.move(connection, person_key(gone.id), person_key(connection.user_id))
    await allowances.drop(connection, link_key(gone.id))
    user = await users.get(connection)
    assert user is not None
    if user.locale is None and gone.locale is not None:
        user = await users.set_locale(connection, gone.locale)
    place = conversation.session.place
    session = await sessions.open(connection, platform=incoming.platform, place=place, chat=incoming.chat)
    conversation.user, conversation.session = user, session


async def _leave(context: CommandContext) -> Said:
    say, incoming = context.say, context.incoming
    if not await linking.leave(context.connection, incoming.platform, incoming.person):
        return Said(say("This account is not joined with any other."))
    log.info("person.parted", person=str(context.conversation.user.id))
    return Said(
        say("This account is by itself again, and I know nothing of it. All that was known stays with the other one.")
    )
