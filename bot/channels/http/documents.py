"""The endpoint that takes a document: into a person's memory, or into the library."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Query
from starlette.requests import Request

from bot.channels.http.answer_response import check_accepting
from bot.channels.http.api import Api, api_of, requested_language
from bot.channels.http.api_client import ApiClient, client_of
from bot.channels.http.errors import BadRequest, DocumentNotTaken, LibraryClosed
from bot.channels.http.front_end_people import person_asked_about
from bot.channels.http.own_objects import DocumentObject
from bot.channels.http.people import User
from bot.channels.http.reply import PLATFORM
from bot.core.errors import TurnInterrupted, UnexpectedError
from bot.core.http_body import read_body
from bot.core.messages import Address, FileRef, Incoming
from bot.core.silent_reply import SilentReply
from bot.intake.access import AccessDenied
from bot.intake.attachments.report import DocumentResult
from bot.intake.library_request import LIBRARY_REQUEST
from db.turns import turns

UPLOAD_SECONDS: Final = 120.0
"""Seconds that a document may take to arrive."""
DOCUMENT_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "The file, as it is.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary", "minLength": 1}}},
    }
}
Name = Annotated[
    str,
    Query(
        min_length=1, max_length=256, description="The file's name; its ending says what it is.", examples=["notes.md"]
    ),
]
To = Annotated[
    Literal["memory", "library"],
    Query(description="`memory`: the person's, which nobody else sees. `library`: everybody's, for owners and admins."),
]


async def add_document(request: Request, name: Name, to: To = "memory", user: User = None) -> DocumentObject:
    """Take a document as one that is sent in a chat. One of the same name is replaced.

    Raises:
        BadRequest: nobody is named whose memory it could go into.
        LibraryClosed: whoever sends it may not add to the library.
        DocumentNotTaken: it cannot be read, and why.
        ConsiliumError: it is refused as any other message is.
    """
    api, client = api_of(request), client_of(request)
    check_accepting(api)
    person = person_asked_about(request, client, user)
    if to == "memory" and person is None:
        raise BadRequest("user", "a document for the memory needs a person")
    incoming = Incoming(
        PLATFORM,
        client.external_id(person),
        person or "",
        LIBRARY_REQUEST if to == "library" else "",
        language=requested_language(request),
    )
    if to == "library":
        await _check_library(api, incoming)
    content = await read_body(request, api.document_bytes, UPLOAD_SECONDS)
    if not content:
        raise BadRequest("body", "the document is empty")
    return await _take(api, client, incoming, FileRef(name, len(content), {}), content, to)


async def _check_library(api: Api, incoming: Incoming) -> None:
    """Check that the sender may add to the library, before the document is read.

    Raises:
        AccessDenied: they are not let in.
        LibraryClosed: they are, and may not.
    """
    async with api.database.anonymous_transaction() as connection:
        permissions = await api.access_policy.check(connection, incoming)
    if isinstance(permissions, AccessDenied):
        raise permissions
    if not permissions.is_admin:
        raise LibraryClosed(f"{incoming.platform}:{incoming.person}")


async def _take(
    api: Api, client: ApiClient, incoming: Incoming, file: FileRef, content: bytes, to: Literal["memory", "library"]
) -> DocumentObject:
    async def fetch(_: Address) -> AsyncGenerator[bytes, None]:
        yield content

    await api.loading.wait()
    accepted = await api.accept(client, replace(incoming, files=(file,)))
    turn = accepted.receipt.turn
    outcome = await api.direct.answer_accepted(accepted, SilentReply(), fetch)
    if outcome.error is not None:
        raise outcome.exception or UnexpectedError(str(turn.id))
    result = await _result(api, turn.user_id, turn.id)
    if result.refusal is not None:
        raise DocumentNotTaken(result.refusal)
    return DocumentObject(
        turn=str(turn.id), name=result.name, to=to, passages=result.passages, replaced=result.replaced,
        notes=list(result.notes),
    )  # fmt: skip


async def _result(api: Api, user_id: UUID, turn_id: UUID) -> DocumentResult:
    """What has become of the document of a turn.

    Raises:
        TurnInterrupted: nothing: it was stopped.
    """
    async with api.database.person_transaction(user_id) as connection:
        taken = (await turns.get(connection, turn_id)).taken
    if not taken:
        raise TurnInterrupted
    return DocumentResult.from_json(taken[0])
