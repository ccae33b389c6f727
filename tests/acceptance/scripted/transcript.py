"""What a chat showed, in order, for drawing it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Who = Literal["person", "bot", "note"]
Style = Literal["text", "code", "small"]


@dataclass(frozen=True)
class Block:
    """Lines of a message in one style."""

    text: str
    style: Style = "text"


@dataclass(frozen=True)
class Key:
    """A button or a menu."""

    label: str
    kind: Literal["grey", "red", "select"] = "grey"


@dataclass(frozen=True)
class Bubble:
    """One message as it looked at a moment; a note is something that happened besides."""

    who: Who
    blocks: tuple[Block, ...] = ()
    keys: tuple[tuple[Key, ...], ...] = ()
    files: tuple[str, ...] = ()
    unfinished: bool = False
    """Whether more of it was still to come."""


@dataclass
class Transcript:
    """A chat of one person with the bot."""

    platform: str
    person: str
    bot: str
    bubbles: list[Bubble] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add something that happened."""
        self.bubbles.append(Bubble("note", (Block(text),)))

    def said(self, text: str) -> None:
        """Add a message of the person."""
        self.bubbles.append(Bubble("person", (Block(text),)))

    def shown(
        self,
        blocks: list[Block],
        keys: list[list[Key]] | None = None,
        files: tuple[str, ...] = (),
        *,
        unfinished: bool = False,
    ) -> None:
        """Add what the bot showed."""
        rows = tuple(tuple(row) for row in keys or ())
        self.bubbles.append(Bubble("bot", tuple(blocks), rows, files, unfinished))

    def write(self, folder: Path) -> None:
        """Save it as JSON, under the platform's name."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        (folder / f"{self.platform.lower()}.json").write_text(text + "\n", "utf-8")

    @classmethod
    def read(cls, path: Path) -> Transcript:
        """Read a saved one."""
        saved: dict[str, Any] = json.loads(path.read_text("utf-8"))
        bubbles = [
            Bubble(
                bubble["who"],
                tuple(Block(**block) for block in bubble["blocks"]),
                tuple(tuple(Key(**key) for key in row) for row in bubble["keys"]),
                tuple(bubble["files"]),
                bubble["unfinished"],
            )
            for bubble in saved.pop("bubbles")
        ]
        return cls(**saved, bubbles=bubbles)
