"""What was said in a session before a question: read once, for the mode, the search, the prompt and recall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.answering.asked import question_text, said_before, search_text
from bot.answering.draft import author_text
from bot.answering.history import without_sources
from bot.answering.prompt import Exchange
from bot.answering.router import HISTORY, PastQuestion, subject_of
from bot.core.conversation import WINDOW_TURNS, Conversation
from bot.library.cite import NOTHING_BEFORE, SaidBefore
from bot.memory import PersonalMemory, RecallSources
from bot.minds import Mind
from bot.text.follow_ups import follows_up
from db.infra.database import Database
from db.people import sessions
from db.turns import turns
from db.turns.turns import Turn


@dataclass(frozen=True, slots=True)
class Past:
    """What was said before a question, and what recall needs of the person who asks it."""

    turns: Sequence[Turn] = ()
    """The session's latest questions before this one, oldest first. None where the client keeps the conversation."""
    window: Sequence[Turn] = ()
    """Those of them that the model sees."""
    sources: RecallSources | None = None
    """None where nothing is remembered."""


async def load_past(
    database: Database,
    memory: PersonalMemory,
    conversation: Conversation,
    turn: Turn,
    *,
    adapters: str,
    reads: Callable[[str], bool],
) -> Past:
    """Read all of it in one transaction, and have the session keep its adapters.

    Args:
        adapters: digest of the set that the session answers with.
        reads: whether the model knows the language of a text. What it does not know leads it astray.
    """
    client, session = conversation.client_conversation, conversation.session
    # There is no memory for what is sent in a chat's name, nor for requests that name no person.
    has_memory = not turn.sender_is_chat and (client is None or not client.is_stateless)
    if client is not None and not has_memory:
        return Past()
    past: list[Turn] = []
    window: list[Turn] = []
    chat = session.group_chat
    async with database.person_transaction(conversation.user.id, chat=chat, by_key=True) as connection:
        if client is None:
            if adapters != session.adapters:
                await sessions.set_adapters(connection, session.id, adapters, instead_of=session.adapters)
            past = await turns.load_window(connection, turn.session_id, WINDOW_TURNS, turn.seq)
            window = [each for each in past if each.answer and reads(each.question)]
        in_prompt = {turn.id, *(each.id for each in window)}
        sources = await memory.load_sources(connection, chat=chat, turns_in_prompt=in_prompt) if has_memory else None
    return Past(past, window, sources)


def past_questions(past: Past, conversation: Conversation, mind: Mind) -> list[PastQuestion]:
    """The latest questions before this one, and the adapters that they belonged to."""
    if (client := conversation.client_conversation) is not None:
        return [PastQuestion(question, is_known=False) for question, _ in client.exchanges[-HISTORY:]]
    return [PastQuestion(search_text(each), subject_of(each, mind)) for each in past.turns[-HISTORY:]]


def goes_on_from(past: Past, conversation: Conversation, turn: Turn) -> SaidBefore:
    """What a message that cannot be understood alone goes on from."""
    if turn.quotations or not follows_up(turn.question):
        return NOTHING_BEFORE
    if (client := conversation.client_conversation) is not None:
        return said_before(client.exchanges[-WINDOW_TURNS:])
    return said_before([(search_text(each), author_text(each)) for each in past.turns if each.answer])


def exchanges_in_prompt(past: Past, conversation: Conversation) -> list[Exchange]:
    """The recent exchanges as the model sees them, oldest first."""
    if (client := conversation.client_conversation) is not None:
        # An answer that satisfies a schema has no marks: its brackets are data.
        clean = without_sources if client.schema is None else str
        return [Exchange(question, clean(answer)) for question, answer in client.exchanges]
    return [Exchange(question_text(each, conversation.say), author_text(each)) for each in past.window]
