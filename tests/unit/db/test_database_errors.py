import inspect
import string

import pytest

from db import errors

LEAVES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.DatabaseError) and kind not in (errors.DatabaseError, errors.DatabaseUnavailable)
]


@pytest.mark.parametrize("kind", LEAVES)
def test_error_text_has_all_details(kind: type[errors.DatabaseError]) -> None:
    names = list(inspect.signature(kind).parameters)
    error = kind(**{name: f"<{name}>" for name in names})
    text = str(error)
    assert all(f"<{name}>" in text for name in names)
    named = {field for _, field, _, _ in string.Formatter().parse(kind.sentence + kind.remedy) if field}
    assert named == set(names)
    assert kind.sentence.endswith(".")
    assert kind.remedy.endswith(".")
