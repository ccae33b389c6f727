"""Methods about the bot, chats, files, presses and reactions."""

from __future__ import annotations

import time
from typing import Any

from tests.fakes.telegram.core import Core, method
from tests.fakes.telegram.refusals import bad
from tests.fakes.telegram.state import Person
from tests.fakes.telegram.wire import Call

MAX_DOWNLOAD = 20 << 20
ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note", "cancel",
}  # fmt: skip
REACTIONS = {
    "❤", "👍", "👎", "🔥", "🥰", "👏", "😁", "🤔", "🤯", "😱", "🤬", "😢", "🎉", "🤩", "🤮", "💩",
    "🙏", "👌", "🕊", "🤡", "🥱", "🥴", "😍", "🐳", "❤‍🔥", "🌚", "🌭", "💯", "🤣", "⚡", "🍌",
    "🏆", "💔", "🤨", "😐", "🍓", "🍾", "💋", "🖕", "😈", "😴", "😭", "🤓", "👻", "👨‍💻", "👀",
    "🎃", "🙈", "😇", "😨", "🤝", "✍", "🤗", "🫡", "🎅", "🎄", "☃", "💅", "🤪", "🗿", "🆒", "💘",
    "🙉", "🦄", "😘", "💊", "🙊", "😎", "👾", "🤷‍♂", "🤷", "🤷‍♀", "😡",
}  # fmt: skip
RIGHTS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
    "can_edit_stories", "can_delete_stories", "can_send_welcome_messages",
)  # fmt: skip

PERMISSIONS = (
    "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
    "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
    "can_add_web_page_previews", "can_react_to_messages", "can_edit_tag", "can_change_info", "can_invite_users",
    "can_pin_messages", "can_manage_topics",
)  # fmt: skip


@method
def get_me(core: Core, call: Call) -> Any:
    """getMe."""
    return core.world.bot.json() | {
        "can_join_groups": True,
        "can_read_all_group_messages": not core.privacy,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": any(c.topics for c in core.world.chats.values() if not c.is_group),
    }


@method
def send_chat_action(core: Core, call: Call) -> Any:
    """sendChatAction."""
    if call.text("action").lower() not in ACTIONS:
        raise bad("Wrong parameter action in request")
    core.chat(call, "write")
    return True


@method
def answer_callback_query(core: Core, call: Call) -> Any:
    """answerCallbackQuery: once, and in time."""
    query = core.world.queries.get(call.text("callback_query_id"))
    if query is None or query.answer is not None or time.monotonic() - query.asked > core.query_seconds:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    if len(call.text("text")) > 200:
        raise bad("MESSAGE_TOO_LONG")
    query.answer = {"text": call.text("text"), "show_alert": call.flag("show_alert")}
    core.records.changed()
    return True


@method
def set_message_reaction(core: Core, call: Call) -> Any:
    """setMessageReaction: one emoji of those Telegram has, or none."""
    given = call.json("reaction", "reaction types") or []
    if not isinstance(given, list):
        raise bad("Expected an Array of ReactionType")
    for reaction in given:
        if not isinstance(reaction, dict) or reaction.get("type") not in ("emoji", "custom_emoji"):
            raise bad("Can't parse ReactionType: invalid reaction type specified")
    message = core.message(core.chat(call), call.integer("message_id"), "message to react")
    if len(given) > 1:
        raise bad("REACTIONS_TOO_MANY")
    if any(reaction.get("emoji") not in REACTIONS for reaction in given):
        raise bad("REACTION_INVALID")
    message.reaction = given
    core.records.changed()
    return True


@method
def get_file(core: Core, call: Call) -> Any:
    """getFile."""
    stored = core.world.files.get(call.text("file_id"))
    if not call.text("file_id"):
        raise bad("file_id not specified")
    if stored is None:
        raise bad("invalid file_id")
    if stored.size > MAX_DOWNLOAD:
        raise bad("file is too big")
    shown = stored.json()
    return {key: shown[key] for key in ("file_id", "file_unique_id", "file_size")} | {"file_path": stored.path}


@method
def get_chat(core: Core, call: Call) -> Any:
    """getChat."""
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    return core.chat(call).json() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }


@method
def get_chat_member(core: Core, call: Call) -> Any:
    """getChatMember."""
    if call.integer("user_id") <= 0:
        raise bad("Invalid user_id specified")
    chat, user = core.chat(call), core.world.people.get(call.integer("user_id"))
    if user is None:
        raise bad("user not found")
    return as_member(user, chat.members.get(user.id, "left") if chat.is_group else "member")


def as_member(person: Person, status: str) -> dict[str, Any]:
    """A `ChatMember`."""
    extra: dict[str, Any] = {}
    if status == "administrator":
        extra = dict.fromkeys(RIGHTS, False) | {"can_manage_chat": True, "can_delete_messages": True}
    elif status == "restricted":
        extra = dict.fromkeys(PERMISSIONS, False) | {"is_member": True, "until_date": 0}
    elif status == "creator":
        extra = {"is_anonymous": False}
    elif status == "kicked":
        extra = {"until_date": 0}
    return {"status": status, "user": person.json()} | extra
