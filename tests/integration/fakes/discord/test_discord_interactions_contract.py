"""Interactions: answered once, in time and in a fitting way; followed up for a quarter of an hour."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from tests.fakes.discord.people import CannotDo
from tests.fakes.discord.server import DiscordFake
from tests.integration.fakes.discord.conftest import Api, Place

REPLY, DEFER, DEFER_UPDATE, CHOICES, MODAL = 4, 5, 6, 8, 9
EPHEMERAL = 1 << 6
BUTTON = {"type": 2, "style": 2, "label": "Go", "custom_id": "go"}
SELECT = {
    "type": 3, "custom_id": "pick", "placeholder": "adapters", "min_values": 1, "max_values": 1,
    "options": [{"label": "Sport", "value": "sport"}, {"label": "Core", "value": "core"}],
}  # fmt: skip
FIELD = {"type": 4, "style": 1, "label": "Mode", "custom_id": "mode", "value": "core", "max_length": 10}
FORM = {"title": "Mode", "custom_id": "form", "components": [{"type": 1, "components": [FIELD]}]}
CONTROLS = [{"type": 1, "components": [BUTTON]}, {"type": 1, "components": [SELECT]}]


class Interactions:
    """Starts interactions and answers them as the bot would."""

    def __init__(self, fake: DiscordFake, place: Place, api: Api) -> None:
        self._fake = fake
        self._place = place
        self._api = api

    def start(self) -> str:
        """A person uses /mode; the interaction's id."""
        return self._fake.people.run_command(self._place.channel, self._place.user, "mode", mode="core")

    def callback(self, interaction: str) -> str:
        """The path of the first response."""
        return f"/interactions/{interaction}/{self._token(interaction)}/callback"

    def follow_ups(self, interaction: str) -> str:
        """The path of further messages."""
        return f"/webhooks/{self._fake.application_id}/{self._token(interaction)}"

    def original(self, interaction: str) -> str:
        """The path of the first message."""
        return f"{self.follow_ups(interaction)}/messages/@original"

    async def respond(self, interaction: str, kind: int, **data: Any) -> Any:
        """The first response."""
        path = self.callback(interaction)
        return await self._api.request("POST", path, {"type": kind, "data": data}, with_response="true")

    def _token(self, interaction: str) -> str:
        return self._fake.interactions.all[int(interaction)].token


@pytest_asyncio.fixture(loop_scope="session")
async def interactions(fake: DiscordFake, place: Place, api: Api) -> Interactions:
    option = {"type": 3, "name": "mode", "description": "Which", "required": True, "autocomplete": True}
    command = {"name": "mode", "description": "Chooses a mode", "contexts": [0], "options": [option]}
    await api.request("PUT", f"/applications/{fake.application_id}/commands", [command])
    return Interactions(fake, place, api)


async def test_an_interaction_is_answered_once(api: Api, interactions: Interactions) -> None:
    asked = interactions.start()
    await api.refused(interactions.respond(asked, DEFER_UPDATE), 400, 50035)
    await api.refused(interactions.respond(asked, REPLY, content="x" * 2001), 400, 50035)
    await api.refused(interactions.respond(asked, REPLY, content=""), 400, 50006)
    await interactions.respond(asked, REPLY, content="once")
    await api.refused(interactions.respond(asked, REPLY, content="twice"), 400, 40060)
    await api.refused(api.request("POST", f"/interactions/{asked}/wrong/callback", {"type": DEFER}), 404, 10062)


async def test_a_late_answer_is_refused_and_the_person_sees_a_failure(
    fake: DiscordFake, api: Api, interactions: Interactions
) -> None:
    asked = interactions.start()
    fake.advance_clock(3.1)
    await api.refused(interactions.respond(asked, REPLY, content="late"), 404, 10062)
    assert fake.people.interaction(asked)["state"] == "failed"
    await api.refused(api.request("POST", interactions.follow_ups(asked), {"content": "later"}), 404, 10015)


async def test_a_deferred_answer_fills_the_message_that_was_promised(
    fake: DiscordFake, place: Place, api: Api, interactions: Interactions
) -> None:
    asked = interactions.start()
    promised = (await interactions.respond(asked, DEFER))["interaction"]["response_message_id"]
    assert fake.people.interaction(asked)["state"] == "thinking"
    assert (await api.request("GET", f"{place.messages}/{promised}"))["flags"] == 1 << 7
    # Its token gives access to it even where the bot may not see the channel.
    fake.people.permit(place.channel, fake.people.bot, deny=["view_channel"])
    assert (await api.request("GET", interactions.original(asked)))["id"] == promised
    await api.request("PATCH", f"{interactions.follow_ups(asked)}/messages/{promised}", {"content": "now"})
    assert fake.people.interaction(asked)["original"]["content"] == "now"
    await api.request("DELETE", interactions.original(asked))
    await api.refused(api.request("GET", interactions.original(asked)), 404, 10008)


