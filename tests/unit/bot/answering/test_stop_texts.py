from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.answering.generation import StopTextFilter

LETTERS = st.text("abc\n", max_size=30)


def through(pieces: list[str], stops: list[str]) -> tuple[str, bool]:
    """What comes through, and whether a stop was found."""
    ends = StopTextFilter(stops)
    shown = "".join(ends.feed(piece) for piece in pieces)
    return shown + ends.flush(), ends.stopped


def test_a_stop_over_two_pieces_is_found_and_nothing_of_it_shown() -> None:
    ends = StopTextFilter(["END", "\n\n"])
    assert [ends.feed("one E"), ends.feed("N"), ends.feed("D two")] == ["one ", "", ""]
    assert ends.stopped
    assert (ends.feed("three"), ends.flush()) == ("", "")


def test_what_only_looks_like_a_stop_is_shown_as_soon_as_that_is_known() -> None:
    ends = StopTextFilter(["END"])
    assert [ends.feed("EN"), ends.feed("G"), ends.feed("E")] == ["", "ENG", ""]
    assert ends.flush() == "E"


@given(st.lists(LETTERS, max_size=8), st.lists(st.text("abc\n", min_size=1, max_size=4), max_size=4))
def test_the_pieces_do_not_matter(pieces: list[str], stops: list[str]) -> None:
    whole = "".join(pieces)
    first = min((at for stop in stops if (at := whole.find(stop)) >= 0), default=None)
    shown, found = through(list(whole), stops)
    assert found == (first is not None)
    if first is not None:
        # By single letters the stop that is whole first counts; nothing of any is shown.
        assert not any(stop in shown for stop in stops)
        assert whole.startswith(shown)
    else:
        assert shown == whole
    by_pieces, found_by_pieces = through(pieces, stops)
    assert found_by_pieces == found
    assert whole.startswith(by_pieces)
    assert not any(stop in by_pieces for stop in stops)
    if first is None:
        assert by_pieces == whole
