import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intake.commands.linking import CODE_ALPHABET, CODE_LENGTH, code_digest, new_code, normalize_code

SIGNS = st.text(CODE_ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH)


def test_codes_are_of_the_alphabet_and_none_comes_twice() -> None:
    codes = {new_code() for _ in range(2000)}
    assert len(codes) == 2000
    assert all(len(code) == CODE_LENGTH + 1 and set(code.replace("-", "", 1)) <= set(CODE_ALPHABET) for code in codes)


@given(SIGNS, st.sampled_from(["", "-", " ", " — ", "."]))
def test_however_it_is_typed_it_is_the_same_code(signs: str, joint: str) -> None:
    typed = f"  {signs[:4].lower()}{joint}{signs[4:]} "
    assert normalize_code(typed) == signs
    assert code_digest(typed) == code_digest(signs)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("oOiI-lL22", "00111122"),
        ("ОАВС-ЕНКМ", "0ABCEHKM"),
        ("рту\u0445-З000", "PTYX3000"),
        ("７ｋ２ｍ９ｐｑｘ", "7K2M9PQX"),
    ],
)
def test_lookalikes_and_other_keyboards_are_read(typed: str, code: str) -> None:
    assert normalize_code(typed) == code


@given(st.text())
def test_anything_else_is_no_code(text: str) -> None:
    signs = normalize_code(text)
    assert signs is None or normalize_code(signs) == signs


@given(SIGNS, SIGNS)
def test_digests_tell_codes_apart(one: str, other: str) -> None:
    assert (code_digest(one) == code_digest(other)) is (one == other)
    assert len(code_digest(one)) == 32
