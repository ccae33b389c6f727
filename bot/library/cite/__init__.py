"""Citations: which sentence of an answer the library bears out, by rule. No model is asked."""

from bot.library.cite.citer import Citer, strip_marks
from bot.library.cite.evidence import Evidence, collect_evidence, supporting_evidence
from bot.library.cite.quotation import Quotation, best_quotation
from bot.text.sentences import split_sentences

__all__ = [
    "Citer",
    "Evidence",
    "Quotation",
    "best_quotation",
    "collect_evidence",
    "split_sentences",
    "strip_marks",
    "supporting_evidence",
]
