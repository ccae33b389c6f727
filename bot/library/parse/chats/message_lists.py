"""Lists of messages in exports as JSON, read one message at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bot.library.parse.chats.conversation import Message
from bot.library.parse.chats.fields import OnSkip
from bot.library.parse.chats.json_stream import BadValue, JsonStream
from bot.library.parse.decoding import open_text

ReadMessage = Callable[[dict[str, Any]], Message | None]
"""Makes a message of an object; None for a service message. It raises an error where it cannot."""


def message_lists(stream: JsonStream) -> Iterator[None]:
    """Stops at the list of messages of the chat under the cursor."""
    for key in stream.members():
        if is_message_list(key, stream):
            yield
        else:
            stream.skip()


def is_message_list(key: str, stream: JsonStream) -> bool:
    """Whether the value under the cursor, the one of this key, is a chat's list of messages."""
    return key == "messages" and stream.peek() == "["


def read_messages(stream: JsonStream, read: ReadMessage, on_skip: OnSkip) -> Iterator[Message]:
    """The messages of the list under the cursor.

    Args:
        on_skip: called for each object that cannot be read; the others are read nevertheless.
    """
    for _ in stream.items():
        try:
            message = read(stream.value())
        except (BadValue, ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError):
            on_skip()
            continue
        if message is not None:
            yield message


def read_messages_of(path: Path, read: ReadMessage, on_skip: OnSkip) -> Iterator[Message]:
    """The messages of a file with one chat, opened when they are asked for; see `read_messages`."""
    with open_text(path) as text:
        stream = JsonStream(text)
        for _ in message_lists(stream):
            yield from read_messages(stream, read, on_skip)
