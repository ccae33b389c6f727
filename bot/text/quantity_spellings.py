"""One spelling for quantities that people write in several ways: half an hour, 30 minutes; km², square kilometres."""

from __future__ import annotations

import re
from typing import Final

_AREA: Final = r"(?P<unit>mm|cm|dm|km|m|мм|см|дм|км|м)"
_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), spelling)
    for pattern, spelling in (
        (rf"(?<=\d)\s?{_AREA}\s?[²2](?![\w.,]\w)(?!\w)", r" square \g<unit>"),
        (rf"(?<=\d)\s?{_AREA}\s?[³3](?![\w.,]\w)(?!\w)", r" cubic \g<unit>"),
        (r"\b(?:sq|кв)\.?\s?(?=(?:mm|cm|dm|km|m|ft|мм|см|дм|км|м)\b)", "square "),
        (r"\b(?:cu|куб)\.?\s?(?=(?:mm|cm|dm|km|m|ft|мм|см|дм|км|м)\b)", "cubic "),
        (r"(?<=[a-zа-я])/(?:sec|s)\b", " per second"),
        (r"(?<=[a-zа-я])/(?:min)\b", " per minute"),
        (r"(?<=[a-zа-я])/h\b", " per hour"),
        (r"(?<=[a-zа-я])/(?:сек|с)\b", " в секунду"),
        (r"(?<=[a-zа-я])/мин\b", " в минуту"),
        (r"(?<=[a-zа-я])/ч\b", " в час"),
        (r"\bthree[- ]quarters\s+of\s+an\s+hour\b", "45 minutes"),
        (r"\bquarter\s+of\s+an\s+hour\b|\bquarter[- ]hour\b", "15 minutes"),
        (r"\bhalf\s+an\s+hour\b|\bhalf[- ]hour\b", "30 minutes"),
        (r"\bhalf\s+a\s+year\b|\bhalf[- ]year\b", "6 months"),
        (r"\ba\s+fortnight\b", "2 weeks"),
        (r"\bhalf\s+a\s+dozen\b", "6"),
        (r"\b(?:a|one)\s+dozen\b", "12"),
        (r"\bтри\s+четверти\s+часа\b", "45 минут"),
        (r"\bчетверт(?:ь|и|ью)\s+часа\b", "15 минут"),
        (r"\bпол(?:у)?часа\b", "30 минут"),
        (r"\bпол(?:у)?года\b", "6 месяцев"),
        (r"\bполдюжины\b", "6"),
        (r"\bдюжин[аыуе]\b", "12"),
        (r"\btwice\b(?!\s+(?:as|the)\b)", "2 times"),
        (r"\bthrice\b", "3 times"),
        (r"\bonce\s+(?=(?:a|an|per|every)\b)", "1 time "),
        (r"\bдважды\b", "2 раза"),
        (r"\bтрижды\b", "3 раза"),
        (
            r"(?<=[а-я,]\s)(?<!один\s)(?<!одного\s)(?<![иьа]\s)раз(?=\s+в\s+(?:день|сутки|неделю|месяц|год|час)\b)",
            "1 раз",
        ),
    )
)
_AFTER_NOON: Final = re.compile(r"\b(\d{1,2})(?:[:.](\d\d))?\s?(a|p)\.?\s?m\b\.?", re.IGNORECASE)
_LEADING_ZERO: Final = re.compile(r"(?<![\d:.,-])0(?=\d:\d\d(?![\d:]))")


def unify_spellings(text: str) -> str:
    """A text with one spelling of its quantities, so that the same amount reads the same."""
    text = _AFTER_NOON.sub(_time_of_day, text)
    text = _LEADING_ZERO.sub("", text)
    for pattern, spelling in _RULES:
        text = pattern.sub(spelling, text)
    return text


def _time_of_day(match: re.Match[str]) -> str:
    """10:40 pm as 22:40; what is no time stays."""
    hour, minutes, half = int(match[1]), match[2] or "00", match[3].lower()
    if not 1 <= hour <= 12 or int(minutes) > 59:
        return match[0]
    return f"{hour % 12 + (12 if half == 'p' else 0)}:{minutes}"
