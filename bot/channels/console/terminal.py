"""A conversation in a terminal: a prompt with completion, and answers wrapped at words while they are generated."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory
from prompt_toolkit.patch_stdout import patch_stdout
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from bot.channels.console.pipe import PLACE, PLATFORM
from bot.channels.console.rendering import print_table, source_lines
from bot.channels.console.saved_files import save_files
from bot.channels.console.typed_ahead import TypedAhead
from bot.core.i18n import Language, Translator
from bot.core.messages import Incoming, Outcome
from bot.intake.inline import InlineResponder


class TerminalReply:
    """Streams the answer under a dim heading that names the mode."""

    def __init__(self, console: Console, stop_spinner: Callable[[], None], say: Translator) -> None:
        self._console = console
        self._translate = say
        self._stop_spinner = stop_spinner
        self._word_wrap = WordWrap(console.width)
        self._mode = ""
        self._written = False
        self._has_thought = False

    async def show_queue_position(self, ahead: int) -> None:
        """Nothing: the prompt comes back after each answer, so there is no queue."""

    async def show_status(self, text: str) -> None:
        """Nothing: console messages bring no documents whose reading takes time."""

    async def start(self, mode: str) -> None:
        """The heading is printed with the first piece; until then the spinner runs."""
        self._mode = mode

    async def write_thought(self, text: str) -> None:
        """Print it dim, before the heading of the answer."""
        self._stop_spinner()
        mark = "" if self._has_thought else "💭 "
        self._has_thought = True
        self._console.print(Text(f"{mark}{text}", style="dim italic"), end="", soft_wrap=True)

    async def write(self, text: str) -> None:
        if not self._written:
            self._stop_spinner()
            if self._has_thought:
                self._console.print("\n")
            self._console.print(Text(self._mode, style="dim"))
            self._written = True
        self._print(self._word_wrap.feed(text))

    async def finish(self, outcome: Outcome) -> None:
        self._stop_spinner()
        outcome = await save_files(outcome, self._translate)
        if self._written:
            self._print(f"{self._word_wrap.flush()}\n")
        elif outcome.answer:
            self._console.print(Text(outcome.answer))
        for line in source_lines(outcome):
            self._console.print(Text(line, style="dim"))
        if outcome.table:
            print_table(self._console, outcome.table)
        if outcome.error:
            self._console.print(Text(outcome.error, style="yellow"))
        if outcome.notice:
            self._console.print(Text(outcome.notice, style="dim"))
        self._console.print()

    async def close(self) -> None:
        self._stop_spinner()

    def _print(self, text: str) -> None:
        self._console.print(Text(text), end="", soft_wrap=True)


class CommandCompleter(Completer):
    """Completes commands, and modes after `/mode`."""

    def __init__(self, commands: Iterable[tuple[str, str]], modes: Iterable[str]) -> None:
        self._commands = tuple(commands)
        self._modes = tuple(modes)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        typed = document.text_before_cursor
        if not typed.startswith("/"):
            return
        name, space, argument = typed[1:].partition(" ")
        if not space:
            for command, summary in self._commands:
                if command.startswith(name):
                    yield Completion(f"/{command}", start_position=-len(typed), display_meta=summary)
        elif name == "mode":
            prefix = argument.replace(" ", "").rpartition("+")[2]
            for mode in self._modes:
                if mode.startswith(prefix):
                    yield Completion(mode, start_position=-len(prefix))


async def run_terminal_chat(
    responder: InlineResponder,
    person: str,
    language: Language | None,
    *,
    title: str,
    modes: Iterable[str],
    history: Path,
) -> bool:
    """Chat until Ctrl-D; False when the service failed to answer a message."""
    console = Console(highlight=False)
    say = Translator(language or "en")
    history.parent.mkdir(parents=True, exist_ok=True)
    commands = [(command.name, say(command.summary)) for command in responder.inbox.commands]
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(history)), completer=CommandCompleter(commands, modes), complete_while_typing=True
    )

    def incoming(text: str) -> Incoming:
        return Incoming(PLATFORM, person, PLACE, text, language, counts_toward_limits=False)

    console.print(Text(title, style="bold"))
    console.print(Text(say("/help shows what you can do; Ctrl-C stops an answer, Ctrl-D leaves."), style="dim"))
    console.print()
    typed_ahead = TypedAhead()

    async def next_message() -> str:
        """What was typed during the last answer, or what is typed at a prompt."""
        mode = await responder.inbox.current_mode(incoming(""))
        line = typed_ahead.next_line()
        if line is not None:
            console.print(Text.assemble((mode, "cyan"), " › ", line))
            session.history.append_string(line)
            return line
        prompt = FormattedText([("ansicyan", mode), ("", " › ")])
        with patch_stdout():
            # What goes wrong elsewhere in the loop is for the log: the library's own handler would show it in the
            # middle of the line being typed, and wait for Enter.
            return await session.prompt_async(prompt, default=typed_ahead.take_beginning(), set_exception_handler=False)

    succeeded = True
    # From here on nothing is echoed but by a prompt: keys pressed during an answer are for the next one.
    with typed_ahead.quiet():
        while True:
            try:
                text = await next_message()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return succeeded
            if text.strip():
                outcome = await _answer_with_spinner(responder, incoming(text), console, say)
                succeeded = succeeded and not outcome.is_service_error


async def _answer_with_spinner(
    responder: InlineResponder, message: Incoming, console: Console, say: Translator
) -> Outcome:
    loop = asyncio.get_running_loop()
    spinner = console.status(Text(say("thinking …"), style="dim"))
    spinner.start()
    try:
        async with asyncio.TaskGroup() as group:
            loop.add_signal_handler(signal.SIGINT, lambda: group.create_task(responder.inbox.stop(message)))
            outcome = await responder.answer(message, TerminalReply(console, spinner.stop, say))
            loop.remove_signal_handler(signal.SIGINT)
        return outcome
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        spinner.stop()


class WordWrap:
    """Wraps a streamed answer at words, piece by piece.

    A word is held back until it is complete; a word wider than a line is left to the terminal.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._column = 0
        self._spaces = ""
        self._word = ""

    def feed(self, text: str) -> str:
        """Add a piece of text; what can be shown now."""
        ready = []
        for character in text:
            if not character.isspace():
                self._word += character
                continue
            ready.append(self._flush_word())
            if character == "\n":
                ready.append("\n")
                self._column, self._spaces = 0, ""
            else:
                self._spaces += character
        return "".join(ready)

    def flush(self) -> str:
        """The word that was held back."""
        return self._flush_word()

    def _flush_word(self) -> str:
        word, self._word = self._word, ""
        if not word:
            return ""
        spaces, self._spaces = self._spaces, ""
        length = cell_len(word)
        if self._column and self._column + len(spaces) + length > self._width:
            self._column = length
            return f"\n{word}"
        self._column += len(spaces) + length
        return spaces + word
