"""/remember, /memory and /forget as a person uses them."""

from __future__ import annotations

from tests.acceptance.conftest import Home


def test_show_correct_and_delete_a_memory(home: Home) -> None:
    ended = home.chat(
        "/memory 1 too early",
        "/remember I live in Berlin.",
        "/remember I own a boat.",
        "/memory 1 I live in Paris.",
        "/memory",
        "/memory 3 no such",
        "/memory 1",
        "/memory one two",
        "/forget 2",
        "/memory",
    )
    assert ended.code == 0, ended.err
    said = ended.objects
    assert "nothing" in said[0]["answer"]
    assert "Paris" in said[3]["answer"]
    assert "Paris" in said[4]["answer"]
    assert "Berlin" not in said[4]["answer"]
    for refused in said[5:8]:
        assert "/memory N TEXT" in refused["error"]
    assert "boat" in said[8]["answer"]
    assert "boat" not in said[9]["answer"]
