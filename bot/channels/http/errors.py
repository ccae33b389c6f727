"""Errors of a request before it becomes a message."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from bot.core.errors import ChannelError
from consilium.errors import N_, N_plural


class RequestRefused(ChannelError):
    """Root of refused requests.

    Attributes:
        status: of the HTTP response.
        code: in OpenAI's format; None where OpenAI has no code for it.
        param: the part of the request that is wrong.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str | None] = None
    param: str | None = None


class BadRequest(RequestRefused):
    """A part of a request is malformed."""

    sentence = N_("“{param}” is invalid: {problem}.")
    personal = ("param", "problem")

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(param=param, problem=problem)
        self.param = param


class NothingToAnswer(RequestRefused):
    """A conversation has no message of the person at its end, nor before the answer that is to go on."""

    sentence = N_("There is no message from the user to answer.")
    param = "messages"


class NotJson(RequestRefused):
    """A request's content type is not JSON."""

    status = 415
    sentence = N_("The body must be JSON.")
    remedy = N_("Send it with Content-Type: application/json.")


class ParameterNotSupported(RequestRefused):
    """A request has a parameter that is not supported and would change the answer."""

    code = "unsupported_parameter"
    sentence = N_("“{param}” is not supported here.")
    remedy = N_("Leave it out.")
    personal = ("param",)

    def __init__(self, param: str) -> None:
        super().__init__(param=param)
        self.param = param


class ToolsNotSupported(RequestRefused):
    """A request needs a call of a tool, and the base model's chat template knows none."""

    code = "unsupported_parameter"
    sentence = N_("The base model of this mind cannot call tools.")
    remedy = N_("Leave “tools” out, or let the answer come without a call: “tool_choice” auto or none.")
    param = "tools"


class PreviousResponseUnknown(RequestRefused):
    """A request goes on from a response that is not there."""

    code = "previous_response_not_found"
    sentence = N_("There is no stored response with this id.")
    remedy = N_(
        "Name the person as in its request (“user”). Without a person, a response is stored with “store”: true."
    )
    param = "previous_response_id"


class NoSuchResponse(RequestRefused):
    """There is no stored response with the requested id."""

    status = 404
    sentence = N_("There is no stored response with this id.")
    remedy = N_("Name the person as in the original request: ?user=….")


class EmbeddingsNotReady(RequestRefused):
    """This process has no embedding model."""

    status = 503
    code = "service_unavailable"
    sentence = N_("This process has no embedding model.")
    remedy = N_("Send it again: another process may have one.")


class ModelsTooSlow(RequestRefused):
    """A request of embeddings or of a search was not done in time."""

    status = 504
    code = "timeout"
    sentence = N_("This was not done within {seconds} s.")
    remedy = N_("Send fewer texts at once, or send them later.")

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds=round(seconds))


class ApiKeyMissing(RequestRefused):
    """A request has no API key."""

    status = 401
    code = "invalid_api_key"
    sentence = N_("An API key is needed.")
    remedy = N_("Send it as: Authorization: Bearer KEY. An operator makes keys with `consilium keys create NAME`.")


class ApiKeyAmbiguous(RequestRefused):
    """A request has more than one `Authorization` header."""

    status = 401
    code = "invalid_api_key"
    sentence = N_("The request has more than one Authorization header.")
    remedy = N_("Send one key.")


class ApiKeyUnknown(RequestRefused):
    """A request has an API key that does not exist."""

    status = 401
    code = "invalid_api_key"
    sentence = N_("This API key is unknown.")
    remedy = N_("Check that it is whole; an operator sees the keys with `consilium keys list`.")


class ApiKeyExpired(RequestRefused):
    """A request has an API key whose time is over."""

    status = 401
    code = "api_key_expired"
    sentence = N_("This API key has expired.")
    remedy = N_("Ask the operator for a new one.")


class ApiKeyRevoked(RequestRefused):
    """A request has an API key that the operator has revoked."""

    status = 401
    code = "api_key_revoked"
    sentence = N_("This API key has been revoked.")
    remedy = N_("Ask the operator for a new one.")


class RightMissing(RequestRefused):
    """A key has not the right that a request needs."""

    status = 403
    code = "insufficient_permissions"
    sentence = N_("This API key has not the right to {right}.")
    remedy = N_("Use another key, or ask the operator for one with --rights {right}.")

    def __init__(self, right: str) -> None:
        super().__init__(right=right)


class ModelNotInScope(RequestRefused):
    """A key may not ask a mode."""

    status = 403
    code = "model_not_allowed"
    param = "model"
    sentence = N_("This API key may not use “{mode}”.")
    remedy = N_("GET /v1/models lists what it may use.")

    def __init__(self, mode: str) -> None:
        super().__init__(mode=mode)


