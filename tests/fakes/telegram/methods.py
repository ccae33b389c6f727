"""The methods of the Bot API that the bot calls."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.telegram.core import Core
from tests.fakes.telegram.state import Draft, Message
from tests.fakes.telegram.updates import Webhook
from tests.fakes.telegram.validation import MAX_TEXT, formatted_text, inline_keyboard
from tests.fakes.telegram.wire import Call, bad_request

Handler = Callable[[Core, Call], Any | Awaitable[Any]]

METHODS: dict[str, Handler] = {}
"""By name, in lower case."""
LOOPBACK = {"127.0.0.1", "localhost"}
MAX_CALLBACK_ANSWER = 200
MAX_COMMAND, MAX_COMMANDS, MAX_DESCRIPTION = 32, 100, 256
MAX_DOWNLOAD = 20 << 20
MAX_RICH = 32_768
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content"
    " and reply markup of the message"
)


def method(handler: Handler) -> Handler:
    """Register a function as the method that its name says: `send_message` is sendMessage."""
    METHODS[handler.__name__.replace("_", "")] = handler
    return handler


@method
def get_me(core: Core, call: Call) -> Any:
    """getMe."""
    return core.world.bot.json() | {"can_join_groups": True, "can_read_all_group_messages": not core.privacy}


@method
async def get_updates(core: Core, call: Call) -> Any:
    """getUpdates."""
    core.updates.set_kinds(call.json("allowed_updates"))
    return await core.updates.poll(call.integer("offset"), call.integer("timeout"))


@method
def set_webhook(core: Core, call: Call) -> Any:
    """setWebhook. Like a server in local mode it accepts plain HTTP, and only to this machine."""
    url, secret = call.text("url"), call.text("secret_token")
    host = urlsplit(url).hostname
    if not host:
        raise bad_request("invalid webhook URL specified")
    if host not in LOOPBACK:
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
        raise bad_request("secret token contains unallowed characters")
    core.updates.set_kinds(call.json("allowed_updates"))
    core.updates.set_webhook(Webhook(url, secret, call.integer("max_connections", 40)))
    return True


@method
def delete_webhook(core: Core, call: Call) -> Any:
    """deleteWebhook."""
    core.updates.set_webhook(None)
    return True


@method
def get_webhook_info(core: Core, call: Call) -> Any:
    """getWebhookInfo."""
    webhook = core.updates.webhook
    return {"url": webhook.url if webhook else "", "has_custom_certificate": False, "pending_update_count": 0}


@method
def set_my_commands(core: Core, call: Call) -> Any:
    """setMyCommands."""
    commands = call.json("commands")
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for entry in commands:
        if not re.fullmatch(rf"[a-z0-9_]{{1,{MAX_COMMAND}}}", entry["command"]):
            raise bad_request("BOT_COMMAND_INVALID")
        if not entry["description"].strip():
            raise bad_request("Command description must be non-empty")
        if len(entry["description"]) > MAX_DESCRIPTION:
            raise bad_request(f"Command description length must not exceed {MAX_DESCRIPTION}")
    return True


@method
def send_message(core: Core, call: Call) -> Any:
    """sendMessage."""
    if not call.text("text"):
        raise bad_request("Message text is empty")
    text, markup = formatted_text(call, core.records), inline_keyboard(call)
    chat = core.chat(call)
    thread, reply_to = core.thread(call, chat), core.reply_to(call, chat)
    if text.length > MAX_TEXT:
        raise bad_request("Message is too long")
    return core.send(
        call, chat, text=text.text, entities=text.entities, markup=markup, thread=thread, reply_to=reply_to
    ).json()


@method
def send_document(core: Core, call: Call) -> Any:
    """sendDocument, of a file that comes with the call."""
    upload = call.files[call.text("document").removeprefix("attach://")]
    chat = core.chat(call)
    thread, reply_to = core.thread(call, chat), core.reply_to(call, chat)
    stored = core.world.store(upload.name, upload.data)
    return core.send(call, chat, document=stored.json(), thread=thread, reply_to=reply_to).json()


@method
def send_message_draft(core: Core, call: Call) -> Any:
    """sendMessageDraft. A draft that was stopped is not shown, though the call succeeds."""
    text, number = formatted_text(call, core.records, may_be_empty=True), call.integer("draft_id")
    if text.length > MAX_TEXT:
        raise bad_request("MESSAGE_TOO_LONG")
    if not number:
        raise bad_request("RANDOM_ID_EMPTY")
    chat = core.chat(call)
    if chat.is_group:
        raise bad_request("TEXTDRAFT_PEER_INVALID")
    core.thread(call, chat)
    is_stopped = (chat.id, number) in core.world.stopped
    if not is_stopped:
        core.world.drafts[chat.id] = Draft(
            id=number,
            text=text.text,
            entities=text.entities,
            until=time.monotonic() + core.draft_seconds,
            can_stop=call.flag("can_stop"),
            keep_on_stop=call.flag("keep_on_stop"),
        )
    core.records.add_state(
        "refused" if is_stopped else "draft",
        chat=chat.id,
        message=number,
        author=core.world.bot.id,
        text=text.text,
        entities=text.entities,
        buttons=[],
    )
    return True


@method
def send_chat_action(core: Core, call: Call) -> Any:
    """sendChatAction."""
    if call.text("action") != "typing":
        raise bad_request("Wrong parameter action in request")
    core.chat(call)
    return True


@method
def edit_message_text(core: Core, call: Call) -> Any:
    """editMessageText, of a text or of rich Markdown, which is not parsed here: it makes one paragraph."""
    markdown = (call.json("rich_message") or {}).get("markdown")
    if markdown is not None:
        plain, entities = markdown, []
        rich = {"blocks": [{"type": "paragraph", "text": markdown}]}
        if len(markdown) > MAX_RICH:
            raise bad_request("MESSAGE_TOO_LONG")
    else:
        text = formatted_text(call, core.records)
        plain, entities, rich = text.text, text.entities, None
        if text.length > MAX_TEXT:
            raise bad_request("MESSAGE_TOO_LONG")
    markup = inline_keyboard(call)
    message = _own_message(core, call, "edit")
    if (plain, entities, rich, markup) == (message.text, message.entities, message.rich, message.markup):
        raise bad_request(NOT_MODIFIED)
    return core.edit(call, message, text=plain, entities=entities, rich=rich, markup=markup).json()


@method
def delete_message(core: Core, call: Call) -> Any:
    """deleteMessage, of the bot's own messages."""
    message = _own_message(core, call, "delete")
    message.deleted = True
    core.record_state("deleted", message)
    return True


@method
def answer_callback_query(core: Core, call: Call) -> Any:
    """answerCallbackQuery, which works once."""
    query = core.world.queries.get(call.text("callback_query_id"))
    if query is None or query.answer is not None:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if len(call.text("text")) > MAX_CALLBACK_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    query.answer = {"text": call.text("text"), "show_alert": call.flag("show_alert")}
    core.records.notify()
    return True


@method
def get_file(core: Core, call: Call) -> Any:
    """getFile, of files up to 20 MB."""
    stored = core.world.files.get(call.text("file_id"))
    if stored is None:
        raise bad_request("invalid file_id")
    if stored.size > MAX_DOWNLOAD:
        raise bad_request("file is too big")
    document = stored.json()
    return {name: document[name] for name in ("file_id", "file_unique_id", "file_size")} | {"file_path": stored.path}


def _own_message(core: Core, call: Call, action: str) -> Message:
    """The message of the bot that a call edits or deletes."""
    chat = core.chat(call, sends=False)
    message = core.message(chat, call.integer("message_id"), f"message to {action}")
    if message.author is not core.world.bot or chat.migrated_to is not None:
        raise bad_request(f"message can't be {action.removesuffix('e')}ed")
    return message
