import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intake.commands.linking import CODE_ALPHABET, CODE_LENGTH, code_digest, new_code, normalize_code

CODES = st.text(CODE_ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH)


def test_new_codes_are_valid_and_unique() -> None:
    codes = {new_code() for _ in range(2000)}
    assert len(codes) == 2000
    assert all(len(code) == CODE_LENGTH + 1 and set(code.replace("-", "", 1)) <= set(CODE_ALPHABET) for code in codes)


@given(CODES, st.sampled_from(["", "-", " ", " — ", "."]))
def test_separators_and_case_are_ignored(code: str, separator: str) -> None:
    typed = f"  {code[:4].lower()}{separator}{code[4:]} "
    assert normalize_code(typed) == code
    assert code_digest(typed) == code_digest(code)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("oOiI-lL22", "00111122"),
        ("ОАВС-ЕНКМ", "0ABCEHKM"),
        ("рту\u0445-З000", "PTYX3000"),
        ("７ｋ２ｍ９ｐｑｘ", "7K2M9PQX"),
    ],
)
def test_lookalikes_and_cyrillic_letters(typed: str, code: str) -> None:
    assert normalize_code(typed) == code


@given(st.text())
def test_any_text_is_a_normal_code_or_none(text: str) -> None:
    code = normalize_code(text)
    assert code is None or normalize_code(code) == code


@given(CODES, CODES)
def test_digests_are_equal_only_for_equal_codes(one: str, other: str) -> None:
    assert (code_digest(one) == code_digest(other)) is (one == other)
    assert len(code_digest(one)) == 32
