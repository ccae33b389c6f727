from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.answering.generation import StopTextFilter

LETTERS = st.text("abc\n", max_size=30)


def filter_pieces(pieces: list[str], stops: list[str]) -> tuple[str, bool]:
    """What comes filter_pieces, and whether a stop was found."""
    stop_filter = StopTextFilter(stops)
    shown = "".join(stop_filter.feed(piece) for piece in pieces)
    return shown + stop_filter.flush(), stop_filter.stopped


def test_stop_text_across_pieces_is_not_shown() -> None:
    stop_filter = StopTextFilter(["END", "\n\n"])
    assert [stop_filter.feed("one E"), stop_filter.feed("N"), stop_filter.feed("D two")] == ["one ", "", ""]
    assert stop_filter.stopped
    assert (stop_filter.feed("three"), stop_filter.flush()) == ("", "")


def test_false_start_of_a_stop_text_is_shown() -> None:
    stop_filter = StopTextFilter(["END"])
    assert [stop_filter.feed("EN"), stop_filter.feed("G"), stop_filter.feed("E")] == ["", "ENG", ""]
    assert stop_filter.flush() == "E"


@given(st.lists(LETTERS, max_size=8), st.lists(st.text("abc\n", min_size=1, max_size=4), max_size=4))
def test_result_does_not_depend_on_pieces(pieces: list[str], stops: list[str]) -> None:
    whole = "".join(pieces)
    first = min((at for stop in stops if (at := whole.find(stop)) >= 0), default=None)
    shown, found = filter_pieces(list(whole), stops)
    assert found == (first is not None)
    if first is not None:
        # By single letters the stop that is whole first counts; nothing of any is shown.
        assert not any(stop in shown for stop in stops)
        assert whole.startswith(shown)
    else:
        assert shown == whole
    by_pieces, found_by_pieces = filter_pieces(pieces, stops)
    assert found_by_pieces == found
    assert whole.startswith(by_pieces)
    assert not any(stop in by_pieces for stop in stops)
    if first is None:
        assert by_pieces == whole
