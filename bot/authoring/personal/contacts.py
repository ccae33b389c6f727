"""Ways to reach a person or a private place: telephones, e-mail, handles, addresses on the web."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from bot.authoring.personal.finds import Find, PersonalKind
from bot.text.language import has_cyrillic_letters

_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,4}\w{2,24}(?![\w@])")
_HANDLE: Final = re.compile(r"(?<![\w@/.+-])@[A-Za-z]\w{1,31}(?:\.\w{1,31}){0,3}(?![\w@])", re.ASCII)
_NAMED_HANDLE: Final = re.compile(
    r"(?<!\w)(?:telegram|телеграмм?|телега|тг|tg|skype|скайп|instagram|инстаграм|инста|insta|discord|дискорд|вк|vk|ник)"
    r"(?:\s?[:—–-]\s?|\s+)(?P<name>[a-z][a-z0-9]*(?:[._][a-z0-9]+|\d+|#\d{4})+)(?![\w@])",
    re.IGNORECASE,
)
"""A name after that of a messenger, which no word looks like: with a digit or an underscore."""
_EVERYBODY: Final = frozenset({"@everyone", "@here", "@channel", "@admin", "@admins", "@online"})
URL: Final = re.compile(
    r"(?:https?://|(?<![\w@./-])(?:www\.|(?=(?:t\.me|telegram\.me|vk\.com|discord\.gg|chat\.whatsapp\.com|wa\.me)/)))"
    r"[^\s<>\"'«»]+",
    re.IGNORECASE,
)
_URL_TAIL: Final = ".,;:!?)]}…*_"
_PRIVATE_HOSTS: Final = re.compile(
    r"(?:^|\.)(?:docs\.google\.com|drive\.google\.com|disk\.yandex\.\w+|yadi\.sk|dropbox\.com|1drv\.ms|sharepoint\.com|"
    r"zoom\.us|meet\.google\.com|teams\.microsoft\.com|telemost\.yandex\.ru|chat\.whatsapp\.com|wa\.me|discord\.gg|"
    r"wetransfer\.com|we\.tl|cloud\.mail\.ru|icloud\.com|onedrive\.live\.com|mega\.nz)$",
    re.IGNORECASE,
)
"""Where an address itself opens a person's file, room or chat."""
_PROFILE_HOSTS: Final = re.compile(
    r"(?:^|\.)(?:t\.me|telegram\.me|vk\.com|ok\.ru|facebook\.com|instagram\.com|linkedin\.com)$", re.IGNORECASE
)
"""Where the path is somebody's account."""
_TOKEN_NAME: Final = re.compile(
    r"(?:^|[_-])(?:token|key|pwd|pass|password|code|sig|signature|auth|access|invite|secret|session|sid|hash|jwt|otp|ticket)"
    r"(?:$|[_-])|token|secret",
    re.IGNORECASE,
)
_MIN_TOKEN: Final = 16
"""Characters of a part of an address from which letters and digits mixed are no name."""
_PHONE_PART: Final = re.compile(r"\d(?:[^\n\w]{0,3}\d){6}")
_AFTER_NUMBER: Final = re.compile(r"\d[:.,/-]$")
_DATE: Final = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{4}(?!\d)|\d{4}([./-])\d{2}\2\d{2}(?!\d)")
_SPACED: Final = re.compile(r"[\s().-]|^\+")


def find_links(text: str) -> Iterator[tuple[int, int, Find | None]]:
    """Every address on the web: where it is, and the find if it opens something private."""
    for match in URL.finditer(text):
        end = match.end() - (len(match[0]) - len(match[0].rstrip(_URL_TAIL)))
        address = text[match.start() : end]
        found = Find(PersonalKind.URL, match.start(), end, address) if _is_private(address) else None
        yield match.start(), end, found


def find_accounts(text: str) -> Iterator[Find]:
    """E-mail addresses, then handles."""
    for match in _EMAIL.finditer(text):
        yield Find(PersonalKind.EMAIL, match.start(), match.end(), match[0].lower())
    for match in _HANDLE.finditer(text):
        if match[0].lower() not in _EVERYBODY:
            yield Find(PersonalKind.HANDLE, match.start(), match.end(), match[0].lower())
    for match in _NAMED_HANDLE.finditer(text):
        yield Find(PersonalKind.HANDLE, match.start("name"), match.end("name"), f"@{match['name'].lower()}")


def find_phones(text: str) -> Iterator[Find]:
    """Telephone numbers that can be dialled: Russian ones without a country code in Russian text, else American."""
    if not _PHONE_PART.search(text):
        return
    from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, format_number

    region = "RU" if has_cyrillic_letters(text) else "US"
    for match in PhoneNumberMatcher(text, region, leniency=Leniency.VALID):
        raw = match.raw_string
        if _AFTER_NUMBER.search(text[max(0, match.start - 2) : match.start]) or _DATE.search(raw):
            continue
        # Digits in a row that are no Russian mobile number may be any number, such as that of an order.
        if _SPACED.search(raw) or (region == "RU" and re.fullmatch(r"[78]9\d{9}", raw)):
            key = format_number(match.number, PhoneNumberFormat.E164)
            yield Find(PersonalKind.PHONE, match.start, match.end, key)


def _is_private(address: str) -> bool:
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return True
    host = parts.hostname or ""
    path = [part for part in parts.path.split("/") if part]
    return (
        "@" in parts.netloc
        or (bool(path) and (_PRIVATE_HOSTS.search(host) is not None or _PROFILE_HOSTS.search(host) is not None))
        or any(_TOKEN_NAME.search(name) or _is_token(value) for name, value in query)
        or any(_is_token(part) for part in [*path, parts.fragment])
    )


def _is_token(text: str) -> bool:
    """Whether a part of an address is made by a machine: long, of letters and digits mixed."""
    longest = max(re.split(r"[-._~%=+]", text), key=len)
    return (
        len(longest) >= _MIN_TOKEN
        and longest.isascii()
        and any(sign.isdigit() for sign in longest)
        and any(sign.isalpha() for sign in longest)
    )
