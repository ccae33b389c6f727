"""What goes wrong while an engine answers, and whether asking again may help."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from consilium.errors import N_
from inference.errors import InferenceError

if TYPE_CHECKING:
    from pathlib import Path


class EngineError(InferenceError):
    """The engine cannot answer this request.

    Attributes:
        retryable: the same request may succeed a little later, with nothing changed.
    """

    retryable: ClassVar[bool] = False


class PromptTooLong(EngineError):
    """The prompt leaves no room in the model's context for even one token of an answer."""

    sentence = N_("The prompt has {tokens} tokens, and the model's context holds {limit}.")
    remedy = N_("Send a shorter message, or start a new conversation with /new.")

    def __init__(self, *, tokens: int, limit: int) -> None:
        super().__init__(tokens=tokens, limit=limit)


class PromptRefused(EngineError):
    """The model's chat template does not accept this sequence of messages."""

    sentence = N_("The model's chat template refuses these messages: {reason}.")
    remedy = N_("Use the roles and the order the base model's chat template knows, or another base model.")
    personal = ("reason",)

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason=reason)


class AnswerNotWritable(EngineError):
    """The model's tokenizer has no tokens for an answer: it changes letters or white space in it."""

    sentence = N_("The model cannot write the answer “{answer}”: its tokenizer makes “{written}” of it.")
    remedy = N_("Write it without the characters that are lost, or take another base model.")
    personal = ("answer", "written")

    def __init__(self, *, answer: str, written: str) -> None:
        super().__init__(answer=_shorten(answer), written=_shorten(written))


class AdapterNotLoadable(EngineError):
    """The engine could not load the adapter a request asks for; other requests are not touched."""

    sentence = N_("The engine cannot load the adapter '{adapter}': {reason}.")
    remedy = N_("Check it with: consilium adapters check. Until then use another mode, or /mode base.")

    def __init__(self, *, adapter: str, reason: str) -> None:
        super().__init__(adapter=adapter, reason=reason)


class AdapterExceedsLimits(EngineError):
    """An adapter is larger than the engine's server was started for, or adapts what that server does not."""

    sentence = N_("The engine at {url} cannot take the adapter '{adapter}': {reason}.")
    remedy = N_("Start the server with larger limits (--max-lora-rank, --lora-target-modules), or use another mode.")

    def __init__(self, *, url: str, adapter: str, reason: str) -> None:
        super().__init__(url=url, adapter=adapter, reason=reason)


class AdapterHasNoEffect(EngineError):
    """A server says that it has loaded an adapter and answers with it exactly as without it."""

    sentence = N_("The engine at {url} answers with the adapter '{adapter}' exactly as without it.")
    remedy = N_("Use another mode; look at the server's log, and check the adapter with: consilium adapters inspect.")

    def __init__(self, *, url: str, adapter: str) -> None:
        super().__init__(url=url, adapter=adapter)


class AdaptersDisabled(EngineError):
    """The engine's server was started without adapters, or so that none can be loaded while it runs."""

    sentence = N_("The engine at {url} takes no adapters: {reason}.")
    remedy = N_(
        "Start it with deploy/sglang/launch or deploy/vllm/launch, or with --enable-lora and no data parallelism."
    )

    def __init__(self, *, url: str, reason: str) -> None:
        super().__init__(url=url, reason=reason)


class WrongModelServed(EngineError):
    """The engine's server serves another base model than the mind's."""

    sentence = N_("The engine at {url} serves {served}, and the mind runs on {wanted}.")
    remedy = N_("Start the server with the mind's base model, or set CONSILIUM_BASE_MODEL to the one it serves.")

    def __init__(self, *, url: str, served: str, wanted: str) -> None:
        super().__init__(url=url, served=served, wanted=wanted)


class SchemaRefused(EngineError):
    """The JSON schema of a request cannot be turned into a grammar."""

    sentence = N_("The engine cannot keep to this JSON schema: {reason}.")
    remedy = N_("Use plain types, enums, bounds and required properties only.")
    personal = ("reason",)

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason=reason)


class ModelNotLoadable(EngineError):
    """The local engine could not load the base model or its tokenizer from its folder."""

    sentence = N_("The base model in {folder} cannot be loaded: {reason}.")
    remedy = N_("Set the base model to a whole checkpoint; one that was made here is made again once it is deleted.")

    def __init__(self, *, folder: Path, reason: str) -> None:
        super().__init__(folder=folder, reason=reason)


class GenerationFailed(EngineError):
    """The model itself failed in the middle of the work, for instance for want of memory."""

    sentence = N_("The model failed while answering: {reason}.")
    remedy = N_("Try again; if it happens again, shorten the conversation with /new.")
    retryable = True

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason=reason)


class EngineStopped(EngineError):
    """The engine was closed before or while it answered."""

    sentence = N_("The engine has been shut down.")
    remedy = N_("Send the message again once the service is back.")

    def __init__(self) -> None:
        super().__init__()


class EngineUnavailable(EngineError):
    """The engine's server cannot be reached, broke off in mid-answer, or failed on its own side."""

    sentence = N_("The engine at {url} is not available: {reason}.")
    remedy = N_("Try again in a moment; if it stays so, check that the server is running.")
    retryable = True

    def __init__(self, *, url: str, reason: str) -> None:
        super().__init__(url=url, reason=reason)


class EngineTimeout(EngineError):
    """The engine's server let a deadline pass."""

    retryable = True

    def __init__(self, *, url: str, seconds: float) -> None:
        super().__init__(url=url, seconds=seconds)


class EngineConnectTimeout(EngineTimeout):
    """The engine's server took no connection in time."""

    sentence = N_("The engine at {url} did not take a connection within {seconds:g} s.")
    remedy = N_("Check that the server is running and that the network lets this machine reach it.")


class EngineResponseTimeout(EngineTimeout):
    """The engine's server took the request and had not begun to answer in time."""

    sentence = N_("The engine at {url} did not begin to answer within {seconds:g} s.")
    remedy = N_("Try again in a moment; if it stays so, the server is overloaded.")


class EngineStreamTimeout(EngineTimeout):
    """The engine's server began to answer and then sent nothing more."""

    sentence = N_("The engine at {url} stopped in mid-answer and sent nothing for {seconds:g} s.")
    remedy = N_("Try again in a moment; if it stays so, look at the server's log.")


class EngineRefused(EngineError):
    """The engine's server understood the request and will not serve it as it stands."""

    sentence = N_("The engine at {url} refused the request ({status}): {reason}.")
    remedy = N_("Check that the server runs the same base model and settings as this service.")
    personal = ("reason",)

    def __init__(self, *, url: str, status: int, reason: str) -> None:
        super().__init__(url=url, status=status, reason=reason)


class EngineKeyRefused(EngineError):
    """The engine's server wants a key that was not given, or another one."""

    sentence = N_("The engine at {url} does not accept the {key} key.")
    remedy = N_("Set the {key} key of the engine to the one its server was started with.")

    def __init__(self, *, url: str, key: str) -> None:
        super().__init__(url=url, key=key)


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
