"""What can be wrong with a request before it becomes a message."""

from __future__ import annotations

from typing import ClassVar

from bot.core.errors import ChannelError
from consilium.errors import N_


class RequestRefused(ChannelError):
    """Root of refused requests.

    Attributes:
        status: of the HTTP response.
        code: what OpenAI's form of an error calls it; None where it has no name there.
        param: the part of the request that is wrong.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str | None] = None
    param: str | None = None


class BadRequest(RequestRefused):
    """A request is not of the form the endpoint takes."""

    sentence = N_("“{param}” is not right: {problem}.")

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(param=param, problem=problem)
        self.param = param


class LastMessageNotFromUser(RequestRefused):
    """A conversation does not end with something to be answered."""

    sentence = N_("The last message has to be the user's.")
    param = "messages"


class NotJson(RequestRefused):
    """A request's body does not say that it is JSON."""

    status = 415
    sentence = N_("The body has to be JSON.")
    remedy = N_("Send it with Content-Type: application/json.")


class ParameterNotSupported(RequestRefused):
    """A request asks for what this service does not do, and an answer without it would be another one."""

    code = "unsupported_parameter"
    sentence = N_("“{param}” is not supported here.")
    remedy = N_("Leave it out.")

    def __init__(self, param: str) -> None:
        super().__init__(param=param)
        self.param = param


class ApiKeyMissing(RequestRefused):
    """A request comes without a key, and needs one."""

    status = 401
    code = "invalid_api_key"
    sentence = N_("An API key is needed.")
    remedy = N_("Send it as: Authorization: Bearer KEY. An operator sets keys with CONSILIUM_API_KEYS.")


class ApiKeyUnknown(RequestRefused):
    """A request comes with a key that is none of ours."""

    status = 401
    code = "invalid_api_key"
    sentence = N_("This API key is not known.")
    remedy = N_("Check it; an operator sets keys with CONSILIUM_API_KEYS.")


class BodyTooLarge(RequestRefused):
    """A request's body is larger than any conversation a prompt can hold."""

    status = 413
    sentence = N_("The request is larger than {limit} bytes.")
    remedy = N_("Leave out what was said long ago: only the latest of it goes to the model.")

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class BodyTimedOut(RequestRefused):
    """A request's body has not come to its end in time."""

    status = 408
    sentence = N_("The request was not here within {seconds} s.")
    remedy = N_("Send it again.")

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds=round(seconds))


class NoSuchEndpoint(RequestRefused):
    """There is nothing at this address, or not for this method."""

    status = 404
    sentence = N_("There is no {method} {path} here.")
    remedy = N_("What there is: {endpoints}.")

    def __init__(self, method: str, path: str, endpoints: str) -> None:
        super().__init__(method=method, path=path, endpoints=endpoints)


class NoSuchTurn(RequestRefused):
    """A turn is asked for that the person has not."""

    status = 404
    sentence = N_("This person has no such turn.")
    remedy = N_("Name the person as in the request that it came from: ?user=….")


class NoSuchMemory(RequestRefused):
    """A memory is to be forgotten that the person has not."""

    status = 404
    sentence = N_("Nothing is remembered of this person under that id.")
    remedy = N_("GET /v1/memories lists what is.")


class ServiceShuttingDown(RequestRefused):
    """The process takes nothing new, for it is about to end."""

    status = 503
    sentence = N_("This process is about to end.")
    remedy = N_("Send it again: another one takes it.")
