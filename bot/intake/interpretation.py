"""Interprets a message: which command or question it is, in which mode, and where its documents go."""

from __future__ import annotations

from bot.core.attachments import Attachments
from bot.core.conversation import Conversation
from bot.core.errors import EmptyMessage
from bot.core.messages import Incoming
from bot.intake.access import Permissions
from bot.intake.commands import AskQuestion
from bot.intake.library_request import parse_library_request
from bot.intake.parsing import CommandCall, clean_message, parse_message
from bot.minds import Mind
from bot.minds.phrases import parse_mode_switch, parse_trigger


def interpret_message(
    conversation: Conversation, incoming: Incoming, permissions: Permissions, mind: Mind
) -> CommandCall | AskQuestion:
    """A message as a command or a question with its mode; a mode switch in words is the command /mode.

    Only the person's own words are interpreted: what they quote or forward triggers nothing. Their documents go into
    their memory; those of an owner or an admin go into the library if the caption says so.

    Raises:
        EmptyMessage: there is nothing in it.
        MessageRefused: it names a mode that does not exist.
    """
    if incoming.client_conversation is not None:
        return AskQuestion(clean_message(incoming.text), incoming.client_conversation.mode)
    session = conversation.session
    text, files = incoming.text, None
    if incoming.files:
        request = parse_library_request(text) if permissions.is_admin else None
        files = Attachments.from_file_refs(
            incoming.files, "memory" if request is None else "library", may_add=permissions.is_admin
        ).to_document()
        text = text if request is None else request
    try:
        message = parse_message(text)
    except EmptyMessage:
        if files is None and not incoming.quotations and not incoming.unread:
            raise
        return AskQuestion("", session.mode, session.consilium, files)
    if isinstance(message, CommandCall):
        return message
    if (expression := parse_mode_switch(message.text, mind)) is not None:
        return CommandCall("mode", expression)
    if (trigger := parse_trigger(message.text, mind)) is not None:
        question = trigger.message.strip()
        if not question and files is None and not incoming.quotations:
            raise EmptyMessage
        return AskQuestion(question, str(trigger.expression), session.consilium, files)
    return AskQuestion(message.text, session.mode, session.consilium, files)