class PersonNotInScope(RequestRefused):
    """A key may not name a person."""

    status = 403
    code = "person_not_allowed"
    param = "user"
    sentence = N_("This API key may not name this person.")
    remedy = N_("Use a key of the program that this person belongs to.")


class KeyBudgetSpent(RequestRefused):
    """Root of the reasons why a key may send nothing for now.

    Attributes:
        retry_after: seconds until it is worth another try.
    """

    status = 429
    code = "rate_limit_exceeded"
    retry_after: float = 1.0
    remedy = N_("Try again in {seconds} s.")

    def __init__(self, limit: int, retry_after: float) -> None:
        super().__init__(limit=limit, seconds=math.ceil(retry_after))
        self.retry_after = retry_after


class KeyMinuteRequestsSpent(KeyBudgetSpent):
    """A key has used up its requests of a minute."""

    sentence = N_plural(
        "This API key may send {limit} request a minute.", "This API key may send {limit} requests a minute.", "limit"
    )


class KeyDayRequestsSpent(KeyBudgetSpent):
    """A key has used up its requests of a day."""

    sentence = N_plural(
        "This API key may send {limit} request a day.", "This API key may send {limit} requests a day.", "limit"
    )


class KeyMinuteTokensSpent(KeyBudgetSpent):
    """A key has used up its tokens of a minute."""

    sentence = N_plural(
        "This API key may use {limit} token a minute.", "This API key may use {limit} tokens a minute.", "limit"
    )


class KeyDayTokensSpent(KeyBudgetSpent):
    """A key has used up its tokens of a day."""

    sentence = N_plural(
        "This API key may use {limit} token a day.", "This API key may use {limit} tokens a day.", "limit"
    )


class StillBeingAnswered(RequestRefused):
    """A request is repeated while it is being answered."""

    status = 409
    code = "request_in_progress"
    sentence = N_("This request is being answered already.")
    remedy = N_("Send it again a little later: then its answer is there.")


class NoSuchEndpoint(RequestRefused):
    """There is no endpoint with this path and method."""

    status = 404
    sentence = N_("There is no {method} {path} here.")
    remedy = N_("Available: {endpoints}.")
    personal = ("path",)

    def __init__(self, method: str, path: str, endpoints: str) -> None:
        super().__init__(method=method, path=path, endpoints=endpoints)


class MethodNotAllowed(RequestRefused):
    """An endpoint does not know the method of a request.

    Attributes:
        allowed: the methods that it knows.
    """

    status = 405
    allowed: Sequence[str] = ()
    sentence = N_("There is no {method} {path} here.")
    remedy = N_("Available: {endpoints}.")
    personal = ("path",)

    def __init__(self, method: str, path: str, allowed: Sequence[str]) -> None:
        super().__init__(method=method, path=path, endpoints=", ".join(f"{one} {path}" for one in allowed))
        self.allowed = tuple(allowed)


class NoSuchTurn(RequestRefused):
    """The person has no turn with the requested id."""

    status = 404
    sentence = N_("This person has no such turn.")
    remedy = N_("Name the person as in the original request: ?user=….")


class NoAnswerToRate(RequestRefused):
    """A turn has no answer that somebody could think something of."""

    status = 409
    code = "not_answered"
    sentence = N_("This turn has no answer.")
    remedy = N_("Rate it once it is answered; GET /v1/turns/ID says whether it is.")


class LibraryClosed(RequestRefused):
    """Whoever sends a document may not add to the library."""

    status = 403
    code = "library_closed"
    param = "to"
    sentence = N_("Only owners and admins may add to the library.")
    remedy = N_("Ask the operator to make {name} an admin, or send it with to=memory.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class DocumentNotTaken(RequestRefused):
    """A document cannot be read."""

    code = "document_refused"
    param = "body"
    sentence = N_("The document was not taken. {reason}")
    personal = ("reason",)

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class NoSuchMemory(RequestRefused):
    """The person has no memory with the requested id."""

    status = 404
    sentence = N_("This person has no such memory.")
    remedy = N_("GET /v1/memories lists all of them.")


class PartUnavailable(RequestRefused):
    """The database or the engine does not answer. Which, and why, is in the log and none of the client's business."""

    status = 503
    code = "service_unavailable"
    sentence = N_("A part of the service does not answer now.")
    remedy = N_("Send it again in a moment.")


class AnswerImpossible(RequestRefused):
    """The service cannot answer. Why is in the log and none of the client's business."""

    status = 500
    sentence = N_("This cannot be answered here.")
    remedy = N_("Try another model, or tell the operator.")


class ServiceShuttingDown(RequestRefused):
    """The process is shutting down and accepts nothing new."""

    status = 503
    sentence = N_("This process is shutting down.")
    remedy = N_("Send it again: another process will take it.")
