"""Chat exports of Telegram, WhatsApp and Discord as one kind of conversation."""

from bot.library.parse.chats.conversation import Attachment, AttachmentKind, Conversation, ConversationKind, Message
from bot.library.parse.chats.exports import ChatExport, is_export, open_export

__all__ = [
    "Attachment",
    "AttachmentKind",
    "ChatExport",
    "Conversation",
    "ConversationKind",
    "Message",
    "is_export",
    "open_export",
]
