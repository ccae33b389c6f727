"""What a text states."""

from bot.text.analysis import analyse


def test_measures_and_labels_of_numbers() -> None:
    features = analyse("Week 4 has three sets")
    assert features.measures == {("4", ""), ("3", "set")}
    assert features.labels == {("4", "week"), ("3", "")}


def test_word_forms_have_one_stem() -> None:
    assert analyse("Белок и день").stems == analyse("белка, дней").stems == {"белк", "дн"}
    assert analyse("sleeping recruits").stems == analyse("a recruit sleeps").stems


def test_negation_of_a_text() -> None:
    assert analyse("Do not argue").is_negated
    assert analyse("You don't argue").is_negated
    assert analyse("Не спорьте").is_negated
    assert not analyse("Argue").is_negated
    assert not analyse("Спит не меньше семи часов, no less than seven").is_negated
