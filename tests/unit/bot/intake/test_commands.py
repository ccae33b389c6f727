import re

import pytest

from bot.core.errors import UnknownCommand
from bot.core.i18n import LANGUAGES, Translator
from bot.intake.commands import COMMANDS, Command, CommandRegistry, CommandResult


async def run(_context: None, _argument: str) -> CommandResult:
    return CommandResult("")


def test_all_commands_are_registered_in_the_order_of_help() -> None:
    assert [command.name for command in COMMANDS] == [
        "start", "help", "new", "retry", "stop", "lang", "mode", "modes", "consilium", "remember", "memory", "forget",
        "library", "sources", "why", "link", "export", "privacy", "admin",
    ]  # fmt: skip


def test_unknown_command_suggests_the_nearest() -> None:
    with pytest.raises(UnknownCommand) as refusal:
        COMMANDS.find("mdoe")
    assert "/mode" in str(refusal.value)


def test_admin_commands_are_hidden_from_others() -> None:
    assert COMMANDS.find("admin", include_admin=True).name == "admin"
    for name in ("admin", "adminn"):
        with pytest.raises(UnknownCommand) as refusal:
            COMMANDS.find(name)
        assert "/admin" not in str(refusal.value.details["nearest"])
    assert {c.name for c in COMMANDS.visible(include_admin=True)} - {c.name for c in COMMANDS.visible()} == {"admin"}


def test_summaries_and_usages_fit_a_menu() -> None:
    for command in COMMANDS:
        for language in LANGUAGES:
            assert 0 < len(Translator(language)(command.summary)) <= 100
            assert command.localized_usage(Translator(language)).startswith(f"/{command.name}")
        assert command.usage == command.localized_usage(Translator("en"))


def test_russian_usages_have_no_english_placeholders() -> None:
    for command in COMMANDS:
        if command.name != "lang":
            usage = command.localized_usage(Translator("ru")).removeprefix(f"/{command.name}")
            assert not re.search(r"[A-Za-z]{2,}", usage)


def test_usage_with_and_without_arguments() -> None:
    assert Command(name="go", summary="goes", run=run).usage == "/go"
    command = Command(name="go", summary="goes", arguments="[N TEXT]", run=run)
    assert command.usage == "/go [N TEXT]"
    assert command.localized_usage(Translator("ru")) == "/go [N ТЕКСТ]"


def test_duplicate_name_is_rejected() -> None:
    registry: CommandRegistry[None] = CommandRegistry()
    other: CommandRegistry[None] = CommandRegistry()
    registry.command("go", "goes")(run)
    other.command("go", "goes again")(run)
    with pytest.raises(ValueError, match="go"):
        registry.command("go", "goes again")(run)
    with pytest.raises(ValueError, match="go"):
        registry.include(other)


def test_included_commands_come_last() -> None:
    registry: CommandRegistry[None] = CommandRegistry()
    other: CommandRegistry[None] = CommandRegistry()
    registry.command("go", "goes")(run)
    other.command("come", "comes")(run)
    registry.include(other)
    assert [command.name for command in registry] == ["go", "come"]
    assert [command.name for command in other] == ["come"]
