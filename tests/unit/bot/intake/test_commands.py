import pytest

from bot.core.errors import UnknownCommand
from bot.core.i18n import LANGUAGES, Translator
from bot.intake.commands import COMMANDS, CommandRegistry, CommandResult


def test_the_commands_people_know_are_all_there() -> None:
    assert {command.name for command in COMMANDS} >= {
        "start", "help", "mode", "modes", "new", "retry", "stop", "remember", "memory", "forget", "export", "link",
        "lang", "privacy", "admin",
    }  # fmt: skip


def test_an_unknown_command_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownCommand) as refused:
        COMMANDS.find("mdoe")
    assert "/mode" in str(refused.value)


def test_what_is_for_admins_is_not_there_for_others() -> None:
    assert COMMANDS.find("admin", include_admin=True).name == "admin"
    for name in ("admin", "adminn"):
        with pytest.raises(UnknownCommand) as refused:
            COMMANDS.find(name)
        assert "/admin" not in str(refused.value.details["nearest"])
    assert {c.name for c in COMMANDS.visible(include_admin=True)} - {c.name for c in COMMANDS.visible()} == {"admin"}


def test_summaries_and_usages_fit_a_menu() -> None:
    for command in COMMANDS:
        for language in LANGUAGES:
            assert 0 < len(Translator(language)(command.summary)) <= 100
        assert command.usage.startswith(f"/{command.name}")


def test_a_name_is_given_once() -> None:
    registry: CommandRegistry[None] = CommandRegistry()

    async def run(_context: None, _argument: str) -> CommandResult:
        return CommandResult("")

    registry.command("go", "goes")(run)
    with pytest.raises(ValueError, match="go"):
        registry.command("go", "goes again")(run)
