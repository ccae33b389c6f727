"""The key that packed minds are signed with, in the form of minisign, and what a signature is worth."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from minisign import Error as MinisignError
from minisign import KeyPair, PublicKey, SecretKey, Signature, VerifyError

from bot.authoring.pack_errors import KeyNotUsable, SignatureInvalid
from consilium.files import write_atomically

KEY_FILE: Final = "pack.key"
"""In the service's data folder; it has no password, and only its owner may read it."""
_PRIVATE: Final = 0o600


def open_key(folder: Path) -> SecretKey:
    """The key in a folder; made the first time. Blocking.

    Raises:
        KeyNotUsable: there is one that cannot be read.
        OSError: it cannot be written.
    """
    path = folder / KEY_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # another process has just made it
            write_atomically(path, bytes(KeyPair.generate().secret_key) + b"\n", mode=_PRIVATE, replace=False)
    try:
        key = SecretKey.from_file(path)
    except (MinisignError, OSError, ValueError) as error:
        raise KeyNotUsable(path, str(error)) from error
    if key.is_encrypted():
        raise KeyNotUsable(path, "it has a password")
    return key


def public_line(key: PublicKey) -> str:
    """A public key as minisign writes it: one line of 56 characters."""
    line: bytes = key.to_base64()
    return line.decode()


def read_public_key(given: str) -> PublicKey:
    """A public key: the line itself, or a file with it.

    Raises:
        KeyNotUsable: it is neither.
    """
    try:
        return PublicKey.from_file(given) if os.path.isfile(given) else PublicKey.from_base64(given)  # noqa: PTH113 - a line may be too long for a path
    except (MinisignError, OSError, ValueError) as error:
        raise KeyNotUsable(Path(given[:80]), str(error)) from error


def verify(key: PublicKey, content: bytes, signature: bytes) -> str:
    """Check a signature and return its trusted comment.

    Raises:
        SignatureInvalid: it is not this key's, or the content is another.
    """
    try:
        found = Signature.from_bytes(signature)
        if not found.is_prehashed():
            raise SignatureInvalid("it is of the old form")
        key.verify(content, found)
    except (VerifyError, MinisignError, ValueError) as error:
        raise SignatureInvalid(str(error)) from error
    comment: str = found.trusted_comment
    return comment
