"""Errors of talking: the branch for minds, modes, turns and channels, and how an error becomes text for a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol, runtime_checkable

from consilium.errors import N_, ConsiliumError


class BotError(ConsiliumError):
    """Root of what goes wrong in conversation: minds, modes, turns, channels."""


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
    """What a person reads of `error`: its sentence and remedy, translated, with the details filled in."""
    details = localize_details(error.details, language, translate)
    return " ".join(translate(template).format(**details) for template in (error.sentence, error.remedy) if template)


class ChannelError(BotError):
    """Root of what goes wrong between the service and a platform."""


class DeliveryError(ChannelError):
    """An answer could not be shown."""

    retryable: ClassVar[bool]
    """Whether a later try may help."""


class TemporaryDeliveryError(DeliveryError):
    """The platform did not take an answer now: it was away, too busy, or slow."""

    retryable = True
    sentence = N_("{platform} did not take the answer: {reason}.")
    remedy = N_("It is tried again by itself.")

    def __init__(self, platform: str, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(platform=platform, reason=reason)
        self.retry_after = retry_after
        """Seconds that the platform asks to wait."""


class PermanentDeliveryError(DeliveryError):
    """The platform will never take this answer: the chat is gone, or the bot is shut out of it."""

    retryable = False
    sentence = N_("{platform} will not take the answer: {reason}.")
    remedy = N_("The answer is kept in the person's history.")

    def __init__(self, platform: str, reason: str) -> None:
        super().__init__(platform=platform, reason=reason)


class PlatformAccessDenied(ChannelError):
    """A platform does not let the bot in."""

    sentence = N_("{platform} does not let the bot in: {reason}.")
    remedy = N_("Check {setting}.")

    def __init__(self, platform: str, reason: str, setting: str) -> None:
        super().__init__(platform=platform, reason=reason, setting=setting)


class TurnError(BotError):
    """Root of what goes wrong in a turn."""


class MessageRefused(TurnError):
    """Root of what is wrong with the message itself; everything else in this branch is our doing."""

    is_silent: ClassVar[bool] = False
    """Whether nothing is to be said of it, where a channel can say nothing."""


class AlreadyRefused(MessageRefused):
    """A message of one who is not let in, and has been told so not long ago."""

    is_silent = True
    sentence = N_("I am not allowed to answer here.")


class EmptyMessage(MessageRefused):
    """A message holds nothing that can be read: no letter, digit or sign."""

    sentence = N_("There is nothing to read in that message.")
    remedy = N_("Write a question in words, send a document that has text in it, or see /help.")


class MessageTooLong(MessageRefused):
    """A message does not fit the model's prompt even with nothing else in it."""

    sentence = N_("That message is {tokens} tokens long, and I can read {limit} at once.")
    remedy = N_("It is kept in your history; ask about a shorter part of it.")

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(tokens=tokens, limit=limit)


class GenerationTooSlow(TurnError):
    """The answer was not finished by its deadline."""

    sentence = N_("The answer was not ready within {seconds} seconds, so I stopped.")
    remedy = N_("Ask again, or ask something shorter.")

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds=round(seconds))


class TurnAbandoned(TurnError):
    """A turn was tried again and again, or for too long, and never came to an end."""

    sentence = N_("Something kept going wrong while I answered this, and I have given it up (tries: {tries}).")
    remedy = N_("Nothing is lost: /retry asks it again.")

    def __init__(self, attempts: int) -> None:
        super().__init__(tries=attempts)


class TurnInterrupted(TurnError):
    """The process that was to show an answer ended before it could, and with it the place to show it in."""

    sentence = N_("The program ended before this was answered.")
    remedy = N_("/retry asks it again.")

    def __init__(self) -> None:
        super().__init__()


class NothingToRetry(MessageRefused):
    """Something is to be asked again, and nothing has been asked."""

    sentence = N_("There is nothing to ask again here yet.")


class UnknownCommand(MessageRefused):
    """A message begins like a command, and there is no such command."""

    sentence = N_("There is no command “/{name}”.")
    remedy = N_("Nearest: {nearest}. All of them: /help.")

    def __init__(self, name: str, nearest: list[str]) -> None:
        super().__init__(name=name, nearest=", ".join(f"/{n}" for n in nearest))


class BadArgument(MessageRefused):
    """A command was given something it cannot use."""

    sentence = N_("“{argument}” is not what /{command} takes.")
    remedy = N_("Write {usage}.")

    def __init__(self, command: str, argument: str, usage: str) -> None:
        super().__init__(command=command, argument=argument, usage=usage)


class AnswerNotSaved(TurnError):
    """An answer was made, and the database went away before it could be kept."""

    sentence = N_("You have the answer, but it could not be saved: {reason}")
    remedy = N_("Your question is kept; the answer will not be in your history.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class NothingRemembered(MessageRefused):
    """Something is to be forgotten, and nothing is remembered."""

    sentence = N_("There is nothing to forget: I remember nothing about you yet.")


class UnexpectedError(TurnError):
    """Something failed that nobody foresaw; the log holds all of it under this reference."""

    sentence = N_("Something broke on our side, and your message is kept.")
    remedy = N_("Ask again; if it breaks again, give the operator the reference {reference}.")

    def __init__(self, reference: str) -> None:
        super().__init__(reference=reference)


class FetchFailed(TurnError):
    """The platform does not give a file now; a later try may help.

    Attributes:
        wait: seconds that the platform asks to wait.
    """

    sentence = N_("I could not get “{name}”: {reason}.")
    remedy = N_("Send it again a little later.")

    def __init__(self, name: str, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(name=name, reason=reason)
        self.retry_after = retry_after
