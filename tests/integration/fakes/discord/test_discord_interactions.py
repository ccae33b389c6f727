"""Interactions: answered once, in time and in a fitting way; followed up for a quarter of an hour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import discord
import pytest
from discord import app_commands

from tests.fakes.discord.server import DiscordFake

Refused = Callable[..., Any]


class Form(discord.ui.Modal, title="About you"):
    """Asks for a name."""

    name: discord.ui.TextInput[Form] = discord.ui.TextInput(label="Name", max_length=10)
    pick: discord.ui.Label[Form] = discord.ui.Label(
        text="Sport", component=discord.ui.Select(options=[discord.SelectOption(label="Running", value="r")])
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        sport = self.pick.component.values  # type: ignore[attr-defined]
        await interaction.response.send_message(f"{self.name.value} {sport}", ephemeral=True)


class Controls(discord.ui.View):
    """A button that changes its message, and a select that opens a form."""

    @discord.ui.button(label="Stop")
    async def halt(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.edit_message(content="stopped", view=None)

    @discord.ui.select(options=[discord.SelectOption(label="Fast", value="f")])
    async def pick(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.send_modal(Form())


class Talk:
    """A bot with commands, and the interactions it has got."""

    def __init__(self, bot: Any) -> None:
        self.bot = bot
        self.got: list[discord.Interaction] = []

        @bot.tree.command(description="Keeps the interaction for the test")
        async def keep(interaction: discord.Interaction) -> None:
            self.got.append(interaction)

        @bot.tree.command(description="Chooses a mode")
        @app_commands.autocomplete(expr=self.complete)
        async def mode(interaction: discord.Interaction, expr: str) -> None:
            await interaction.response.defer(thinking=True)
            await interaction.edit_original_response(content=f"now {expr}", view=Controls())

    async def complete(self, interaction: discord.Interaction, text: str) -> list[app_commands.Choice[str]]:
        many = 26 if text == "many" else 1
        return [app_commands.Choice(name=f"{text}{n}", value=f"{text}{n}") for n in range(many)]

    async def next(self, fake: DiscordFake, place: Any) -> tuple[discord.Interaction, str]:
        made = fake.people.run(place.channel, place.user, "keep")
        await fake.journal.wait_for(lambda: any(str(i.id) == made for i in self.got))
        return self.got[-1], made


@pytest.fixture
async def talk(fake: DiscordFake, bots: Any) -> Talk:
    talk = Talk(await bots.start())
    await talk.bot.tree.sync()
    return talk


async def test_a_command_a_choice_a_form_and_a_button(fake: DiscordFake, place: Any, talk: Talk) -> None:
    people = fake.people
    choices = await people.autocomplete(place.channel, place.user, "mode", "expr", "sp")
    assert choices == [{"name": "sp0", "value": "sp0"}]
    ran = await people.wait_interaction(people.run(place.channel, place.user, "mode", expr="sport"))
    message = ran["original"]["id"]
    assert (ran["original"]["content"], people.labels(message)) == ("now sport", ["Stop", "Fast"])
    assert [s["loading"] for s in people.states(message)] == [True, False]
    opened = people.choose(place.user, message, ["Fast"])
    assert (await people.wait_interaction(opened))["state"] == "modal"
    for wrong in ({}, {"Name": "x" * 11, "Sport": ["r"]}, {"Name": "Bob", "Sport": ["s"]}, {"Nome": "Bob"}):
        with pytest.raises(ValueError, match=r"required|too long|no such choice|has no"):
            people.submit_fields(opened, wrong)
    sent = await people.wait_interaction(people.submit_fields(opened, {"Name": "Bob", "Sport": ["Running"]}))
    assert sent["original"]["content"] == "Bob ['r']"
    assert [len(people.visible(place.channel, viewer)) for viewer in (place.user, None)] == [2, 1]
    await people.wait_interaction(people.press(place.user, message, "Stop"))
    assert people.message(message)["content"] == "stopped"
    with pytest.raises(ValueError, match="no button"):
        people.press(place.user, message, "Stop")


async def test_an_interaction_is_answered_once(fake: DiscordFake, place: Any, talk: Talk, refused: Refused) -> None:
    got, _ = await talk.next(fake, place)
    path = f"/interactions/{got.id}/{got.token}/callback"
    await refused(talk.bot.ask("POST", path, type=6), 400, 50035)
    await refused(talk.bot.ask("POST", path, type=4, data={"content": "x" * 2001}), 400, 50035)
    await refused(talk.bot.ask("POST", path, type=4, data={"content": ""}), 400, 50006)
    await refused(talk.bot.ask("POST", path, type=9, data={"custom_id": "m", "title": "x" * 46}), 400, 50035)
    await got.response.send_message("once")
    await refused(talk.bot.ask("POST", path, type=4, data={"content": "twice"}), 400, 40060)
    await refused(talk.bot.ask("POST", f"/interactions/{got.id}/wrong/callback", type=5), 404, 10062)


def field(**what: Any) -> dict[str, Any]:
    return {"type": 4, "style": 1, "label": "Name", "custom_id": "n", **what}


def in_row(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"components": [{"type": 1, "components": list(fields)}]}


def in_label(component: dict[str, Any], **what: Any) -> dict[str, Any]:
    return {"components": [{"type": 18, "label": "Name", "component": component, **what}]}


INNER = "data.components.0.components.0"
BAD_MODALS: list[tuple[dict[str, Any], str]] = [
    ({"title": "x" * 46}, "data.title"),
    ({"custom_id": ""}, "data.custom_id"),
    ({"components": []}, "data.components"),
    ({"components": in_row(field())["components"] * 6}, "data.components"),
    ({"components": [{"type": 2}]}, "data.components.0"),
    (in_row(field(), field(custom_id="m")), "data.components.0.components"),
    (in_row(field(label="x" * 46)), f"{INNER}.label"),
    (in_row(field(type=2)), f"{INNER}.type"),
    (in_row(field(style=3)), f"{INNER}.style"),
    (in_row(field(custom_id=None)), f"{INNER}.custom_id"),
    (in_row(field(min_length=4001)), f"{INNER}.min_length"),
    (in_row(field(max_length=0)), f"{INNER}.max_length"),
    (in_row(field(value="x" * 4001)), f"{INNER}.value"),
    (in_row(field(placeholder="x" * 101)), f"{INNER}.placeholder"),
    (in_label(field(), label="x" * 46), "data.components.0.label"),
    (in_label(field(), description="x" * 101), "data.components.0.description"),
    (in_label({"type": 3, "custom_id": "s", "options": []}), "data.components.0.component.options"),
]


async def test_bad_modals_are_refused_with_the_place(
    fake: DiscordFake, place: Any, talk: Talk, refused: Refused
) -> None:
    got, _ = await talk.next(fake, place)
    modal = {"title": "T", "custom_id": "m", **in_row(field())}
    path = f"/interactions/{got.id}/{got.token}/callback"
    for bad, where in BAD_MODALS:
        text = await refused(talk.bot.ask("POST", path, type=9, data={**modal, **bad}), 400, 50035)
        assert f"In {where}:" in text
    await talk.bot.ask("POST", path, type=9, data=modal)


async def test_who_answers_too_late_is_unknown_and_the_user_sees_it(
    fake: DiscordFake, place: Any, talk: Talk, refused: Refused
) -> None:
    got, made = await talk.next(fake, place)
    fake.people.shift_clock(3.1)
    await refused(got.response.send_message("late"), 404, 10062)
    assert fake.people.interaction(made)["state"] == "failed"
    await refused(got.followup.send("later"), 404, 10015)


async def test_followups_end_after_a_quarter_of_an_hour(
    fake: DiscordFake, place: Any, talk: Talk, refused: Refused
) -> None:
    got, made = await talk.next(fake, place)
    await refused(got.followup.send("before the answer"), 404, 10015)
    await got.response.defer(ephemeral=True)
    first = await got.followup.send("fills the deferral", wait=True)
    second = await got.followup.send("one more", ephemeral=True, wait=True)
    assert [m["content"] for m in fake.people.interaction(made)["messages"]] == ["fills the deferral", "one more"]
    assert len(fake.people.visible(place.channel)) == 0
    await refused(talk.bot.ask("GET", f"/channels/{place.channel}/messages/{first.id}"), 404, 10008)
    await second.edit(content="changed")
    assert fake.people.message(second.id)["content"] == "changed"
    await got.delete_original_response()
    await refused(got.edit_original_response(content="gone"), 404, 10008)
    fake.people.shift_clock(15 * 60)
    await refused(got.followup.send("too late"), 401, 50027)
    await refused(second.edit(content="too late"), 401, 50027)


async def test_more_than_25_choices_are_refused(fake: DiscordFake, place: Any, talk: Talk) -> None:
    fake.reply_deadline = 0.3
    with pytest.raises(ValueError, match="loading options failed"):
        await fake.people.autocomplete(place.channel, place.user, "mode", "expr", "many")
    callback = [r for r in fake.journal.of("request") if r["route"].endswith("/callback")][-1]
    assert callback["answer"]["errors"]["data"]["choices"]["_errors"][0]["message"] == "Must be 25 or fewer in length."


async def test_an_ephemeral_message_is_for_one(fake: DiscordFake, place: Any, talk: Talk) -> None:
    got, made = await talk.next(fake, place)
    await got.response.send_message("for you", view=Controls(), ephemeral=True)
    message = fake.people.interaction(made)["original"]["id"]
    other = fake.people.user("Bob")
    fake.people.join(place.guild, other)
    with pytest.raises(ValueError, match="does not see that message"):
        fake.people.press(other, message, "Stop")
    await fake.people.wait_interaction(fake.people.press(place.user, message, "Stop"))
    await fake.journal.wait_for(lambda: len(talk.bot.heard) == 1)
    assert talk.bot.heard[0].guild is None  # as the real one tells of it


async def test_interactions_in_a_direct_conversation(fake: DiscordFake, place: Any, talk: Talk) -> None:
    direct = fake.people.dm(place.user)
    ran = await fake.people.wait_interaction(fake.people.run(direct, place.user, "mode", expr="core"))
    assert ran["original"]["content"] == "now core"


async def test_answers_cannot_be_empty(fake: DiscordFake, place: Any, talk: Talk, refused: Refused) -> None:
    ask, people = talk.bot.ask, fake.people
    row = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}]}
    sent = await ask("POST", f"/channels/{place.channel}/messages", content="x", components=[row])
    made = fake.interactions.all[int(people.press(place.user, sent["id"], "Go"))]
    first, later = f"/interactions/{made.id}/{made.token}/callback", f"/webhooks/{fake.application_id}/{made.token}"
    await refused(ask("POST", first, type=7, data={"content": "", "components": []}), 400, 50006)
    await refused(ask("POST", first, type=7, data={"content": "x" * 2001}), 400, 50035)
    await ask("POST", first, type=6)
    await refused(ask("POST", later, content=" "), 400, 50006)
    await refused(ask("PATCH", f"{later}/messages/@original", content="", components=[]), 400, 50006)
    await refused(ask("PATCH", f"{later}/messages/1", content="x"), 404, 10008)
    await ask("PATCH", f"{later}/messages/@original", content="changed")
    assert people.message(sent["id"])["content"] == "changed"
    theirs = people.say(place.channel, place.user, "not in answer")
    await refused(ask("DELETE", f"{later}/messages/{theirs}"), 404, 10008)
    form = people.run(place.channel, place.user, "keep")
    wrong = fake.interactions.all[int(form)]
    await refused(
        ask("POST", f"/interactions/{form}/{wrong.token}/callback", type=7, data={"content": "x"}), 400, 50035
    )
