"""Errors of conversation, a branch of the one error tree, and how an error becomes text for a person.

    BotError
        ChannelError            between the service and a platform
            DeliveryError       an answer cannot be shown
                TemporaryDeliveryError
                PermanentDeliveryError
            PlatformAccessDenied
        TurnError               in a turn
            MessageRefused      the message itself is at fault
                AlreadyRefused, EmptyMessage, MessageTooLong, NothingToRetry, NothingRemembered, UnknownCommand,
                BadArgument
            GenerationTooSlow, TurnAbandoned, TurnInterrupted, AnswerNotSaved, FetchFailed
            UnexpectedError         what no other error describes
                MessageNotStored, AnswerBroken

Minds, the library, memory and each channel add their own branches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol, runtime_checkable

from bot.core.redaction import redact
from consilium.errors import N_, ConsiliumError, N_plural


class BotError(ConsiliumError):
    """Base class for errors of conversation: minds, modes, turns, channels."""


@runtime_checkable
class Localizable(Protocol):
    """A detail of an error that reads differently in each language; its ``str()`` is for logs."""

    def localize(self, language: str, translate: Callable[[str], str]) -> str:
        """The text in `language`; `translate` looks up templates marked with `N_`."""
        ...


def localize_details(
    details: Mapping[str, object], language: str, translate: Callable[[str], str]
) -> dict[str, object]:
    """`details` with every `Localizable` among them as text."""
    return {
        name: value.localize(language, translate) if isinstance(value, Localizable) else value
        for name, value in details.items()
    }


def describe_error(error: ConsiliumError, language: str, translate: Callable[[str], str]) -> str:
    """The text of `error` for a person: its sentence and remedy, translated, with the details filled in.

    Secrets in the details are hidden: they may hold an address or what a server has said.
    """
    details = {
        name: redact(value) if isinstance(value, str) else value
        for name, value in localize_details(error.details, language, translate).items()
    }
    return " ".join(translate(template).format(**details) for template in error.templates)


class ChannelError(BotError):
    """Base class for errors between the service and a platform."""


class DeliveryError(ChannelError):
    """An answer could not be shown."""

    retryable: ClassVar[bool]
    """Whether a later attempt may succeed."""


class TemporaryDeliveryError(DeliveryError):
    """The platform does not accept the answer now: it is unreachable, overloaded or slow.

    Attributes:
        retry_after: seconds that the platform asks to wait.
    """

    retryable = True
    sentence = N_("{platform} did not accept the answer: {reason}.")
    remedy = N_("It will be sent again automatically.")

    def __init__(self, platform: str, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(platform=platform, reason=reason)
        self.retry_after = retry_after


class PermanentDeliveryError(DeliveryError):
    """The platform will never accept this answer: the chat is gone, or the bot is blocked there."""

    retryable = False
    sentence = N_("{platform} rejects the answer: {reason}.")
    remedy = N_("The answer is kept in the person's history.")

    def __init__(self, platform: str, reason: str) -> None:
        super().__init__(platform=platform, reason=reason)


class PlatformAccessDenied(ChannelError):
    """A platform does not let the bot log in."""

    sentence = N_("{platform} does not let the bot log in: {reason}.")
    remedy = N_("Check {setting}.")

    def __init__(self, platform: str, reason: str, setting: str) -> None:
        super().__init__(platform=platform, reason=reason, setting=setting)


class TurnError(BotError):
    """Base class for errors of a turn."""


class MessageRefused(TurnError):
    """Base class for what is wrong with the message itself. All other errors of a turn are the service's fault."""

    is_silent: ClassVar[bool] = False
    """Whether a channel should show nothing, where it can."""


class AlreadyRefused(MessageRefused):
    """The sender has no access and was informed of that recently."""

    is_silent = True
    sentence = N_("I am not allowed to answer here.")


class EmptyMessage(MessageRefused):
    """The message has no letter, digit or sign that could be read."""

    sentence = N_("There is nothing to read in that message.")
    remedy = N_("Write a question in words, send a document that has text in it, or see /help.")


