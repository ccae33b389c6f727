"""Errors of packing a mind into a file, and of taking one out of it."""

from __future__ import annotations

from pathlib import Path

from bot.authoring.errors import AuthoringError
from consilium.errors import N_


class PackError(AuthoringError):
    """Base class of what is wrong with a packed mind."""

    exit_code = 1


class FileIsThere(PackError):
    """Something is to be written where there is something already."""

    sentence = N_("There is something at {path} already.")
    remedy = N_("Name another place; nothing was written.")

    def __init__(self, path: Path) -> None:
        super().__init__(path=path)


class KeyNotUsable(PackError):
    """A key cannot be used."""

    sentence = N_("{path} is no key that can be used: {reason}.")
    remedy = N_("A public key is the line that `consilium mind pack` prints, or a file with it.")

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path=path, reason=reason.rstrip("."))


class NotAPack(PackError):
    """A file is no packed mind, or a damaged or hostile one."""

    sentence = N_("{path} cannot be unpacked: {reason}.")
    remedy = N_("Get it again from whoever has packed it; nothing was written.")

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class SignatureInvalid(PackError):
    """A packed mind was not signed with the key that is expected."""

    sentence = N_("The signature does not hold: {reason}.")
    remedy = N_("Ask whoever has packed it for their public key; nothing was written.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason.rstrip("."))


class NotPackable(PackError):
    """A mind cannot be packed."""

    sentence = N_("The mind cannot be packed: {reason}.")
    remedy = N_("Correct it, then pack it again; nothing was written.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
