"""A real terminal: what is typed while an answer streams is for the next prompt and does not mix into the answer."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-_])")
ROOT = Path(__file__).parents[4]
PROGRAM = """
import asyncio, logging, pathlib, signal, sys
from bot.channels.console.terminal import run_terminal_chat
from bot.core.messages import Outcome

class Talk:
    commands = ()
    inbox = property(lambda self: self)

    async def current_mode(self, incoming):
        return "core"

    async def stop(self, incoming):
        self.stopped.set()

    async def answer(self, incoming, reply):
        self.go, self.stopped = asyncio.Event(), asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.go.set)
        await reply.start("core")
        await reply.write("Heard: " + incoming.text + "! ")
        if incoming.text.startswith("slow"):
            waits = [asyncio.create_task(event.wait()) for event in (self.go, self.stopped)]
            _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in pending:
                wait.cancel()
            await reply.write("stopped. " if self.stopped.is_set() else "The end. ")
        if incoming.text == "leave a task":
            loop = asyncio.get_running_loop()
            loop.call_later(0.05, loop.call_exception_handler, {"message": "Task was destroyed but it is pending!"})
        outcome = Outcome("core", "")
        await reply.finish(outcome)
        return outcome

folder = pathlib.Path(sys.argv[1])
logging.basicConfig(filename=folder / "log")
asyncio.run(run_terminal_chat(Talk(), "ann", "en", title="Test", modes=["core"], history=folder / "history"))
"""


@dataclass
class Terminal:
    """A program on a terminal, all that the terminal has shown, and how much of it a test has read."""

    process: subprocess.Popen[bytes]
    master: int
    slave: int
    shown: bytes = field(default=b"")
    read: int = 0

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    @property
    def text(self) -> str:
        """What was shown, without control sequences."""
        return CONTROL.sub("", self.shown.decode(errors="replace"))

    def read_until(self, text: str) -> str:
        """Read on, as far as the end of this text; what was read. Nothing is read twice, and nothing is skipped."""
        deadline = time.monotonic() + 30
        while (found := self.text.find(text, self.read)) < 0:
            ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"{text!r} is not in {self.text[self.read :]!r}")
            self.shown += os.read(self.master, 4096)
        start, self.read = self.read, found + len(text)
        return self.text[start : self.read]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "COLUMNS": "80",
    }
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    yield Terminal(process, master, slave)
    process.kill()
    process.wait()
    os.close(master)
    os.close(slave)


def test_keys_pressed_during_an_answer_are_the_next_messages(terminal: Terminal) -> None:
    attributes = termios.tcgetattr(terminal.slave)
    terminal.read_until("core ›")
    terminal.type("slow one\r")
    terminal.read_until("Heard: slow one!")
    terminal.type("second\rthird\rhalf a li")
    terminal.process.send_signal(signal.SIGUSR1)
    assert terminal.read_until("The end.") == " The end."
    terminal.read_until("Heard: second!")
    terminal.read_until("Heard: third!")
    terminal.read_until("half a li")
    terminal.type("ne\r")
    terminal.read_until("Heard: half a line!")
    terminal.read_until("core ›")
    terminal.type("\x04")
    assert terminal.process.wait(30) == 0
    assert termios.tcgetattr(terminal.slave) == attributes


def test_control_c_still_stops_an_answer(terminal: Terminal) -> None:
    terminal.read_until("core ›")
    terminal.type("slow one\r")
    terminal.read_until("Heard: slow one!")
    terminal.type("next\r\x03")
    terminal.read_until("stopped.")
    terminal.type("again\r")
    terminal.read_until("Heard: again!")


def test_an_error_elsewhere_in_the_loop_does_not_break_into_a_prompt(terminal: Terminal, tmp_path: Path) -> None:
    terminal.read_until("core ›")
    terminal.type("leave a task\r")
    terminal.read_until("Heard: leave a task!")
    terminal.read_until("core ›")
    terminal.type("and go")
    deadline = time.monotonic() + 30
    while "was destroyed" not in (tmp_path / "log").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    terminal.type(" on\r")
    terminal.read_until("Heard: and go on!")
    assert "Press ENTER" not in terminal.text
