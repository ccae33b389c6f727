"""The people's side: what they set up, send, see and press, in plain JSON with ids as text.

What a person's client would not let them do raises `CannotDo`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from tests.fakes.discord.errors import ApiError
from tests.fakes.discord.interactions import AUTOCOMPLETE, COMPONENT, MODAL, SLASH, Interaction
from tests.fakes.discord.messages import PINNED, File, Message
from tests.fakes.discord.validation import BUTTON, CONTENT_LIMIT, LOADING, ROW, SELECT, components_in
from tests.fakes.discord.world import PUBLIC_THREAD, TEXT, Channel, Guild, User, permission_bits

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake

Id = str | int
T = TypeVar("T")


class CannotDo(ValueError):
    """A person's client would not let them do this."""


class People:
    """Whatever people do."""

    def __init__(self, fake: DiscordFake) -> None:
        self._fake = fake

    # What exists. It is set up before the bot connects: the fake sends the bot no events about it.

    @property
    def bot(self) -> str:
        """The bot's own id."""
        return str(self._fake.world.bot.id)

    def add_user(self, name: str, *, locale: str = "en-US") -> str:
        """A new account; its id."""
        return str(self._fake.world.add_user(name, locale=locale).id)

    def add_guild(self, name: str) -> str:
        """A new guild with the bot in it; its id."""
        return str(self._fake.world.add_guild(name).id)

    def add_channel(self, guild: Id, name: str) -> str:
        """A new text channel; its id."""
        return str(self._fake.world.add_channel(TEXT, name=name, guild=self._guild(guild)).id)

    def start_thread(self, channel: Id, name: str) -> str:
        """A new thread of a channel; its id."""
        parent = self._channel(channel)
        thread = self._fake.world.add_channel(PUBLIC_THREAD, name=name, guild=parent.guild, parent=parent)
        return str(thread.id)

    def archive(self, thread: Id) -> None:
        """A thread is archived: its messages cannot be edited until somebody writes there."""
        self._channel(thread).archived = True

    def join(self, guild: Id, user: Id) -> None:
        """A user becomes a member."""
        self._fake.world.add_member(self._guild(guild), self._user(user))

    def give_role(self, guild: Id, user: Id, name: str) -> str:
        """A member gets a new role; its id."""
        role = self._fake.clock.snowflake()
        self._guild(guild).roles[role] = name
        self._guild(guild).members[int(user)].roles.append(role)
        return str(role)

    def permit(self, channel: Id, user: Id, *, allow: list[str] | None = None, deny: list[str] | None = None) -> None:
        """Allow and deny a member permissions in a channel, in place of what was set before."""
        self._channel(channel).overwrites[int(user)] = (permission_bits(allow or []), permission_bits(deny or []))

    def dm(self, user: Id) -> str:
        """The direct conversation of a user with the bot; its id."""
        return str(self._fake.world.direct_channel(int(user)).id)

    # What people write.

    def send(
        self,
        channel: Id,
        user: Id,
        text: str = "",
        *,
        mentions: list[Id] | None = None,
        reply_to: Id | None = None,
        ping: bool = True,
        attachments: list[dict[str, str]] | None = None,
    ) -> str:
        """A person writes; the message's id.

        Args:
            mentions: users to mention in front of the text.
            ping: whether a reply mentions whom it replies to.
            attachments: each as `{"filename", "text", "content_type"}`.
        """
        place, author = self._channel(channel), self._user(user)
        permission = "send_messages_in_threads" if place.kind == PUBLIC_THREAD else "send_messages"
        if not self._fake.world.may(author.id, place, permission):
            raise CannotDo(f"{author.name} may not write there")
        content = " ".join([*(f"<@{mention}>" for mention in mentions or []), text]).strip()
        if len(content) > CONTENT_LIMIT or not (content or attachments):
            raise CannotDo("a message has 1 to 2000 characters")
        body: dict[str, Any] = {"content": content}
        if reply_to is not None:
            body["message_reference"] = {"message_id": str(reply_to)}
            body["allowed_mentions"] = {"parse": ["users"], "replied_user": ping}
        files = [
            File(
                id=self._fake.clock.snowflake(),
                filename=attachment["filename"],
                data=attachment["text"].encode(),
                content_type=attachment["content_type"],
            )
            for attachment in attachments or []
        ]
        return str(self._fake.messages.create(place, author.id, body, files).id)

    def paste(self, channel: Id, user: Id, text: str, *, typed: str = "", parts: int = 1, **options: Any) -> str:
        """A person pastes texts that are too long for a message: their client makes files of them.

        Args:
            typed: what they write beside it.
            parts: how often they paste before they send.
        """
        if len(text) <= CONTENT_LIMIT:
            raise CannotDo("a client pastes a short text into the message")
        pasted = {"filename": "message.txt", "text": text, "content_type": "text/plain; charset=utf-8"}
        return self.send(channel, user, typed, attachments=[pasted] * parts, **options)

    def send_sticker(self, channel: Id, user: Id, name: str = "Wave", *, reply_to: Id | None = None) -> str:
        """A person sends a sticker; the message's id."""
        sticker = {"id": str(self._fake.clock.snowflake()), "name": name, "format_type": 1}
        body: dict[str, Any] = {"content": ""}
        if reply_to is not None:
            body["message_reference"] = {"message_id": str(reply_to)}
        return str(self._fake.messages.create(self._channel(channel), int(user), body, stickers=[sticker]).id)

    def forward(self, channel: Id, user: Id, message: Id, comment: str = "") -> str:
        """A person forwards a message that they see. Their client sends a comment as the message after it."""
        source = self._fake.messages.find(int(message))
        if not self._fake.world.may(int(user), source.channel):
            raise CannotDo("they do not see that message")
        place = self._channel(channel)
        forwarded = self._fake.messages.create(place, int(user), {"content": ""}, forwarded=source)
        if comment:
            self.send(channel, user, comment)
        return str(forwarded.id)

    def send_dm(self, user: Id, text: str = "", **options: Any) -> str:
        """A person writes to the bot directly; the message's id."""
        return self.send(self.dm(user), user, text, **options)

    def edit(self, user: Id, message: Id, text: str) -> None:
        """A person edits their message."""
        found = self._fake.messages.find(int(message))
        if found.author != int(user):
            raise CannotDo("not their message")
        self._fake.messages.edit(found, {"content": text})

    def pin(self, user: Id, message: Id) -> None:
        """A person pins a message: it changes without being edited, and a system message says so."""
        found = self._fake.messages.find(int(message))
        found.pinned = True
        self._fake.messages.update_unedited(found)
        body = {"message_reference": {"message_id": str(message)}, "allowed_mentions": {"parse": []}}
        self._fake.messages.create(found.channel, int(user), body, kind=PINNED)

    def add_link_preview(self, message: Id, title: str) -> None:
        """Discord shows what a link in a message leads to: the message changes without being edited."""
        found = self._fake.messages.find(int(message))
        found.embeds = [{"type": "link", "title": title}]
        self._fake.messages.update_unedited(found)

    def delete(self, user: Id, message: Id) -> None:
        """A person deletes a message of theirs, one sent to them alone, or any that they may manage."""
        found = self._fake.messages.find(int(message), ephemeral=True)
        own = int(user) in (found.author, found.visible_to)
        if not own and not self._fake.world.may(int(user), found.channel, "manage_messages"):
            raise CannotDo("not their message to delete")
        self._fake.messages.delete(found)

    # What people see.

    def messages_in(self, channel: Id, viewer: Id | None = None) -> list[dict[str, Any]]:
        """The messages in a channel now, oldest first; ephemeral ones only for their viewer."""
        messages = self._fake.messages.in_channel(self._channel(channel))
        return [
            self._fake.messages.view(message)
            for message in messages
            if message.visible_to is None or (viewer and message.visible_to == int(viewer))
        ]

    def message(self, message: Id) -> dict[str, Any]:
        """A message as it is, or was when it was deleted."""
        return self._fake.messages.view(self._fake.messages.all[int(message)])

    def message_states(self, message: Id) -> list[dict[str, Any]]:
        """Every state a message had, in order."""
        return self._fake.journal.of("message", id=str(message))

    def labels(self, message: Id) -> list[str]:
        """What can be pressed or chosen at a message, in order."""
        labels = []
        for component in components_in(self.message(message)["components"]):
            labels += [item["label"] for item in component.get("options", [component])]
        return labels

    async def wait_message(self, channel: Id, *, contains: str) -> dict[str, Any]:
        """The first message of the bot in a channel with this text."""

        def find() -> dict[str, Any] | None:
            for message in self.messages_in(channel):
                if message["author"] == self.bot and not message["loading"] and contains in message["content"]:
                    return message
            return None

        found = await self.wait_for(find)
        assert found is not None
        return found

    async def wait_for(self, condition: Callable[[], T], *, within: float = 10.0) -> T:
        """The first true result of `condition`, which is called after everything that happens at the fake."""
        return await self._fake.journal.wait_for(condition, within)

    def journal(self, kind: str) -> list[dict[str, Any]]:
        """Everything of one kind that happened; see `Journal`."""
        return self._fake.journal.of(kind)

    # What people use.

    def commands(self, guild: Id | None = None) -> list[dict[str, Any]]:
        """The commands registered everywhere, or in a guild."""
        return self._fake.commands.registered(int(guild) if guild else None)

    def run_command(self, channel: Id, user: Id, command: str, **options: str) -> str:
        """A person uses a slash command; the interaction's id."""
        return str(self._start_command(channel, user, command, options).id)

    async def autocomplete(self, channel: Id, user: Id, command: str, option: str, text: str) -> list[dict[str, Any]]:
        """A person types into an option; the choices they are offered."""
        interaction = self._start_command(channel, user, command, {option: text}, focused=option)
        await self.wait_for(lambda: interaction.choices is not None or self._fake.interactions.is_overdue(interaction))
        if interaction.choices is None:
            raise CannotDo("loading options failed")
        return interaction.choices

    def _start_command(
        self, channel: Id, user: Id, command: str, values: Mapping[str, str], *, focused: str | None = None
    ) -> Interaction:
        place, who = self._channel(channel), self._user(user)
        guild_id = place.guild.id if place.guild else None
        registered = self._fake.commands.find(command, guild_id)
        if registered is None or (0 if guild_id else 1) not in registered["contexts"]:
            raise CannotDo(f"there is no /{command} here")
        if not self._fake.world.may(who.id, place, "use_application_commands"):
            raise CannotDo(f"{who.name} may not use commands there")
        options = _fill_options(registered["options"], values, focused)
        data = {"id": registered["id"], "name": command, "type": 1, "options": options}
        kind = AUTOCOMPLETE if focused else SLASH
        return self._fake.interactions.start(kind, who, place, data, command=command)

    def press(self, user: Id, message: Id, label: str) -> str:
        """A person presses a button; the interaction's id."""
        who, found = self._open_message(user, message)
        button = next((c for c in components_in(found.components) if c["type"] == BUTTON and c["label"] == label), None)
        if button is None:
            raise CannotDo(f"no button {label!r}; there are {self.labels(message)}")
        data = {"component_type": BUTTON, "custom_id": button["custom_id"], "id": 0}
        return str(self._fake.interactions.start(COMPONENT, who, found.channel, data, message=found).id)

    def choose(self, user: Id, message: Id, labels: list[str], *, select: str | None = None) -> str:
        """A person chooses options of the menu with this placeholder, or of the only one; the interaction's id."""
        who, found = self._open_message(user, message)
        selects = [c for c in components_in(found.components) if c["type"] == SELECT]
        menus = [menu for menu in selects if select in (None, menu["placeholder"])]
        if len(menus) != 1:
            raise CannotDo(f"which menu? there are {[menu['placeholder'] for menu in selects]}")
        values = {option["label"]: option["value"] for option in menus[0]["options"]}
        if unknown := set(labels) - values.keys():
            raise CannotDo(f"no option {unknown}; there are {list(values)}")
        if not menus[0]["min_values"] <= len(labels) <= menus[0]["max_values"]:
            raise CannotDo(f"{len(labels)} options chosen")
        data = {"component_type": SELECT, "custom_id": menus[0]["custom_id"], "id": 0}
        data["values"] = [values[label] for label in labels]
        return str(self._fake.interactions.start(COMPONENT, who, found.channel, data, message=found).id)

    def submit_modal(self, interaction: Id, **values: str) -> str:
        """A person fills in the modal that answered their interaction, by custom id; the new interaction's id."""
        opened = self._fake.interactions.all[int(interaction)]
        if opened.modal is None:
            raise CannotDo("no modal is open")
        rows = []
        for field in components_in(opened.modal["components"]):
            value = values.get(field["custom_id"], field.get("value", ""))
            if not field.get("min_length", 0) <= len(value) <= field.get("max_length", 4000):
                raise CannotDo(f"{field['label']} is too long or too short")
            filled = {"type": field["type"], "custom_id": field["custom_id"], "id": 0, "value": value}
            rows.append({"type": ROW, "components": [filled]})
        data = {"custom_id": opened.modal["custom_id"], "components": rows}
        opened.modal = None
        return str(self._fake.interactions.start(MODAL, opened.user, opened.channel, data, message=opened.message).id)

    def interaction(self, interaction: Id) -> dict[str, Any]:
        """What became of an interaction.

        Its `state` is `waiting`, `failed` (nobody answered in time), `thinking` (deferred), `modal` or `done`.
        """
        found = self._fake.interactions.all[int(interaction)]
        original = found.original if found.original is not None and not found.original.deleted else None
        state = "done"
        if found.response is None:
            state = "failed" if self._fake.interactions.is_overdue(found) else "waiting"
        elif found.modal is not None:
            state = "modal"
        elif original is not None and original.flags & LOADING:
            state = "thinking"
        view = None if original is None else self._fake.messages.view(original)
        return {"id": str(found.id), "state": state, "original": view, "modal": found.modal}

    async def wait_interaction(self, interaction: Id, *, within: float = 10.0) -> dict[str, Any]:
        """What became of an interaction, once the bot has answered it or failed to."""

        def outcome() -> dict[str, Any] | None:
            found = self.interaction(interaction)
            return None if found["state"] in ("waiting", "thinking") else found

        found = await self.wait_for(outcome, within=within)
        assert found is not None
        return found

    # Finding things.

    def _user(self, user: Id) -> User:
        return self._fake.world.users[int(user)]

    def _guild(self, guild: Id) -> Guild:
        return self._fake.world.guilds[int(guild)]

    def _channel(self, channel: Id) -> Channel:
        return self._fake.world.channels[int(channel)]

    def _open_message(self, user: Id, message: Id) -> tuple[User, Message]:
        who = self._user(user)
        try:
            found = self._fake.messages.find(int(message), ephemeral=True)
        except ApiError as error:
            raise CannotDo("the message is gone") from error
        if found.visible_to not in (None, who.id) or not self._fake.world.may(who.id, found.channel):
            raise CannotDo(f"{who.name} does not see that message")
        return who, found


def _fill_options(
    options: list[dict[str, Any]], values: Mapping[str, str], focused: str | None
) -> list[dict[str, Any]]:
    """The options as an interaction has them. While one is being completed, required others may be missing."""
    known = {option["name"]: option for option in options}
    if unknown := values.keys() - known.keys():
        raise CannotDo(f"no option {unknown}; there are {list(known)}")
    if missing := [name for name, o in known.items() if o.get("required") and name not in values and not focused]:
        raise CannotDo(f"required: {missing}")
    filled = []
    for name, value in values.items():
        option = known[name]
        choices = [choice["value"] for choice in option.get("choices") or [{"value": value}]]
        if value not in choices or len(value) > option.get("max_length", 6000):
            raise CannotDo(f"{name} cannot be {value!r}")
        item = {"name": name, "type": option["type"], "value": value}
        if name == focused:
            if not option.get("autocomplete"):
                raise CannotDo(f"{name} is not completed")
            item["focused"] = True
        filled.append(item)
    return filled
