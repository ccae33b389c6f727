"""/link: links two accounts of one person, once both have agreed."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from bot.core.errors import BadArgument
from bot.core.messages import Incoming
from bot.intake.commands.context import CommandContext
from bot.intake.commands.registry import CommandRegistry
from bot.intake.parsing import shorten_argument
from bot.intake.rate_limits import link_attempts_key, person_key
from bot.minds.errors import safe_excerpt
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.people import audit, linking, sessions, token_buckets, users
from db.people.linking import LinkRequest
from db.people.token_buckets import TokenBucket

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
_YES_WORDS: Final = ("yes", "да")
_NO_WORDS: Final = ("no", "нет")
CONFIRMATION_LENGTH: Final = 4
"""Characters of the word that an account agrees with; shown with the question, so that nobody agrees unasked."""

commands: CommandRegistry[CommandContext] = CommandRegistry()
log = structlog.get_logger(__name__)


@commands.command(
    "link", N_("link your accounts on different platforms"), N_("[CODE|yes WORD|no|off]"), private_only=True
)
async def link(context: CommandContext, argument: str) -> CommandResult:
    """Create a code, ask with one, agree, decline, or unlink the account that the person writes from.

    No single message links anything: both accounts are shown to both sides, and each has to agree.
    """
    first, _, rest = argument.partition(" ")
    if not argument:
        return await _show_request(context) or await _create_code(context)
    if argument.casefold() in _OFF_WORDS:
        return await _unlink(context)
    if argument.casefold() in _NO_WORDS:
        return await _decline(context)
    if first.casefold() in _YES_WORDS:
        return await _agree(context, rest)
    if normalize_code(argument) is None:
        raise BadArgument("link", shorten_argument(argument), "/link 7K2M-9PQX")
    return await _request(context, argument)


async def _create_code(context: CommandContext) -> CommandResult:
    say, code = context.say, new_code()
    await linking.create_code(context.connection, code_digest(code), CODE_LIFETIME, account_name(context.incoming))
    accounts = ", ".join(
        f"{identity.platform}: {identity.external_id}" for identity in await linking.list_identities(context.connection)
    )
    return CommandResult(
        say(
            "Your code: {code}\nWithin {minutes} minutes, send me this from your other account:\n/link {code}\n"
            "Then I ask both accounts whether they agree. Do not give the code to anyone, and do not enter a code that"
            " someone gives you.\nYour accounts: {accounts}",
            code=code,
            minutes=int(CODE_LIFETIME.total_seconds() // 60),
            accounts=accounts,
        )
    )


async def _request(context: CommandContext, code: str) -> CommandResult:
    say, joiner = context.say, context.conversation.user
    # A refusal is a reply and not an error: an error would roll back the count of attempts.
    refusal = await token_buckets.consume(context.connection, link_attempts_key(joiner.id), CODE_ENTRY_LIMIT)
    if refusal is not None:
        return CommandResult(say("Too many codes have been entered. Try again in a few minutes."))
    asker_id = await linking.request(context.connection, code_digest(code), account_name(context.incoming))
    if asker_id is None:
        return CommandResult(
            say("There is no such code, or it has expired. Get a new one with /link on your other account.")
        )
    if asker_id == joiner.id:
        return CommandResult(say("This code is your own. Enter it from your other account."))
    request = await linking.pending(context.connection)
    assert request is not None
    await audit.record(context.connection, "link.requested", str(asker_id))
    log.info("person.link_requested", asker=str(asker_id), joiner=str(joiner.id))
    return _question(context, request)


async def _show_request(context: CommandContext) -> CommandResult | None:
    """What is to be agreed to, or who is waited for; None when nothing is."""
    say, request = context.say, await linking.pending(context.connection)
    if request is None:
        return None
    is_joiner = request.joiner_id == context.conversation.user.id
    if is_joiner and request.joiner_agreed:
        return CommandResult(
            say("You have agreed. Now send me /link from {other}, which has to agree as well.", other=request.account)
        )
    if not is_joiner and not request.joiner_agreed:
        return CommandResult(
            say(
                "{other} has entered your code and has not agreed yet. If this is not your account: /link no",
                other=request.joiner_account,
            )
        )
    return _question(context, request)


def _question(context: CommandContext, request: LinkRequest) -> CommandResult:
    me = context.conversation.user.id
    other = request.account if request.joiner_id == me else request.joiner_account
    return CommandResult(
        context.say(
            "Shall these two accounts become one person?\n1. {mine}\n2. {other}\nWhoever writes from either of them can"
            " then read and delete everything I know about both. Agree only if both are your own, and never because"
            " someone asks you to.\nTo agree: /link yes {word}\nOtherwise: /link no",
            mine=account_name(context.incoming),
            other=other,
            word=confirmation_word(request.digest, me),
        )
    )


async def _agree(context: CommandContext, word: str) -> CommandResult:
    say, me = context.say, context.conversation.user
    request = await linking.pending(context.connection)
    if request is None:
        return CommandResult(say("There is nothing to agree to, or its time is over. Start again with /link."))
    if not hmac.compare_digest(_typed(word).encode(), confirmation_word(request.digest, me.id).encode()):
        # Not the question: an answer to an unasked "yes" would have to be read first.
        return CommandResult(say("To see what you agree to: /link"))
    if request.joiner_id == me.id:
        await linking.agree(context.connection)
        await audit.record(context.connection, "link.agreed", str(request.user_id))
        log.info("person.link_agreed", joiner=str(me.id), asker=str(request.user_id))
        return CommandResult(
            say("You have agreed. Now send me /link from {other}, which has to agree as well.", other=request.account)
        )
    merged = await linking.complete(context.connection)
    if merged is None:
        return CommandResult(
            say(
                "{other} has entered your code and has not agreed yet. If this is not your account: /link no",
                other=request.joiner_account,
            )
        )
    await _reload_person(context, merged)
    await audit.record(context.connection, "link.completed", str(merged))
    log.info("person.linked", remaining=str(me.id), merged=str(merged))
    return CommandResult(say("Your accounts are linked now. Send /link off from one of them to unlink it."))


async def _decline(context: CommandContext) -> CommandResult:
    say = context.say
    if await linking.decline(context.connection):
        await audit.record(context.connection, "link.declined")
        return CommandResult(say("Nothing is linked, and the code is of no use any more."))
    return CommandResult(say("There is nothing to agree to, or its time is over. Start again with /link."))


async def _reload_person(context: CommandContext, merged: UUID) -> None:
    """Continue the conversation with what the person is now, and count together what both have used."""
    connection, conversation, incoming = context.connection, context.conversation, context.incoming
    await token_buckets.move(connection, person_key(merged), person_key(connection.user_id))
    await token_buckets.delete(connection, link_attempts_key(merged))
    user = await users.get(connection)
    assert user is not None
    place = conversation.session.place
    session = await sessions.get_or_create(connection, platform=incoming.platform, place=place, chat=incoming.chat)
    conversation.user, conversation.session = user, session


async def _unlink(context: CommandContext) -> CommandResult:
    say, incoming = context.say, context.incoming
    if not await linking.unlink(context.connection, incoming.platform, incoming.person):
        return CommandResult(say("This account is not linked to any other."))
    await audit.record(context.connection, "account.unlinked", incoming.platform)
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
    characters = _typed(text)
    is_code = len(characters) == CODE_LENGTH and all(character in CODE_ALPHABET for character in characters)
    return characters if is_code else None


def _typed(text: str) -> str:
    """Characters of the alphabet as a person may have typed them."""
    typed = unicodedata.normalize("NFKC", text[:_MAX_TYPED_LENGTH]).upper()
    return typed.translate(_SEPARATORS).translate(_LOOKALIKES)


def account_name(incoming: Incoming) -> str:
    """What the other account is told that this one is called: platform and id, which nobody chooses, then the name."""
    account = f"{incoming.platform} {incoming.person}"
    return f"{account} ({safe_excerpt(incoming.name)})" if incoming.name else account


def confirmation_word(digest: bytes, person: UUID) -> str:
    """What this person agrees to this request with. Only they are shown it, together with what it is about."""
    drawn = hashlib.sha256(b"consilium link agree" + digest + person.bytes).digest()
    return "".join(CODE_ALPHABET[byte % len(CODE_ALPHABET)] for byte in drawn[:CONFIRMATION_LENGTH])


def code_digest(code: str) -> bytes:
    """SHA-256 of a code: what is stored and compared, so that neither the table nor timing reveals a code."""
    characters = normalize_code(code)
    assert characters is not None
    return hashlib.sha256(f"consilium link {characters}".encode()).digest()
