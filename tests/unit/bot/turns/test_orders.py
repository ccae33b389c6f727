import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.turns.commands.orders import KINDS, ROLE_VERBS, VERBS, Order, read_order
from db.access import Subject

ROLES = st.from_regex(r"\A[a-z][a-z_-]{0,31}\Z")
SUBJECTS = st.builds(
    Subject,
    st.sampled_from(sorted(set(KINDS.values()))),
    st.from_regex(r"\A[a-z]{1,12}\Z"),
    st.from_regex(r"\A[!-~]{1,40}\Z"),
)


@pytest.mark.parametrize(
    ("written", "order"),
    [
        ("list", Order("list")),
        ("deny telegram:123", Order("deny", Subject("user", "telegram", "123"))),
        ("ALLOW user Telegram:123", Order("allow", Subject("user", "telegram", "123"))),
        ("deny chat telegram:-100", Order("deny", Subject("chat", "telegram", "-100"))),
        ("grant editor role discord:77", Order("grant", Subject("role", "discord", "77"), "editor")),
        ("запретить чат telegram:-100", Order("deny", Subject("chat", "telegram", "-100"))),
        ("отобрать editor telegram:5", Order("revoke", Subject("user", "telegram", "5"), "editor")),
        ("снять сервер discord:9", Order("lift", Subject("guild", "discord", "9"))),
    ],
)
def test_orders_are_read_in_both_languages(written: str, order: Order) -> None:
    assert read_order(written) == order


@pytest.mark.parametrize(
    "written",
    [
        "", "deny", "deny 123", "deny telegram:", "deny :123", "deny everybody telegram:1",
        "deny telegram:1 telegram:2", "grant telegram:1", "grant Ed1tor telegram:1", "grant editor", "list all",
        "deny chat", "ban telegram:1", "grant editor chat role telegram:1",
    ],
)  # fmt: skip
def test_what_is_no_order_is_none(written: str) -> None:
    assert read_order(written) is None


@given(st.sampled_from(sorted(set(VERBS.values()) - {"list"})), SUBJECTS, ROLES)
def test_an_order_is_read_as_it_is_written(verb: str, subject: Subject, role: str) -> None:
    order = Order(verb, subject, role if verb in ROLE_VERBS else "")  # type: ignore[arg-type]
    assert read_order(str(order)) == order


@given(st.text())
def test_any_text_is_an_order_or_none(text: str) -> None:
    order = read_order(text)
    assert order is None or read_order(str(order)) == order
