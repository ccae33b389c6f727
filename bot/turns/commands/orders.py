"""What is written behind /admin: `deny telegram:123`, `grant editor role discord:77`, in English or Russian words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from db.access import Subject, SubjectKind

Verb = Literal["list", "allow", "deny", "lift", "grant", "revoke"]

VERBS: Final[dict[str, Verb]] = {
    "list": "list", "allow": "allow", "deny": "deny", "lift": "lift", "grant": "grant", "revoke": "revoke",
    "список": "list", "впустить": "allow", "запретить": "deny", "снять": "lift", "дать": "grant", "отобрать": "revoke",
}  # fmt: skip
KINDS: Final[dict[str, SubjectKind]] = {
    "user": "user", "chat": "chat", "guild": "guild", "role": "role",
    "человек": "user", "чат": "chat", "сервер": "guild", "роль": "role",
}  # fmt: skip
ROLE_VERBS: Final = ("grant", "revoke")
_ROLE: Final = re.compile(r"[a-z][a-z_-]{0,31}")
"""As minds write roles (`bot.mind.models.Role`)."""
_PLATFORM: Final = re.compile(r"[a-z]{1,32}")
_ID: Final = re.compile(r"\S{1,200}")
NO_SUBJECT: Final = Subject("user", "", "")


@dataclass(frozen=True, slots=True)
class AdminCommand:
    """One order; `str` writes it so that it is read the same."""

    verb: Verb
    subject: Subject = NO_SUBJECT
    """Whom it is about; nobody in `list`."""
    role: str = ""
    """The role to give or take back; empty in the others."""

    def __str__(self) -> str:
        if self.verb == "list":
            return self.verb
        kind = () if self.subject.kind == "user" else (self.subject.kind,)
        role = (self.role,) if self.role else ()
        return " ".join((self.verb, *role, *kind, f"{self.subject.platform}:{self.subject.subject}"))


def parse_admin_command(text: str) -> AdminCommand | None:
    """The order in a text; None when it is none."""
    words = text.split()
    verb = VERBS.get(words[0].casefold()) if words else None
    if verb is None:
        return None
    rest = words[1:]
    if verb == "list":
        return None if rest else AdminCommand("list")
    role = ""
    if verb in ROLE_VERBS:
        role = rest.pop(0).casefold() if rest else ""
        if not _ROLE.fullmatch(role):
            return None
    kind: SubjectKind = (
        KINDS.get(rest.pop(0).casefold(), "user") if len(rest) == 2 and rest[0].casefold() in KINDS else "user"
    )
    if len(rest) != 1:
        return None
    platform, colon, name = rest[0].partition(":")
    platform = platform.casefold()
    if not (colon and _PLATFORM.fullmatch(platform) and _ID.fullmatch(name)):
        return None
    return AdminCommand(verb, Subject(kind, platform, name), role)
