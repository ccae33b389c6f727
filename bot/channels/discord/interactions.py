"""Handles slash commands, autocompletion, buttons, menus and forms."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import discord
import structlog

from bot.channels.discord.answer_messages import EPHEMERAL
from bot.channels.discord.components import ComponentId, mode_form, parse_component_id, submitted_mode, truncate
from bot.channels.discord.errors import ALREADY_ACKNOWLEDGED, RequestRejected
from bot.channels.discord.incoming import incoming_from_interaction, language_from_locale
from bot.channels.discord.intake import Intake
from bot.channels.discord.platform import DiscordPlatform
from bot.channels.discord.slash_commands import MAX_CHOICES, parse_invocation
from bot.core.i18n import Translator
from bot.core.messages import Incoming
from bot.minds import Mind
from bot.minds.completion import complete_mode

MESSAGE, DEFER_MESSAGE, DEFER_UPDATE, AUTOCOMPLETE_CHOICES, MODAL = 4, 5, 6, 8, 9
"""Types of responses to an interaction."""
_CALLBACK_PATH: Final = "/interactions/{webhook_id}/{webhook_token}/callback"
_MAX_CHOICE_LENGTH: Final = 100
_MODE_TIMEOUT: Final = 1.5
"""Seconds to look up the current mode for a form, which opens without it then: Discord wants it within three."""

log = structlog.get_logger(__name__)


class InteractionHandler:
    """Responds to interactions within Discord's three seconds: at once, or by deferring the answer."""

    def __init__(self, intake: Intake, platform: DiscordPlatform, mind: Mind) -> None:
        self._intake = intake
        self._platform = platform
        self._mind = mind

    async def handle(self, interaction: discord.Interaction[Any]) -> None:
        """Handle an interaction of any type.

        Raises:
            DeliveryError: Discord did not receive the response, or not in time.
        """
        data: Mapping[str, Any] = interaction.data or {}
        if interaction.type is discord.InteractionType.autocomplete:
            await self._handle_autocomplete(interaction, data)
        elif interaction.type is discord.InteractionType.application_command:
            await self._handle_command(interaction, data)
        elif interaction.type in (discord.InteractionType.component, discord.InteractionType.modal_submit):
            component = parse_component_id(str(data.get("custom_id", "")))
            if component is None:
                log.info("discord.component_rejected", custom_id=data.get("custom_id"))
            elif component.person != str(interaction.user.id):
                await self._reject_other_person(interaction)
            else:
                await self._handle_component(interaction, component, data)

    async def _handle_command(self, interaction: discord.Interaction[Any], data: Mapping[str, Any]) -> None:
        invocation = parse_invocation(data)
        private = invocation.is_private and interaction.guild_id is not None
        await self._answer_in_new_message(
            interaction, invocation.text, private=private, attachment=invocation.attachment
        )

    async def _handle_autocomplete(self, interaction: discord.Interaction[Any], data: Mapping[str, Any]) -> None:
        typed = next((str(option.get("value", "")) for option in data.get("options", ()) if option.get("focused")), "")
        language = self._translator(interaction).language
        choices = [
            {"name": self._mode_label(mode, language), "value": mode}
            for mode in complete_mode(typed, self._mind, MAX_CHOICES)
            if len(mode) <= _MAX_CHOICE_LENGTH
        ]
        await self._respond(interaction, AUTOCOMPLETE_CHOICES, {"choices": choices})

    def _mode_label(self, mode: str, language: str) -> str:
        """A mode with its description."""
        description = ""
        if mode in self._mind.adapters:
            description = self._mind.adapters[mode].description.text(language)
        elif mode in self._mind.modes:
            description = f"{self._mind.modes[mode].title.text(language)}: {self._mind.modes[mode].mode}"
        return truncate(f"{mode} · {description}" if description else mode, _MAX_CHOICE_LENGTH)

    async def _handle_component(
        self, interaction: discord.Interaction[Any], component: ComponentId, data: Mapping[str, Any]
    ) -> None:
        say, person = self._translator(interaction), component.person
        if component.action == "stop":
            await self._respond(interaction, DEFER_UPDATE)
            await self._stop(self._incoming(interaction, "/stop"))
        elif component.action == "retry":
            await self._answer_in_new_message(interaction, "/retry", private=False)
        elif component.action == "library":
            text = f"/library add {component.turn}".strip()
            await self._answer_in_new_message(interaction, text, private=interaction.guild_id is not None)
        elif component.action == "menu":
            rows = self._platform.components.menu("modes", person, say)
            flags = EPHEMERAL if interaction.guild_id is not None else 0
            text = say("Choose who answers, or mix adapters.")
            await self._respond(interaction, MESSAGE, {"content": text, "components": list(rows), "flags": flags})
        elif interaction.type is discord.InteractionType.modal_submit:
            await self._answer_in_place(interaction, f"/mode {submitted_mode(dict(data))}")
        elif component.action == "write":
            mode = await self._current_mode(self._incoming(interaction, ""))
            await self._respond(interaction, MODAL, mode_form(person, mode, say))
        elif component.action == "choice":
            command = next((str(value) for value in data.get("values", ())), "")
            if command.startswith("/"):
                await self._answer_in_place(interaction, command)
        else:
            chosen = [str(value) for value in data.get("values", ())]
            command = "lang" if component.action == "language" else "mode"
            await self._answer_in_place(interaction, f"/{command} {'+'.join(chosen)}")

    async def _answer_in_new_message(
        self,
        interaction: discord.Interaction[Any],
        text: str,
        *,
        private: bool,
        attachment: Mapping[str, Any] | None = None,
    ) -> None:
        """Defer the answer to a new message, then submit the message to answer."""
        original = await self._respond(interaction, DEFER_MESSAGE, {"flags": EPHEMERAL if private else 0})
        incoming = incoming_from_interaction(
            interaction, text, private=private, original=original, attachment=attachment
        )
        if not await self._intake.submit(incoming) and incoming.address is not None:
            # There is no answer: without this, the bot would seem to think for a quarter of an hour.
            await self._platform.delete_deferred_reply(incoming.address)

    async def _answer_in_place(self, interaction: discord.Interaction[Any], text: str) -> None:
        """Submit a message that is answered in the message the component belongs to."""
        await self._respond(interaction, DEFER_UPDATE)
        message = interaction.message
        private = message is not None and message.flags.ephemeral
        original = None if message is None else str(message.id)
        await self._intake.submit(incoming_from_interaction(interaction, text, private=private, original=original))

    async def _stop(self, incoming: Incoming) -> None:
        try:
            await self._intake.inbox.stop(incoming)
        except Exception as error:
            # The button is still there, so the person can press it again.
            log.warning("discord.stop_failed", reason=error)

    async def _current_mode(self, incoming: Incoming) -> str:
        try:
            async with asyncio.timeout(_MODE_TIMEOUT):
                return await self._intake.inbox.current_mode(incoming)
        except Exception as error:
            log.info("discord.mode_lookup_failed", error=type(error).__name__)
            return self._mind.default_mode

    async def _reject_other_person(self, interaction: discord.Interaction[Any]) -> None:
        say = self._translator(interaction)
        text = say("These buttons belong to somebody else's answer. Ask me a question of your own.")
        await self._respond(interaction, MESSAGE, {"content": text, "flags": EPHEMERAL})

    async def _respond(
        self, interaction: discord.Interaction[Any], response_type: int, data: Mapping[str, Any] | None = None
    ) -> str | None:
        """Send the first response to an interaction; the id of the message that it shows or defers.

        Raises:
            DeliveryError: Discord did not receive it, or not in time: the person sees that the interaction failed.
        """
        try:
            response = await self._platform.rest.request(
                "POST",
                _CALLBACK_PATH,
                {"webhook_id": str(interaction.id), "webhook_token": interaction.token},
                json={"type": response_type, "data": dict(data or {})},
                query={"with_response": "true"},
            )
        except RequestRejected as error:
            if error.code != ALREADY_ACKNOWLEDGED:
                raise
            # By an earlier attempt whose connection was lost, or by another gateway. It is still submitted only once.
            return None
        message_id = response.get("interaction", {}).get("response_message_id") if isinstance(response, dict) else None
        return None if message_id is None else str(message_id)

    def _incoming(self, interaction: discord.Interaction[Any], text: str) -> Incoming:
        return incoming_from_interaction(interaction, text, private=True, original=None)

    def _translator(self, interaction: discord.Interaction[Any]) -> Translator:
        return Translator(language_from_locale(interaction.locale.value) or "en")
