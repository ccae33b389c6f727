"""What a text states."""

from bot.text.analysis import analyse


def test_measures_and_labels_of_numbers() -> None:
    features = analyse("Week 4 has three sets")
    assert features.measures == {("4", ""), ("3", "set")}
    assert features.labels == {("4", "week"), ("3", "")}


def test_word_forms_have_one_stem() -> None:
    assert analyse("Белок и день").stems == analyse("белка, дней").stems == {"белк", "дн"}
    assert analyse("sleeping recruits").stems == analyse("a recruit sleeps").stems
