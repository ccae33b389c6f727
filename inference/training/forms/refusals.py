"""Why a record, or a file, is not read: what is wrong, with the name of the field, and what to write instead."""

from __future__ import annotations

import json
import unicodedata
from typing import Final

from consilium.errors import N_
from inference.training.errors import RecordRefused

_EXCERPT_LENGTH: Final = 60


def excerpt(text: str) -> str:
    """`text` as an error may repeat it: printable, on one line, short."""
    clean = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[: _EXCERPT_LENGTH * 4])
    clean = " ".join(clean.split())
    return clean if len(clean) <= _EXCERPT_LENGTH else clean[: _EXCERPT_LENGTH - 1] + "…"


def _json_excerpt(value: object) -> str:
    try:
        return excerpt(json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError):  # a number of thousands of digits, or lists too deep
        return "…"


class FileNotFound(RecordRefused):
    sentence = N_("there is no such file.")
    remedy = N_("Correct the path, or write the file.")


class FileNotOpened(RecordRefused):
    """The file system does not hand it over."""

    sentence = N_("it cannot be opened ({reason}).")
    remedy = N_("Check that it is a file and may be read.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class NotUtf8(RecordRefused):
    sentence = N_("byte {position} is not UTF-8.")
    remedy = N_("Save the file as text in UTF-8.")

    def __init__(self, position: int) -> None:
        super().__init__(position=position)


class NotATextFile(RecordRefused):
    """The file is of a known kind that is not read."""

    sentence = N_("it is a {format} file, which training does not read.")
    remedy = N_("Save its dialogues as JSON Lines, a JSON array or CSV, not packed, in UTF-8.")

    def __init__(self, format: str) -> None:  # noqa: A002 - the name that the template has
        super().__init__(format=format)


class NotJson(RecordRefused):
    sentence = N_("it is not JSON at column {column} ({reason}).")
    remedy = N_("Write each dialogue as one JSON object on a line of its own, or all of them as one JSON array.")

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(column=column, reason=reason)


class NotAnObject(RecordRefused):
    """A record is a number, a string or the like."""

    sentence = N_("it has no “messages”: {found} is not a JSON object.")
    remedy = N_('Write {{"messages": [{{"role": "user", "content": "…"}}, {{"role": "assistant", "content": "…"}}]}}.')

    def __init__(self, found: object) -> None:
        super().__init__(found=_json_excerpt(found))


class UnknownForm(RecordRefused):
    """A record has the fields of no known form."""

    sentence = N_("it has no “messages”, nor the fields of another known form; it has {found}.")
    remedy = NotAnObject.remedy

    def __init__(self, fields: list[str]) -> None:
        names = ", ".join(f"“{excerpt(name)}”" for name in fields[:8])
        super().__init__(found=f"{names}, …" if len(fields) > 8 else names or "{}")


class PlainText(RecordRefused):
    """Text in which no question and no answer are marked."""

    sentence = N_("“{field}” is text in which question and answer are not told apart.")
    remedy = NotAnObject.remedy

    def __init__(self, field: str) -> None:
        super().__init__(field=field)


class MissingField(RecordRefused):
    """A field that the record needs is not there."""

    sentence = N_("“{field}” is missing.")
    remedy = N_("Write {example}.")

    def __init__(self, field: str, example: str) -> None:
        super().__init__(field=field, example=example)


class EmptyField(RecordRefused):
    sentence = N_("“{field}” is empty.")
    remedy = N_("Write what is said there, or leave out the dialogue.")

    def __init__(self, field: str) -> None:
        super().__init__(field=field)


class WrongValue(RecordRefused):
    """A field holds a value of another type than it should, or one that has no meaning there."""

    sentence = N_("“{field}” cannot be {found}.")
    remedy = N_("Write {example}.")

    def __init__(self, field: str, found: object, example: str) -> None:
        super().__init__(field=field, found=_json_excerpt(found), example=example)


class BrokenCharacter(RecordRefused):
    """Half of a pair that writes one character, such as an emoji."""

    sentence = N_("“{field}” has half of a character, {code}.")
    remedy = N_("Write the whole character, or take the half out.")

    def __init__(self, field: str, code: str) -> None:
        super().__init__(field=field, code=code)


class UnknownRole(RecordRefused):
    sentence = N_("“{field}”: the role is {role}, which is not known.")
    remedy = N_("Write user, assistant or system.")

    def __init__(self, field: str, role: object) -> None:
        super().__init__(field=field, role=_json_excerpt(role))


class ToolUse(RecordRefused):
    """Calls of tools. Without them, an answer that rests on what a tool returned would be learnt as a guess."""

    sentence = N_("“{field}”: calls of tools and their results are not learnt.")
    remedy = N_("Leave out this dialogue, or write it without tools, with all that is said as text.")

    def __init__(self, field: str) -> None:
        super().__init__(field=field)


class NotText(RecordRefused):
    """Images, sound or other files."""

    sentence = N_("“{field}” is of the kind “{kind}”, and only text is learnt.")
    remedy = N_("Say in words what it shows, or leave out this dialogue.")

    def __init__(self, field: str, kind: str) -> None:
        super().__init__(field=field, kind=excerpt(kind))


class PreferenceData(RecordRefused):
    """A better and a worse answer: that is learnt by other methods than ours."""

    sentence = N_("“{field}” belongs to preference data, from which training here does not learn.")
    remedy = N_('Write the better answer alone: {{"prompt": "…", "completion": "…"}}.')

    def __init__(self, field: str) -> None:
        super().__init__(field=field)


class PartlyLearnt(RecordRefused):
    sentence = N_("“{field}” marks parts of an answer, and an answer is learnt whole or not at all.")
    remedy = N_('Write "weight": 0 beside an answer that is not to be learnt.')

    def __init__(self, field: str) -> None:
        super().__init__(field=field)


class Contradiction(RecordRefused):
    """Two fields say the same thing differently."""

    sentence = N_("“{first}” and “{second}” say different things about the same.")
    remedy = N_("Leave one of them out.")

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first=first, second=second)


