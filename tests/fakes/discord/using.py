"""What people do with what the bot offers: commands, buttons, choices, forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.discord import interactions
from tests.fakes.discord.components import SELECTS, STRING_SELECT, walk
from tests.fakes.discord.interactions import Interaction
from tests.fakes.discord.messages import Message
from tests.fakes.discord.options import (
    SNOWFLAKES,
    CannotDo,
    fill_modal,
    fill_options,
    find_button,
    find_options,
    find_select,
    nest,
)
from tests.fakes.discord.state import Channel, User

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake

Id = str | int


class Using:
    """Starting interactions and seeing what comes of them."""

    _fake: DiscordFake

    def commands(self, guild: Id | None = None) -> list[dict[str, Any]]:
        """The commands registered everywhere, or in a guild."""
        return self._fake.commands.of.get(int(guild) if guild else None, [])

    def run(self, channel: Id, user: Id, command: str, **options: Any) -> str:
        """A person gives a slash command (`"mode"`, `"library add"`); the interaction's id."""
        return str(self._command(channel, user, command, options, None).id)

    async def autocomplete(
        self, channel: Id, user: Id, command: str, focused: str, text: str, *, within: float = 5.0, **options: Any
    ) -> list[dict[str, Any]]:
        """A person types into an option; the choices he is shown."""
        made = self._command(channel, user, command, {**options, focused: text}, focused)

        def look() -> bool:
            return made.choices is not None or self._fake.interactions.late(made)

        await self._fake.journal.wait_for(look, within)
        if made.choices is None:
            raise CannotDo("loading options failed")
        return made.choices

    def _command(self, channel: Id, user: Id, command: str, given: dict[str, Any], focused: str | None) -> Interaction:
        place, who = self._where(channel, user)
        name, *words = command.split()
        guild_id = place.guild.id if place.guild else None
        known = self._fake.commands.find(name, guild_id)
        contexts = (known or {}).get("contexts")
        if known is None or (contexts is not None and (0 if guild_id else 1) not in contexts):
            raise CannotDo(f"there is no /{name} here")
        if not guild_id and not known["dm_permission"]:
            raise CannotDo(f"/{name} is not for direct conversations")
        if not self._fake.world.may(who.id, place, "use_application_commands"):
            raise CannotDo(f"{who.name} may not use commands there")
        needed = int(known["default_member_permissions"] or 0)
        if guild_id and self._fake.world.permissions(who.id, place) & needed != needed:
            raise CannotDo(f"{who.name} may not use /{name}")
        options, chain = find_options(known, words)
        filled = fill_options(options, given, focused)
        data: dict[str, Any] = {"id": known["id"], "name": name, "type": 1, "options": nest(chain, filled)}
        if known.get("guild_id"):
            data["guild_id"] = known["guild_id"]
        if resolved := self._resolve(place, filled):
            data["resolved"] = resolved
        kind = interactions.AUTOCOMPLETE if focused else interactions.SLASH
        of_focused = next((o["type"] for o in options if o["name"] == focused), 3)
        return self._fake.interactions.start(kind, who, place, data, name=command, option_kind=of_focused)

    def _resolve(self, place: Channel, filled: list[dict[str, Any]]) -> dict[str, Any]:
        world = self._fake.world
        resolved: dict[str, Any] = {}
        for option in filled:
            section, value = SNOWFLAKES.get(option["type"]), option["value"]
            if section == "users":
                resolved.setdefault("users", {})[value] = world.users[int(value)].json()
                if place.guild and int(value) in place.guild.members:
                    member = place.guild.members[int(value)].json(with_user=False)
                    resolved.setdefault("members", {})[value] = {**member, "permissions": "0"}
            elif section == "channels":
                channel = world.channel_json(world.channels[int(value)])
                resolved.setdefault("channels", {})[value] = {**channel, "permissions": "0"}
            elif section == "roles" and place.guild:
                resolved.setdefault("roles", {})[value] = place.guild.roles[int(value)].json()
        return resolved

    def press(self, user: Id, message: Id, button: str) -> str:
        """A person presses a button, by label, emoji or id; the interaction's id."""
        who, found = self._at(user, message)
        pressed = find_button(found.components, button)
        data = {"component_type": 2, "custom_id": pressed["custom_id"], "id": 0}
        return str(self._fake.interactions.start(interactions.COMPONENT, who, found.channel, data, found).id)

    def choose(self, user: Id, message: Id, values: list[str], *, select: str | None = None) -> str:
        """A person chooses in a select, by labels or values; the interaction's id."""
        who, found = self._at(user, message)
        used, chosen = find_select(found.components, values, select)
        data = {"component_type": used["type"], "custom_id": used["custom_id"], "values": chosen, "id": 0}
        if used["type"] != STRING_SELECT:
            kind = {5: 6, 6: 8, 7: 9, 8: 7}[used["type"]]
            data["resolved"] = self._resolve(found.channel, [{"type": kind, "value": v} for v in chosen])
        return str(self._fake.interactions.start(interactions.COMPONENT, who, found.channel, data, found).id)

    def submit(self, interaction: Id, **fields: Any) -> str:
        """A person fills the modal that answered his interaction, by custom id; the new interaction's id."""
        return self.submit_fields(interaction, fields)

    def submit_fields(self, interaction: Id, fields: dict[str, Any]) -> str:
        """The same, by labels as well."""
        before = self._fake.interactions.all[int(interaction)]
        if before.modal is None:
            raise CannotDo("no modal is open")
        data = {"custom_id": before.modal["custom_id"], "components": fill_modal(before.modal, fields)}
        made = self._fake.interactions.start(interactions.MODAL, before.user, before.channel, data, before.message)
        before.modal = None
        return str(made.id)

    def interaction(self, interaction: Id) -> dict[str, Any]:
        """What came of it. `state` is `waiting`, `failed` ("did not respond"), `thinking`, `modal` or `done`."""
        made = self._fake.interactions.all[int(interaction)]
        thinking = made.original is not None and made.original.flags & 1 << 7 and not made.original.deleted
        state = "done"
        if made.answer is None:
            state = "failed" if self._fake.interactions.late(made) else "waiting"
        elif made.modal is not None:
            state = "modal"
        elif thinking:
            state = "thinking"
        original = self._fake.messages.seen(made.original) if made.original and not made.original.deleted else None
        return {
            "id": str(made.id), "state": state, "answer": made.answer, "original": original, "modal": made.modal,
            "choices": made.choices,
            "messages": [self._fake.messages.seen(m) for m in made.sent if not m.deleted],
        }  # fmt: skip

    async def wait_interaction(self, interaction: Id, *, within: float = 10.0) -> dict[str, Any]:
        """What came of an interaction, once the bot neither lets wait nor thinks any more."""

        def look() -> dict[str, Any] | None:
            now = self.interaction(interaction)
            return None if now["state"] in ("waiting", "thinking") else now

        found = await self._fake.journal.wait_for(look, within)
        assert found is not None
        return found

    def labels(self, message: Id) -> list[str]:
        """What can be pressed or chosen at a message, in order."""
        found, shown = self._fake.messages.find(int(message), ephemeral=True), []
        for part in walk(found.components):
            if part.get("type") == 2:
                shown.append(part.get("label") or part["emoji"]["name"])
            elif part.get("type") in SELECTS:
                shown += [option["label"] for option in part.get("options") or []]
        return shown

    def _where(self, channel: Id, user: Id) -> tuple[Channel, User]:
        place, who = self._fake.world.channels[int(channel)], self._fake.world.users[int(user)]
        if not self._fake.world.sees(who.id, place):
            raise CannotDo(f"{who.name} does not see that channel")
        return place, who

    def _at(self, user: Id, message: Id) -> tuple[User, Message]:
        found = self._fake.messages.find(int(message), ephemeral=True)
        _, who = self._where(found.channel.id, user)
        if found.seen_only_by not in (None, who.id):
            raise CannotDo(f"{who.name} does not see that message")
        return who, found