async def test_follow_ups_end_after_a_quarter_of_an_hour(
    fake: DiscordFake, place: Place, api: Api, interactions: Interactions
) -> None:
    asked = interactions.start()
    await interactions.respond(asked, DEFER)
    first = await api.request("POST", interactions.follow_ups(asked), {"content": "fills the deferral"})
    second = await api.request("POST", interactions.follow_ups(asked), {"content": "one more"})
    assert [message["id"] for message in fake.people.messages_in(place.channel)] == [first["id"], second["id"]]
    others = fake.people.send(place.channel, place.user, "not an answer")
    path = interactions.follow_ups(asked)
    await api.refused(api.request("DELETE", f"{path}/messages/{others}"), 404, 10008)
    fake.advance_clock(15 * 60)
    await api.refused(api.request("POST", path, {"content": "too late"}), 401, 50027)
    await api.refused(api.request("PATCH", f"{path}/messages/{second['id']}", {"content": "too late"}), 401, 50027)


async def test_an_ephemeral_answer_is_seen_by_one_person_and_reached_by_its_token_alone(
    fake: DiscordFake, place: Place, api: Api, interactions: Interactions
) -> None:
    asked = interactions.start()
    await interactions.respond(asked, REPLY, content="for you", components=CONTROLS, flags=EPHEMERAL)
    (message,) = fake.people.messages_in(place.channel, place.user)
    assert fake.people.messages_in(place.channel) == []
    await api.refused(api.request("GET", f"{place.messages}/{message['id']}"), 404, 10008)
    other = fake.people.add_user("Bob")
    fake.people.join(place.guild, other)
    with pytest.raises(CannotDo, match="does not see"):
        fake.people.press(other, message["id"], "Go")
    await api.request("PATCH", interactions.original(asked), {"content": "changed"})
    assert fake.people.message(message["id"])["content"] == "changed"


async def test_a_button_answers_in_the_message_it_belongs_to(
    fake: DiscordFake, place: Place, api: Api, interactions: Interactions
) -> None:
    sent = await api.request("POST", place.messages, {"content": "x", "components": CONTROLS})
    assert fake.people.labels(sent["id"]) == ["Go", "Sport", "Core"]
    pressed = fake.people.press(place.user, sent["id"], "Go")
    await interactions.respond(pressed, DEFER_UPDATE)
    await api.request("PATCH", interactions.original(pressed), {"content": "changed", "components": []})
    assert fake.people.message(sent["id"])["content"] == "changed"
    with pytest.raises(CannotDo, match="no button"):
        fake.people.press(place.user, sent["id"], "Go")


async def test_a_menu_opens_a_form(fake: DiscordFake, place: Place, api: Api, interactions: Interactions) -> None:
    sent = await api.request("POST", place.messages, {"content": "x", "components": CONTROLS})
    with pytest.raises(CannotDo, match="no option"):
        fake.people.choose(place.user, sent["id"], ["Physics"])
    with pytest.raises(CannotDo, match="2 options"):
        fake.people.choose(place.user, sent["id"], ["Sport", "Core"])
    chosen = fake.people.choose(place.user, sent["id"], ["Sport"])
    await interactions.respond(chosen, MODAL, **FORM)
    with pytest.raises(CannotDo, match="too long"):
        fake.people.submit_modal(chosen, mode="x" * 11)
    submitted = fake.people.submit_modal(chosen, mode="sport")
    await interactions.respond(submitted, DEFER_UPDATE)
    assert fake.people.interaction(submitted)["original"]["id"] == sent["id"]


@pytest.mark.parametrize(
    ("field", "where"),
    [({"label": "x" * 46}, "label"), ({"value": "x" * 4001}, "value"), ({"max_length": 4001}, "max_length")],
)
async def test_bad_forms_are_refused(api: Api, interactions: Interactions, field: dict[str, Any], where: str) -> None:
    asked = interactions.start()
    bad = {**FORM, "components": [{"type": 1, "components": [{**FIELD, **field}]}]}
    text = await api.refused(interactions.respond(asked, MODAL, **bad), 400, 50035)
    assert f"In data.components.0.components.0.{where}:" in text
    text = await api.refused(interactions.respond(asked, MODAL, **{**FORM, "title": "x" * 46}), 400, 50035)
    assert "In data.title:" in text


async def test_choices_are_at_most_25(fake: DiscordFake, place: Place, api: Api, interactions: Interactions) -> None:
    offered = asyncio.create_task(fake.people.autocomplete(place.channel, place.user, "mode", "mode", "sp"))
    (typed,) = await fake.journal.wait_for(lambda: fake.journal.of("interaction"))
    many = [{"name": f"c{n}", "value": f"v{n}"} for n in range(26)]
    text = await api.refused(interactions.respond(typed["id"], CHOICES, choices=many), 400, 50035)
    assert "In data.choices:" in text
    await interactions.respond(typed["id"], CHOICES, choices=many[:25])
    assert await offered == many[:25]


async def test_a_command_is_used_as_it_was_registered(
    fake: DiscordFake, place: Place, interactions: Interactions
) -> None:
    run = fake.people.run_command
    with pytest.raises(CannotDo, match="no /language"):
        run(place.channel, place.user, "language")
    with pytest.raises(CannotDo, match="no /mode"):
        run(fake.people.dm(place.user), place.user, "mode", mode="core")
    with pytest.raises(CannotDo, match="required"):
        run(place.channel, place.user, "mode")
    with pytest.raises(CannotDo, match="no option"):
        run(place.channel, place.user, "mode", mode="core", weight="2")
