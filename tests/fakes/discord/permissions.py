"""What a member may do in a channel, by roles and overwrites."""

from __future__ import annotations

from collections.abc import Iterable

BITS = {
    "add_reactions": 1 << 6,
    "administrator": 1 << 3,
    "manage_channels": 1 << 4,
    "view_channel": 1 << 10,
    "send_messages": 1 << 11,
    "manage_messages": 1 << 13,
    "embed_links": 1 << 14,
    "attach_files": 1 << 15,
    "read_message_history": 1 << 16,
    "mention_everyone": 1 << 17,
    "manage_roles": 1 << 28,
    "use_application_commands": 1 << 31,
    "manage_threads": 1 << 34,
    "create_public_threads": 1 << 35,
    "create_private_threads": 1 << 36,
    "send_messages_in_threads": 1 << 38,
}
"""The permissions the fake knows."""

ALL = (1 << 53) - 1
RARE = ("administrator", "manage_channels", "manage_messages", "manage_roles", "manage_threads", "mention_everyone")


def mask(names: Iterable[str]) -> int:
    """The bits of these names."""
    return sum(BITS[name] for name in set(names))


USUAL = mask(BITS.keys() - set(RARE))
"""What everyone may do in a new guild."""


def resolve(base: int, overwrites: Iterable[tuple[int, int]]) -> int:
    """Permissions in a channel: the guild's, then each `(allow, deny)` in turn."""
    if base & BITS["administrator"]:
        return ALL
    for allow, deny in overwrites:
        base = base & ~deny | allow
    return base if base & BITS["view_channel"] else 0