class NotInTurns(RecordRefused):
    """User and assistant do not take turns."""

    sentence = N_("user and assistant must take turns, and message {number} is again the {role}'s.")
    remedy = N_("Join the two messages into one, or write what was said between them.")

    def __init__(self, number: int, role: str) -> None:
        super().__init__(number=number, role=role)


class BeginsWithAnswer(RecordRefused):
    sentence = N_("user and assistant must take turns, and the assistant begins.")
    remedy = N_("Write the question before it, or leave the first message out.")


class EndsWithQuestion(RecordRefused):
    sentence = N_("user and assistant must take turns, and the assistant does not end.")
    remedy = N_("Write the answer to the last question, or leave the question out.")


class MisplacedSystem(RecordRefused):
    sentence = N_("message {number} is the system's, and only the first may be.")
    remedy = N_("Put it first, or leave it out.")

    def __init__(self, number: int) -> None:
        super().__init__(number=number)


class BrokenTable(RecordRefused):
    """The rules of CSV are not kept."""

    sentence = N_("it is not CSV ({reason}).")
    remedy = N_("Put cells with quotes, delimiters or line ends between quotes, and write each quote in them twice.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class WrongCells(RecordRefused):
    sentence = N_("the row has another number of cells than the header: {found} and {expected}.")
    remedy = N_("Put cells with delimiters in them between quotes.")

    def __init__(self, found: int, expected: int) -> None:
        super().__init__(found=found, expected=expected)


class UnknownColumns(RecordRefused):
    sentence = N_("the header has no column of questions with one of answers; it has {found}.")
    remedy = N_("Name them question and answer.")

    def __init__(self, columns: list[str]) -> None:
        names = ", ".join(f"“{excerpt(name)}”" for name in columns[:8])
        super().__init__(found=f"{names}, …" if len(columns) > 8 else names)


class RepeatedColumn(RecordRefused):
    sentence = N_("the header has the column “{column}” twice.")
    remedy = N_("Leave one of them out.")

    def __init__(self, column: str) -> None:
        super().__init__(column=excerpt(column))