class MessageTooLong(MessageRefused):
    """The message does not fit the model's prompt even with nothing else in it."""

    sentence = N_plural(
        "That message is {tokens} token long, and I can read {limit} at once.",
        "That message is {tokens} tokens long, and I can read {limit} at once.",
        "tokens",
    )
    remedy = N_("It is kept in your history; ask about a shorter part of it.")

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(tokens=tokens, limit=limit)


class GenerationTooSlow(TurnError):
    """The answer was not finished by its deadline."""

    sentence = N_plural(
        "The answer was not ready within {seconds} second, so I stopped.",
        "The answer was not ready within {seconds} seconds, so I stopped.",
        "seconds",
    )
    remedy = N_("Ask again, or ask something shorter.")

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds=round(seconds))


class NothingButThoughts(TurnError):
    """The model thought until it had no tokens left for an answer."""

    sentence = N_("The model used all its {tokens} tokens for thinking and did not begin to answer.")
    remedy = N_("Ask something simpler; the mind's author can raise `max_tokens` or turn thinking off.")

    def __init__(self, tokens: int) -> None:
        super().__init__(tokens=tokens)


class TurnAbandoned(TurnError):
    """All attempts at a turn failed, or its time ran out."""

    sentence = N_plural(
        "Something kept going wrong while I answered this, and I gave up after {tries} attempt.",
        "Something kept going wrong while I answered this, and I gave up after {tries} attempts.",
        "tries",
    )
    remedy = N_("Nothing is lost: /retry asks it again.")

    def __init__(self, attempts: int) -> None:
        super().__init__(tries=attempts)


class TurnInterrupted(TurnError):
    """The process that was to show the answer ended first, and the place to show it in is gone with it."""

    sentence = N_("The program ended before this was answered.")
    remedy = N_("/retry asks it again.")

    def __init__(self) -> None:
        super().__init__()


class NothingToRetry(MessageRefused):
    """/retry in a session without a question."""

    sentence = N_("There is nothing to ask again here yet.")


class UnknownCommand(MessageRefused):
    """A message starts like a command, and there is no such command."""

    sentence = N_("There is no command “/{name}”.")
    remedy = N_("Nearest: {nearest}. All of them: /help.")
    personal = ("name",)

    def __init__(self, name: str, nearest: list[str]) -> None:
        super().__init__(name=name, nearest=", ".join(f"/{n}" for n in nearest))


class BadArgument(MessageRefused):
    """A command cannot use its argument."""

    sentence = N_("/{command} does not accept “{argument}”.")
    remedy = N_("Write {usage}.")
    personal = ("argument",)

    def __init__(self, command: str, argument: str, usage: str) -> None:
        super().__init__(command=command, argument=argument, usage=usage)


class AnswerNotSaved(TurnError):
    """The answer was generated, and the database became unreachable before it was saved."""

    sentence = N_("You have the answer, but it could not be saved: {reason}")
    remedy = N_("Your question is kept; the answer will not be in your history.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class NothingRemembered(MessageRefused):
    """/forget when nothing is remembered."""

    sentence = N_("There is nothing to forget: I remember nothing about you yet.")


class UnexpectedError(TurnError):
    """A failure that no other error describes. The log has the traceback under the same reference.

    It says nothing of what has become of the message: only who knows that raises one of the two below.
    """

    sentence = N_("Something broke on our side.")
    remedy = N_("Try again; if it breaks again, give the operator the reference {reference}.")

    def __init__(self, reference: str) -> None:
        super().__init__(reference=reference)


class MessageNotStored(UnexpectedError):
    """A message was given up before it was stored: nothing of it is in the database."""

    sentence = N_("Something broke on our side, and your message could not be taken in.")
    remedy = N_("Send it again; if it breaks again, give the operator the reference {reference}.")


class AnswerBroken(UnexpectedError):
    """An attempt at a stored turn has failed."""

    sentence = N_("Something broke on our side while I answered; your question is kept.")
    remedy = N_("/retry asks it again; if it breaks again, give the operator the reference {reference}.")


class FetchFailed(TurnError):
    """The platform cannot deliver a file now; a later attempt may succeed.

    Attributes:
        retry_after: seconds that the platform asks to wait.
    """

    sentence = N_("I could not get “{name}”: {reason}.")
    remedy = N_("Send it again a little later.")
    personal = ("name",)

    def __init__(self, name: str, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(name=name, reason=reason)
        self.retry_after = retry_after
