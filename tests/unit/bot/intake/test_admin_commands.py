import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intake.commands.admin import KINDS, ROLE_VERBS, VERBS, AdminCommand, parse_admin_command
from db.people.access_rules import Subject

ROLES = st.from_regex(r"\A[a-z][a-z_-]{0,31}\Z")
SUBJECTS = st.builds(
    Subject,
    st.sampled_from(sorted(set(KINDS.values()))),
    st.from_regex(r"\A[a-z]{1,12}\Z"),
    st.from_regex(r"\A[!-~]{1,40}\Z"),
)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("list", AdminCommand("list")),
        ("deny telegram:123", AdminCommand("deny", Subject("user", "telegram", "123"))),
        ("ALLOW user Telegram:123", AdminCommand("allow", Subject("user", "telegram", "123"))),
        ("deny chat telegram:-100", AdminCommand("deny", Subject("chat", "telegram", "-100"))),
        ("grant editor role discord:77", AdminCommand("grant", Subject("role", "discord", "77"), "editor")),
        ("запретить чат telegram:-100", AdminCommand("deny", Subject("chat", "telegram", "-100"))),
        ("отобрать editor telegram:5", AdminCommand("revoke", Subject("user", "telegram", "5"), "editor")),
        ("снять сервер discord:9", AdminCommand("lift", Subject("guild", "discord", "9"))),
    ],
)
def test_parses_both_languages(text: str, command: AdminCommand) -> None:
    assert parse_admin_command(text) == command


@pytest.mark.parametrize(
    "text",
    [
        "", "deny", "deny 123", "deny telegram:", "deny :123", "deny everybody telegram:1",
        "deny telegram:1 telegram:2", "grant telegram:1", "grant Ed1tor telegram:1", "grant editor", "list all",
        "deny chat", "ban telegram:1", "grant editor chat role telegram:1",
    ],
)  # fmt: skip
def test_invalid_command_is_none(text: str) -> None:
    assert parse_admin_command(text) is None


@given(st.sampled_from(sorted(set(VERBS.values()) - {"list"})), SUBJECTS, ROLES)
def test_str_is_parsed_to_the_same_command(verb: str, subject: Subject, role: str) -> None:
    command = AdminCommand(verb, subject, role if verb in ROLE_VERBS else "")  # type: ignore[arg-type]
    assert parse_admin_command(str(command)) == command


@given(st.text())
def test_any_text_is_parsed_or_none(text: str) -> None:
    command = parse_admin_command(text)
    assert command is None or parse_admin_command(str(command)) == command
