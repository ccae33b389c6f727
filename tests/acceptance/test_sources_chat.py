"""A person at a pipe asks what the demo library holds."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.conftest import Home

QUESTION = "How many grams of protein for each kilogram of body weight?"


def test_question_about_the_library_is_answered_with_a_source(new_home: Home, brief_mind: Path) -> None:
    own = {"CONSILIUM_LIBRARY_AT_START": "true", "CONSILIUM_MIND": str(brief_mind)}
    first = new_home.chat(
        "/mode sport",
        QUESTION,
        "/sources",
        "Сколько спят в тихую неделю?",
        "/sources",
        f"/consilium {QUESTION}",
        "/consilium show",
        **own,
    )
    assert first.code == 0, first.err
    _, answer, sources, russian, place, joined, apart = first.objects
    assert all(turn["error"] is None for turn in first.objects)
    for turn, support in ((answer, "1.6"), (russian, "восем"), (joined, "1.6")):
        assert turn["sources"]
        assert {"n", "title", "where", "quote"} == set(turn["sources"][0])
        assert any(support in source["quote"] for source in turn["sources"])
        assert all(f"[{source['n']}]" in turn["answer"] for source in turn["sources"])
    assert sources["answer"].startswith(f"[1] {answer['sources'][0]['title']} — ")
    assert place["answer"].startswith(f"[1] {russian['sources'][0]['title']} — ")
    assert joined["answer"].startswith("The author has written:\n- ")
    assert "The archivist" in apart["answer"]
    assert "embedding" in first.err

    # The second start finds everything as it was, and waits for nothing.
    second = new_home.run("chat", "--user", "anna", say=f"{QUESTION}\n/library\n", **own)
    assert second.code == 0, second.err
    assert "embedding" not in second.err
    assert "[1] The Ledger of Recovery — " in second.out
    assert "articles    article  3" in second.out
