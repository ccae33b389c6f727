"""Whom a request is for, as the front end that sends it names them, and in which conversation.

A name counts only under a key that says by what its front end names people: whoever can write a header or a field could
otherwise speak as anybody. Where nobody is named, the request is nobody's, and nothing of it is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from bot.channels.http.api_client import ApiClient
from bot.channels.http.errors import BadRequest, PersonNotInScope

MAX_NAME_LENGTH: Final = 256
OPENWEBUI_USER: Final = "X-OpenWebUI-User-Id"
OPENWEBUI_CHAT: Final = "X-OpenWebUI-Chat-Id"
_CONVERSATION_PERSON: Final = "conversation:"
"""Before a conversation's id where nobody but the conversation is named, so that it is no person's name."""
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]*")


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """Whom a request is for."""

    person: str | None
    """The client's name for them; None: nobody is named, or nobody whom the key may name so."""
    session: str | None
    """The client's name for the conversation; None: the person's only one."""


def named_person(
    request: Request,
    client: ApiClient,
    *,
    user: str | None = None,
    session: str | None = None,
    conversation: str | None = None,
) -> NamedPerson:
    """Whom a request names, by what its key allows.

    What the front end's server says of its user, in headers, counts before what is in the body.

    Args:
        user: the field `user`, or OpenAI's newer name of it.
        session: our own field for the conversation.
        conversation: n8n's id of the conversation.

    Raises:
        BadRequest: a header is no name.
    """
    sources, person, place = client.people_from, None, session
    if "openwebui" in sources:
        person = _header(request, OPENWEBUI_USER)
        place = place or _header(request, OPENWEBUI_CHAT)
    if "user" in sources:
        person = person or user
    if "n8n" in sources and conversation:
        person = person or f"{_CONVERSATION_PERSON}{conversation}"
        place = place or conversation
    return NamedPerson(person or None, place if person else None)


def person_asked_about(request: Request, client: ApiClient, user: str | None) -> str | None:
    """The person whose turns or memories a request is about; None: nobody, but the program itself.

    Raises:
        PersonNotInScope: it names somebody by what its key does not trust.
        BadRequest: a header is no name.
    """
    person = named_person(request, client, user=user).person
    if person is None and user:
        raise PersonNotInScope
    return person


def _header(request: Request, name: str) -> str | None:
    value = request.headers.get(name, "").strip()
    if len(value) > MAX_NAME_LENGTH or not _NAME.fullmatch(value):
        raise BadRequest(name, "it is no name of up to 256 characters")
    return value or None
