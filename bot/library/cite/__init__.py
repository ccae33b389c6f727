"""Citations: which sentences of an answer the library supports. Decided by rules, without a model."""

from bot.library.cite.asked_question import NOTHING_BEFORE, SaidBefore
from bot.library.cite.citer import Citer
from bot.library.cite.evidence import Evidence, collect_evidence, supporting_evidence
from bot.library.cite.marks import strip_marks
from bot.library.cite.quotation import Quotation, best_quotation

__all__ = [
    "NOTHING_BEFORE",
    "Citer",
    "Evidence",
    "Quotation",
    "SaidBefore",
    "best_quotation",
    "collect_evidence",
    "strip_marks",
    "supporting_evidence",
]
