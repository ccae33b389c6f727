"""Where in Telegram an answer goes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from bot.channels.port import Address


@dataclass(frozen=True, slots=True)
class Place:
    """A chat, perhaps a topic of it, and the message there that is answered."""

    chat: int
    private: bool
    thread: int | None = None
    """The topic; None outside of topics."""
    reply_to: int | None = None
    """The message that is answered."""
    draft: int = 1
    """The id of what is shown while the answer is made; another one for each answer."""
    instead: int | None = None
    """A message of the bot's that the answer is shown in, instead of in a new one."""

    @classmethod
    def from_address(cls, address: Address) -> Place:
        """Read it back."""
        return cls(**{name: address[name] for name in cls.__slots__ if name in address})

    @property
    def address(self) -> Address:
        """As it is kept with a turn."""
        return asdict(self)

    @property
    def name(self) -> str:
        """As in `Incoming.place`: each topic is a place of its own."""
        return str(self.chat) if self.thread is None else f"{self.chat}/{self.thread}"

    @property
    def without_reply(self) -> Place:
        """For messages that go on where one has answered."""
        return replace(self, reply_to=None)
