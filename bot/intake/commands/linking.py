"""/link: joins two accounts of one person by a one-time code."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from bot.core.errors import BadArgument
from bot.intake.commands.context import COMMANDS, CommandContext
from bot.intake.rate_limits import link_attempts_key, person_key
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.people import linking, sessions, token_buckets, users
from db.people.token_buckets import TokenBucket
from db.people.users import User

CODE_LIFETIME: Final = timedelta(minutes=10)
"""How long a code can be entered."""
CODE_ENTRY_LIMIT: Final = TokenBucket(burst=5, per_minute=0.5, per_day=30)
"""How often one person may enter codes."""
_OFF_WORDS: Final = ("off", "выкл", "отвязать")
log = structlog.get_logger(__name__)


@COMMANDS.command("link", N_("be one person here and on another platform"), "[CODE|off]", private_only=True)
async def link(context: CommandContext, argument: str) -> CommandResult:
    """Give a code, take one, or let go of the name the person writes under."""
    if not argument:
        return await _create_code(context)
    if argument.casefold() in _OFF_WORDS:
        return await _unlink(context)
    if normalize_code(argument) is None:
        raise BadArgument("link", argument[:40], "/link 7K2M-9PQX")
    return await _redeem_code(context, argument)


async def _create_code(context: CommandContext) -> CommandResult:
    say, code = context.say, new_code()
    await linking.create_code(context.connection, code_digest(code), CODE_LIFETIME)
    names = ", ".join(f"{one.platform}: {one.external_id}" for one in await linking.list_identities(context.connection))
    return CommandResult(
        say(
            "Your code: {code}\nWithin {minutes} minutes, write this to me from your other account:\n/link {code}\n"
            "Then both are one person, and all I know of the other account comes to this one. Give the code to nobody,"
            " and enter none that somebody gives you: he would read all you have told me.\nYou are known as: {names}",
            code=code,
            minutes=int(CODE_LIFETIME.total_seconds() // 60),
            names=names,
        )
    )


async def _redeem_code(context: CommandContext, code: str) -> CommandResult:
    say, gone = context.say, context.conversation.user
    # Said and not raised: what is raised would undo the counting.
    refusal = await token_buckets.consume(context.connection, link_attempts_key(gone.id), CODE_ENTRY_LIMIT)
    if refusal is not None:
        return CommandResult(say("Too many codes have been entered. Try again in a few minutes."))
    kept = await linking.redeem_code(context.connection, code_digest(code))
    if kept is None:
        return CommandResult(
            say("There is no such code, or it has ended. Ask for a new one with /link on your other account.")
        )
    if kept == gone.id:
        return CommandResult(say("This code is your own. Enter it from your other account."))
    await _switch_person(context, gone, kept)
    log.info("person.linked", kept=str(kept), gone=str(gone.id))
    return CommandResult(say("Both accounts are one person now. /link off on one of them parts it again."))


async def _switch_person(context: CommandContext, merged: User, remaining_id: UUID) -> None:
    """The rest of the transaction, and of the conversation, is the one's who is left."""
    conversation, incoming = context.conversation, context.incoming
    connection = await context.connection.become_person(remaining_id)
    await token_buckets.move(connection, person_key(merged.id), person_key(connection.user_id))
    await token_buckets.delete(connection, link_attempts_key(merged.id))
    user = await users.get(connection)
    assert user is not None
    if user.locale is None and merged.locale is not None:
        user = await users.set_locale(connection, merged.locale)
    place = conversation.session.place
    session = await sessions.get_or_create(connection, platform=incoming.platform, place=place, chat=incoming.chat)
    conversation.user, conversation.session = user, session


async def _unlink(context: CommandContext) -> CommandResult:
    say, incoming = context.say, context.incoming
    if not await linking.unlink(context.connection, incoming.platform, incoming.person):
        return CommandResult(say("This account is not joined with any other."))
    log.info("person.unlinked", person=str(context.conversation.user.id))
    return CommandResult(
        say("This account is by itself again, and I know nothing of it. All that was known stays with the other one.")
    )


CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no letter in it is taken for another."""
CODE_LENGTH: Final = 8
"""40 bits."""
# What is read as a sign of the alphabet: letters that look like one, and Cyrillic ones typed in its place.
_LOOKALIKES: Final = str.maketrans("OILОАВСЕНКМРТУХЗ", "0110ABCEHKMPTYX3")
_IGNORED: Final = str.maketrans("", "", " -–—_.\t\n")


def new_code() -> str:
    """A code that nobody can foresee, as it is shown: `7K2M-9PQX`."""
    signs = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    return f"{signs[:4]}-{signs[4:]}"


def normalize_code(text: str) -> str | None:
    """The code a person has typed, in its one form; None when it cannot be one."""
    signs = unicodedata.normalize("NFKC", text[:40]).upper().translate(_IGNORED).translate(_LOOKALIKES)
    return signs if len(signs) == CODE_LENGTH and all(sign in CODE_ALPHABET for sign in signs) else None


def code_digest(code: str) -> bytes:
    """What is kept of a code and compared: of any two codes it tells as much, or as little, in the same time."""
    signs = normalize_code(code)
    assert signs is not None
    return hashlib.sha256(f"consilium link {signs}".encode()).digest()
