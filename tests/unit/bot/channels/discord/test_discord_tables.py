from __future__ import annotations

from bot.channels.discord.rendering import table_as_code_block, table_as_text
from bot.core.messages import Table


def test_a_narrow_table_is_a_grid_whose_columns_stand_under_each_other() -> None:
    table = Table(("mode", "about"), [("sport", "Сила"), ("日本", "wide")])
    assert table_as_text(table) == "mode   about\nsport  Сила\n日本   wide"


def test_a_wide_table_is_a_paragraph_a_row_without_what_is_empty() -> None:
    table = Table(("mode", "kind", "about"), [("sport", "topic", "a" * 60), ("auto", "", "chosen")])
    assert table_as_text(table) == f"sport\n  kind: topic\n  about: {'a' * 60}\n\nauto\n  about: chosen"


def test_of_two_columns_the_second_needs_no_name() -> None:
    assert table_as_text(Table(("command", "what it does"), [("/help", "a" * 60)])) == f"/help\n  {'a' * 60}"


def test_nothing_in_a_table_ends_its_block_of_code() -> None:
    shown = table_as_code_block(Table(("what",), [("``` and out",)]))
    assert shown.count("```") == 2
    assert "and out" in shown
