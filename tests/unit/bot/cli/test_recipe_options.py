"""Where a recipe comes from: the command line, the adapter's section, the mind's, the defaults; in this order."""

from __future__ import annotations

import inspect
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

import pytest
import typer

from bot.app.settings import DEMO_MIND
from bot.cli.durations import format_duration, parse_duration
from bot.cli.errors import BadRecipe
from bot.cli.recipe_options import recipe_of
from bot.cli.train import train
from bot.minds import Mind, load_mind
from inference.training.recipe import Recipe


@pytest.fixture(scope="module")
def demo() -> Mind:
    return load_mind(DEMO_MIND)


def mind_with(demo: Mind, of_mind: dict[str, Any], of_sport: dict[str, Any]) -> Mind:
    adapters = dict(demo.adapters)
    adapters["sport"] = adapters["sport"].model_copy(update={"training": Recipe(**of_sport)})
    return replace(demo, training=Recipe(**of_mind), adapters=MappingProxyType(adapters))


def test_a_mind_that_says_nothing_has_the_defaults(demo: Mind) -> None:
    assert recipe_of(mind_with(demo, {}, {}), "sport") == Recipe()


def test_the_nearer_goes_before_the_farther(demo: Mind) -> None:
    mind = mind_with(demo, {"rank": 4, "epochs": 9, "learning_rate": 1e-3}, {"rank": 16, "modules": "q_proj, v_proj"})
    recipe = recipe_of(mind, "sport", {"rank": None, "epochs": 2, "names": ["sport"], "check": False})
    assert (recipe.rank, recipe.epochs, recipe.learning_rate) == (16, 2, 1e-3)
    assert recipe.modules == ("q_proj", "v_proj")
    assert recipe_of(mind, "core").rank == 4


def test_alpha_is_twice_the_rank_unless_it_is_given(demo: Mind) -> None:
    assert recipe_of(demo, "core", {"rank": 16}).alpha == 32
    assert recipe_of(mind_with(demo, {"rank": 4}, {}), "core").alpha == 8
    assert recipe_of(mind_with(demo, {"alpha": 5}, {}), "core", {"rank": 16}).alpha == 5


@pytest.mark.parametrize(
    ("option", "value"), [("rank", 0), ("dropout", 1.5), ("max_tokens", 3), ("modules", ","), ("learning_rate", -1)]
)
def test_a_bad_value_is_told_by_its_option(demo: Mind, option: str, value: object) -> None:
    with pytest.raises(BadRecipe, match=rf"--{option.replace('_', '-')} cannot be {value}"):
        recipe_of(demo, "core", {option: value})


def test_every_option_of_a_recipe_is_a_field_of_it() -> None:
    hints = get_type_hints(train, include_extras=True)
    panels = {
        name: getattr(get_args(hints[name])[1], "rich_help_panel", None)
        for name in inspect.signature(train).parameters
        if len(get_args(hints[name])) > 1
    }
    of_recipe = {name for name, panel in panels.items() if panel and panel != "The run"}
    assert of_recipe <= set(Recipe.model_fields)
    assert len(of_recipe) > 15


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15m", 900),
        ("90s", 90),
        ("90", 90),
        ("1h30m", 5400),
        ("2h", 7200),
        ("1.5 m".replace(" ", ""), 90),
        ("5min", 300),
    ],
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0", "0m", "-5m", "5x", "m"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_duration(text)


@pytest.mark.parametrize(("seconds", "text"), [(8.4, "8 s"), (840, "14 min"), (7500, "2 h 5 min")])
def test_lengths_of_time_for_people(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
