"""/link: links two accounts of one person with a one-time code."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from bot.core.errors import BadArgument
from bot.intake.commands.context import CommandContext
from bot.intake.commands.registry import CommandRegistry
from bot.intake.parsing import shorten_argument
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
CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's Base32: no two of its characters look alike."""
CODE_LENGTH: Final = 8
"""Characters; 40 bits."""
# Characters that are read as one of the alphabet: letters that look like it, and Cyrillic ones typed in its place.
_LOOKALIKES: Final = str.maketrans("OILОАВСЕНКМРТУХЗ", "0110ABCEHKMPTYX3")
_SEPARATORS: Final = str.maketrans("", "", " -–—_.\t\n")
_MAX_TYPED_LENGTH: Final = 40
_OFF_WORDS: Final = ("off", "выкл", "отвязать")

commands: CommandRegistry[CommandContext] = CommandRegistry()
log = structlog.get_logger(__name__)


@commands.command("link", N_("link your accounts on different platforms"), N_("[CODE|off]"), private_only=True)
async def link(context: CommandContext, argument: str) -> CommandResult:
    """Create a code, redeem one, or unlink the account that the person writes from."""
    if not argument:
        return await _create_code(context)
    if argument.casefold() in _OFF_WORDS:
        return await _unlink(context)
    if normalize_code(argument) is None:
        raise BadArgument("link", shorten_argument(argument), "/link 7K2M-9PQX")
    return await _redeem_code(context, argument)


async def _create_code(context: CommandContext) -> CommandResult:
    say, code = context.say, new_code()
    await linking.create_code(context.connection, code_digest(code), CODE_LIFETIME)
    accounts = ", ".join(
        f"{identity.platform}: {identity.external_id}" for identity in await linking.list_identities(context.connection)
    )
    return CommandResult(
        say(
            "Your code: {code}\nWithin {minutes} minutes, send me this from your other account:\n/link {code}\n"
            "The accounts are linked then, and everything I know about the other one moves to this one. Do not give"
            " the code to anyone, and do not enter a code that someone gives you: they could read everything you have"
            " told me.\nYour accounts: {accounts}",
            code=code,
            minutes=int(CODE_LIFETIME.total_seconds() // 60),
            accounts=accounts,
        )
    )


async def _redeem_code(context: CommandContext, code: str) -> CommandResult:
    say, merged = context.say, context.conversation.user
    # A refusal is a reply and not an error: an error would roll back the count of attempts.
    refusal = await token_buckets.consume(context.connection, link_attempts_key(merged.id), CODE_ENTRY_LIMIT)
    if refusal is not None:
        return CommandResult(say("Too many codes have been entered. Try again in a few minutes."))
    remaining_id = await linking.redeem_code(context.connection, code_digest(code))
    if remaining_id is None:
        return CommandResult(
            say("There is no such code, or it has expired. Get a new one with /link on your other account.")
        )
    if remaining_id == merged.id:
        return CommandResult(say("This code is your own. Enter it from your other account."))
    await _switch_person(context, merged, remaining_id)
    log.info("person.linked", remaining=str(remaining_id), merged=str(merged.id))
    return CommandResult(say("Your accounts are linked now. Send /link off from one of them to unlink it."))


async def _switch_person(context: CommandContext, merged: User, remaining_id: UUID) -> None:
    """Continue the transaction and the conversation as the person whom the sender was merged into."""
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
        return CommandResult(say("This account is not linked to any other."))
    log.info("person.unlinked", person=str(context.conversation.user.id))
    return CommandResult(
        say("This account is unlinked, and I know nothing about it. What I knew stays with your other accounts.")
    )


def new_code() -> str:
    """A random code as it is shown: `7K2M-9PQX`."""
    characters = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    return f"{characters[:4]}-{characters[4:]}"


def normalize_code(text: str) -> str | None:
    """The code that a person has typed, as `CODE_LENGTH` characters of the alphabet; None when it cannot be one."""
    typed = unicodedata.normalize("NFKC", text[:_MAX_TYPED_LENGTH]).upper()
    characters = typed.translate(_SEPARATORS).translate(_LOOKALIKES)
    is_code = len(characters) == CODE_LENGTH and all(character in CODE_ALPHABET for character in characters)
    return characters if is_code else None


def code_digest(code: str) -> bytes:
    """SHA-256 of a code: what is stored and compared, so that neither the table nor timing reveals a code."""
    characters = normalize_code(code)
    assert characters is not None
    return hashlib.sha256(f"consilium link {characters}".encode()).digest()
