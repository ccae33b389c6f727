"""Methods that send, change and delete messages."""

from __future__ import annotations

import time
from typing import Any

from tests.fakes.telegram.core import Core, method
from tests.fakes.telegram.refusals import Refused, bad, message_not_modified
from tests.fakes.telegram.state import Draft, Message
from tests.fakes.telegram.validation import MAX_CAPTION, MAX_TEXT, Text, formatted, markup
from tests.fakes.telegram.wire import MAX_UPLOAD, Call

DELETABLE_SECONDS = 48 * 3600
MAX_RICH = 32_768


@method
def send_message(core: Core, call: Call) -> Any:
    """sendMessage."""
    if not call.text("text"):
        raise bad("Message text is empty")
    text, keyboard = formatted(call, core.records), markup(call)
    chat = core.chat(call, "write")
    thread = core.thread(call, chat)
    reply_to = core.reply_to(call, chat, thread)
    if text.length > MAX_TEXT:
        raise bad("Message is too long")
    return core.post(
        call, chat, text=text.text, entities=text.entities, markup=keyboard, thread=thread, reply_to=reply_to
    ).json()


@method
def send_rich_message(core: Core, call: Call) -> Any:
    """sendRichMessage. HTML and Markdown are not parsed: they make one paragraph."""
    plain, rich = _rich(call)
    keyboard, chat = markup(call), core.chat(call, "write")
    thread = core.thread(call, chat)
    reply_to = core.reply_to(call, chat, thread)
    return core.post(call, chat, text=plain, rich=rich, markup=keyboard, thread=thread, reply_to=reply_to).json()


@method
def send_document(core: Core, call: Call) -> Any:
    """sendDocument, of a file that comes with the request or of one Telegram has."""
    caption = formatted(call, core.records, "caption", "caption_entities", empty=True)
    given = call.text("document")
    upload = call.files.get(given.removeprefix("attach://")) or call.files.get("document")
    keyboard = markup(call)
    if upload is None and not given:
        raise bad("There is no document in the request")
    chat = core.chat(call, "write")
    thread = core.thread(call, chat)
    reply_to = core.reply_to(call, chat, thread)
    if caption.length > MAX_CAPTION:
        raise bad("Message caption is too long")
    if upload is not None:
        if not upload.data:
            raise bad("file must be non-empty")
        if len(upload.data) > MAX_UPLOAD:
            raise Refused(413, "Request Entity Too Large")
        stored = core.world.store(upload.name, upload.data)
    else:
        known = core.world.files.get(given)
        if known is None:
            raise bad("wrong file identifier/HTTP URL specified")
        stored = known
    return core.post(
        call, chat, text=caption.text, entities=caption.entities, document=stored.json(), markup=keyboard,
        thread=thread, reply_to=reply_to,
    ).json()  # fmt: skip


@method
def edit_message_text(core: Core, call: Call) -> Any:
    """editMessageText, of a text or a rich message."""
    plain, rich, entities = "", None, []
    if call.text("rich_message"):
        plain, rich = _rich(call)
    elif call.text("text"):
        text = formatted(call, core.records)
        plain, entities = text.text, text.entities
    else:
        raise bad("Message text is empty")
    keyboard = markup(call, inline_only=True)
    message = _own(core, call)
    if message.document is not None:
        raise bad("There is no text in the message to edit")
    if rich is None and Text(plain, []).length > MAX_TEXT:
        raise bad("MESSAGE_TOO_LONG")
    if (plain, entities, rich, keyboard) == (message.text, message.entities, message.rich, message.markup):
        raise message_not_modified()
    return core.change(call, message, text=plain, entities=entities, rich=rich, markup=keyboard).json()


@method
def edit_message_reply_markup(core: Core, call: Call) -> Any:
    """editMessageReplyMarkup."""
    keyboard = markup(call, inline_only=True)
    message = _own(core, call)
    if keyboard == message.markup:
        raise message_not_modified()
    return core.change(call, message, markup=keyboard).json()


@method
def delete_message(core: Core, call: Call) -> Any:
    """deleteMessage: the bot's own, a person's in a private chat, any as an administrator; within 48 hours."""
    if not call.text("chat_id"):
        raise bad("Chat identifier is not specified")
    if not call.integer("message_id"):
        raise bad("Message identifier is not specified")
    chat = core.chat(call, "write")
    message = core.message(chat, call.integer("message_id"), "message to delete")
    bot = core.world.bot
    rules = chat.members.get(bot.id) == "administrator"
    if not rules and message.author is not bot and chat.is_group:
        raise bad("message can't be deleted")
    if not rules and time.time() - message.date > DELETABLE_SECONDS:
        raise bad("message can't be deleted for everyone")
    message.deleted = True
    core.show("deleted", message)
    return True


@method
def send_message_draft(core: Core, call: Call) -> Any:
    """sendMessageDraft. No text is the placeholder `Thinking…`."""
    text = formatted(call, core.records, empty=True)
    if text.length > MAX_TEXT:
        raise bad("MESSAGE_TOO_LONG")
    return _draft(core, call, text)


@method
def send_rich_message_draft(core: Core, call: Call) -> Any:
    """sendRichMessageDraft."""
    return _draft(core, call, Text(_rich(call)[0], []))


def _draft(core: Core, call: Call, text: Text) -> bool:
    """Show a draft. One that was stopped is answered as if it were shown, and is not."""
    number = call.integer("draft_id")
    if not number:
        raise bad("RANDOM_ID_EMPTY")
    chat = core.chat(call, "write")
    if chat.is_group:
        raise bad("TEXTDRAFT_PEER_INVALID")
    thread = core.thread(call, chat) or 0
    core.limits.admit_draft(call.method, chat.id)
    stopped = (chat.id, thread, number) in core.world.stopped
    if not stopped:
        core.world.drafts[chat.id, thread] = Draft(
            number, text.text, text.entities, time.monotonic() + core.draft_seconds,
            call.flag("can_stop"), call.flag("keep_on_stop"),
        )  # fmt: skip
    core.records.state(
        "refused" if stopped else "draft", chat=chat.id, message=number, author=core.world.bot.id, text=text.text,
        entities=text.entities, buttons=[], thread=thread or None, reply_to=None,
    )  # fmt: skip
    return True


def _own(core: Core, call: Call) -> Message:
    """The message of the bot's that a call edits."""
    if not call.text("chat_id") and not call.integer("message_id"):
        raise bad("Message identifier is not specified")
    chat = core.chat(call, "edit")
    message = core.message(chat, call.integer("message_id"), "message to edit")
    if message.author is not core.world.bot or message.service or chat.migrated_to is not None:
        raise bad("message can't be edited")
    return message


def _rich(call: Call) -> tuple[str, dict[str, Any]]:
    """Its text, and the blocks it is shown as."""
    given = call.json("rich_message", "rich message")
    if not isinstance(given, dict) or not any(given.get(key) for key in ("html", "markdown", "blocks")):
        raise bad("Rich message must be non-empty")
    if sum(bool(given.get(key)) for key in ("html", "markdown", "blocks")) > 1:
        raise bad("Exactly one of html, markdown and blocks must be used in the rich message")
    blocks = given.get("blocks") or []
    plain = given.get("html") or given.get("markdown") or "\n".join(str(b.get("text", "")) for b in blocks)
    if len(plain) > MAX_RICH:
        raise bad("MESSAGE_TOO_LONG")
    return plain, {"blocks": blocks or [{"type": "paragraph", "text": plain}]}
