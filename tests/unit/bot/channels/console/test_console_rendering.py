import json

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.console.rendering import outcome_as_json, table_as_text
from bot.core.messages import Outcome, Source, Table

KEYS = ["turn", "mode", "adapter", "answer", "sources", "memories", "usage", "error"]


def test_every_key_is_there_even_when_there_is_nothing_to_say() -> None:
    read = json.loads(outcome_as_json(Outcome("base")))
    assert list(read) == KEYS
    assert read["turn"] is None
    assert read["sources"] == []
    assert read["usage"] == {}


@given(st.text(), st.text())
def test_an_outcome_is_one_line_whatever_it_says(answer: str, error: str) -> None:
    line = outcome_as_json(Outcome("core", answer, error=error, sources=[Source(1, "t", "w", answer)]))
    assert "\n" not in line
    assert json.loads(line)["answer"] == answer
    assert json.loads(line)["sources"][0]["quote"] == answer


def test_a_table_is_part_of_the_answer_with_its_columns_aligned() -> None:
    table = Table(("N", "what"), [("1", "knee"), ("10", "sea")])
    assert table_as_text(table) == "N   what\n1   knee\n10  sea"
    assert (
        json.loads(outcome_as_json(Outcome("core", "So:", table=table)))["answer"] == "So:\nN   what\n1   knee\n10  sea"
    )
    assert table_as_text(None) == ""
