import pytest

from bot.turns.commands import COMMANDS, Registry, Said
from bot.turns.errors import UnknownCommand


def test_the_commands_people_know_are_all_there() -> None:
    assert {command.name for command in COMMANDS} >= {
        "mode", "modes", "new", "remember", "memory", "forget", "help", "lang", "stop",
    }  # fmt: skip


def test_an_unknown_command_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownCommand) as refused:
        COMMANDS["mdoe"]
    assert "/mode" in str(refused.value)


def test_a_name_is_given_once() -> None:
    registry: Registry[None] = Registry()

    async def run(_context: None, _argument: str) -> Said:
        return Said("")

    registry.command("go", "goes")(run)
    with pytest.raises(ValueError, match="go"):
        registry.command("go", "goes again")(run)
