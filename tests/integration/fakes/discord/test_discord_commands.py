"""Registering commands: what is refused, where, and what stays the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import discord
import pytest
from discord import app_commands
from discord.app_commands.commands import validate_name
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.discord.commands import is_name
from tests.fakes.discord.server import DiscordFake


def command(**what: Any) -> dict[str, Any]:
    return {"type": 1, "name": "mode", "description": "Chooses a mode", **what}


def option(**what: Any) -> dict[str, Any]:
    return {"type": 3, "name": "expr", "description": "What to think with", **what}


def choices(count: int = 1, **what: Any) -> list[dict[str, Any]]:
    return [{"name": f"c{n}", "value": f"v{n}", **what} for n in range(count)]


def translated(locale: str, name: str) -> dict[str, Any]:
    return command(options=[option(choices=choices(name_localizations={locale: name}))])


ID = "Command name is invalid"
BAD: list[tuple[dict[str, Any], str, str]] = [
    (command(name="Mode"), "0.name", ID),
    (command(name="two words"), "0.name", "did not match validation regex"),
    (command(name="isn't"), "0.name", "did not match validation regex"),
    (command(name="x" * 33), "0.name", "32 or fewer"),
    (command(name=""), "0.name", "between 1 and 32"),
    (command(name_localizations={"ru": "Режим"}), "0.name_localizations", ID),
    (command(name_localizations={"xx": "mode"}), "0.name_localizations.xx", "not a valid locale"),
    (command(description="x" * 101), "0.description", "100 or fewer"),
    (command(description=""), "0.description", "between 1 and 100"),
    (command(description_localizations={"ru": "х" * 101}), "0.description_localizations.ru", "100 or fewer"),
    (command(options=[option(name=f"o{n}") for n in range(26)]), "0.options", "25 or fewer"),
    (command(options=[option(name="Expr")]), "0.options.0.name", ID),
    (command(options=[option(type=12)]), "0.options.0.type", "Value must be one of"),
    (command(options=[option(), option()]), "0.options.1", "unique"),
    (command(options=[option(), option(name="b", required=True)]), "0.options.1", "before non-required"),
    (command(options=[option(choices=choices(26))]), "0.options.0.choices", "25 or fewer"),
    (command(options=[option(choices=choices(name="x" * 101))]), "0.options.0.choices.0.name", "100 or fewer"),
    (command(options=[option(choices=choices(value="x" * 101))]), "0.options.0.choices.0.value", "100 or fewer"),
    (command(options=[option(choices=choices(2, name="a"))]), "0.options.0.choices.1.name", "unique"),
    (command(options=[option(type=4, choices=choices())]), "0.options.0.choices.0.value", "not a number"),
    (command(options=[option(choices=choices(), autocomplete=True)]), "0.options.0.autocomplete", "with choices"),
    (command(description_localizations={"xx": "x"}), "0.description_localizations.xx", "not a valid locale"),
    (command(options=[option(description="")]), "0.options.0.description", "between 1 and 100"),
    (command(options=[option(min_length=6001)]), "0.options.0.min_length", "less than or equal"),
    (command(options=[option(max_length=0)]), "0.options.0.max_length", "greater than or equal"),
    (translated("xx", "x"), "0.options.0.choices.0.name_localizations.xx", "not a valid locale"),
    (translated("ru", "х" * 101), "0.options.0.choices.0.name_localizations.ru", "100 or fewer"),
    ({"type": 3, "name": "x" * 33}, "0.name", "32 or fewer"),
    (command(options=[option(type=5, autocomplete=True)]), "0.options.0.choices", "not supported"),
    (command(options=[option(type=1, name="add"), option()]), "0.options.1.type", "mutually exclusive"),
    (
        command(options=[option(type=2, name="a", options=[option(type=2, name="b")])]),
        "0.options.0.options.0.type",
        "nested too deep",
    ),
    (
        command(
            options=[option(name=f"o{n}", choices=choices(25, name_localizations={"ru": "x" * 15})) for n in range(24)]
        ),
        "0",
        "8000",
    ),
]


@pytest.mark.parametrize(("bad", "where", "why"), BAD)
async def test_bad_commands_are_refused_with_the_place(
    fake: DiscordFake, bots: Any, bad: dict[str, Any], where: str, why: str
) -> None:
    bot = await bots.login()
    with pytest.raises(discord.HTTPException) as caught:
        await bot.http.bulk_upsert_global_commands(fake.application_id, payload=[bad])
    assert (caught.value.status, caught.value.code) == (400, 50035)
    assert f"In {where}:" in caught.value.text
    assert why in caught.value.text
    assert fake.people.commands() == []


async def test_names_are_unique_and_a_hundred_at_most(
    fake: DiscordFake, bots: Any, refused: Callable[..., Any]
) -> None:
    register = (await bots.login()).http.bulk_upsert_global_commands
    fake.people.limit(False)
    text = await refused(register(fake.application_id, payload=[command(), command()]), 400, 50035)
    assert "In 1: Application command names must be unique" in text
    many = [command(name=f"c{n}") for n in range(101)]
    await refused(register(fake.application_id, payload=many), 400, 30032)
    assert len(await register(fake.application_id, payload=many[:100])) == 100


async def test_commands_of_others_are_not_ours_to_change(
    fake: DiscordFake, place: Any, bots: Any, refused: Callable[..., Any]
) -> None:
    http = (await bots.login()).http
    await refused(http.bulk_upsert_global_commands(1, payload=[]), 403, 20012)
    await refused(http.get_global_command(fake.application_id, 1), 404, 10063)
    foreign = fake.people.guild("Foreign", with_bot=False)
    await refused(http.bulk_upsert_guild_commands(fake.application_id, int(foreign), payload=[]), 403, 50001)


async def test_a_synced_tree_keeps_its_ids_and_is_checked_when_used(fake: DiscordFake, place: Any, bots: Any) -> None:
    fake.people.limit(False)
    bot = await bots.login()

    @bot.tree.command(name="режим", description="Выбирает режим")
    @app_commands.choices(voice=[app_commands.Choice(name="Loud", value="l")])
    async def mode(
        _: discord.Interaction, weight: app_commands.Range[int, 1, 5], voice: str = "l", private: bool = False
    ) -> None:
        raise AssertionError("never called")

    first, second = [await bot.tree.sync() for _ in range(2)]
    assert first[0].id == second[0].id
    run, where = fake.people.run, (place.channel, place.user, "режим")
    for wrong, why in (
        ({}, "required: weight"),
        ({"weight": 9}, "out of range"),
        ({"weight": "3"}, "not a number"),
        ({"weight": 3, "voice": "Soft"}, "none of"),
        ({"weight": 3, "private": "yes"}, "neither true nor false"),
        ({"weight": 3, "other": 1}, "no such option"),
    ):
        with pytest.raises(ValueError, match=why):
            run(*where, **wrong)
    with pytest.raises(ValueError, match="there is no /mode here"):
        run(place.channel, place.user, "mode")
    fake.people.permit(place.channel, place.user, deny=["use_application_commands"])
    with pytest.raises(ValueError, match="may not use commands"):
        run(*where, weight=3)


@given(st.text(st.characters(categories=("L", "N", "M", "Pd", "Pc")), max_size=34))
def test_a_name_is_taken_exactly_when_discord_py_takes_it(name: str) -> None:
    try:
        validate_name(name)
    except ValueError:
        assert not is_name(name)
    else:
        assert is_name(name)
