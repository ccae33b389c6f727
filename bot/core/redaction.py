"""Takes secrets out of text that leaves the process: logs, errors that people read, traces.

Two ways, both always: the secrets that this process knows (`register_secrets`), in every form they are likely to be
written in, and the shapes that tokens, keys and passwords have, for those it does not know.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "[hidden]"
"""What stands in the place of a secret."""
MIN_SECRET_LENGTH: Final = 4
"""Characters; a shorter secret is part of too many words to be taken out of them."""
_KEY_NAME: Final = r"(?:[a-z0-9]+[_-])*(?:api[_-]?key|key|token|secret|password|passwd|pwd|passphrase|signature)"
_SHAPES: Final = (
    # User and password in an address; a password may contain an @.
    (re.compile(r"([a-z][a-z0-9+.-]{0,20}://)[^\s/@\"'<>]*:[^\s\"'<>]*@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # Telegram's tokens, also within an address.
    (re.compile(r"(?<!\d)\d{5,14}(?::|%3A)[A-Za-z0-9_-]{30,}", re.IGNORECASE), HIDDEN),
    (re.compile(r"(/(?:file/)?bot)(?!\[)[^/\s\"'<>]+(?=/)"), rf"\1{HIDDEN}"),
    # Discord's tokens: of a bot, of a webhook, of an interaction.
    (re.compile(r"[A-Za-z\d_-]{23,30}\.[A-Za-z\d_-]{6,7}\.[A-Za-z\d_-]{25,}"), HIDDEN),
    (re.compile(r"(/(?:webhooks|interactions)/\d+/)[^/\s?\"'<>]+"), rf"\1{HIDDEN}"),
    # Tokens of the web: JSON web tokens, and keys with the prefixes of their makers.
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
    (re.compile(r"\b(?:sk|pk|rk|hf|ghp|gho|ghs|glpat|xox[abprs])[-_][A-Za-z0-9_-]{6,}"), HIDDEN),
    (re.compile(r"\bcsk_[A-Za-z0-9]{13,}"), HIDDEN),  # ours; the twelve characters that are shown anyway stay
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), HIDDEN),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"\b(Bearer|Basic)\s+(?=[^\s\"',;]*[\d+/=_.-])[^\s\"',;]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"\b((?:proxy-)?authorization[\"']?\s*[=:,]\s*(?:b?[\"'])?(?:\w+\s+)?+)(?!\[hidden)[^\s\"',;]+",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    # name=value and name: value, of names that hold secrets.
    (
        re.compile(rf"\b({_KEY_NAME}[\"']?\s*(?:=|:)\s*b?[\"']?)(?!\[hidden)[^\s\"'&,;)}}\]]{{4,}}", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
)
_SECRET_FIELD: Final = re.compile(rf"^(?:{_KEY_NAME}|authorization)$", re.IGNORECASE)

_lock: Final = Lock()
_known: set[str] = set()
_pattern: re.Pattern[str] | None = None


def register_secrets(secrets: Iterable[str]) -> None:
    """From now on, hide these and the forms they are written in: quoted for an address, escaped, in Base64."""
    global _pattern  # noqa: PLW0603 - compiled once for all readers
    with _lock:
        for secret in secrets:
            if len(secret) >= MIN_SECRET_LENGTH:
                _known.update(_forms(secret))
        if _known:
            longest_first = sorted(_known, key=len, reverse=True)
            _pattern = re.compile("|".join(map(_exact, longest_first)))


def redact(text: str) -> str:
    """The text with every secret in it replaced by `HIDDEN`."""
    if _pattern is not None:
        text = _pattern.sub(HIDDEN, text)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


def redact_values(value: object, field: str = "") -> object:
    """A JSON-like value with every string in it redacted; what is not JSON-like becomes its redacted `repr`.

    Args:
        field: the name that the value stands under; strings under names such as `api_key` are hidden whole.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return HIDDEN if value and _SECRET_FIELD.match(field) else redact(value)
    if isinstance(value, Mapping):
        return {redact(str(name)): redact_values(item, str(name)) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact_values(item, field) for item in value]
    return redact(str(value) if isinstance(value, BaseException) else repr(value))


def _exact(form: str) -> str:
    """A pattern for one form; a short one only as a word, since it is also part of others."""
    return re.escape(form) if len(form) >= 2 * MIN_SECRET_LENGTH else rf"(?<!\w){re.escape(form)}(?!\w)"


def _forms(secret: str) -> Iterable[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield secret.encode("unicode_escape").decode("ascii")
    yield repr(secret)[1:-1]
    if len(secret) >= 2 * MIN_SECRET_LENGTH:
        raw = secret.encode()
        yield base64.b64encode(raw).decode("ascii").rstrip("=")
        yield base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
