"""What can go wrong with one message."""

from __future__ import annotations

from typing import ClassVar

from bot.errors import BotError
from consilium.errors import N_


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
