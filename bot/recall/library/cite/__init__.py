"""Citations: which sentence of an answer the library bears out, by rule. No model is asked."""

from bot.recall.library.cite.citer import Citer, strip_marks
from bot.recall.library.cite.evidence import Evidence, collect_evidence, supporting_evidence
from bot.recall.library.cite.quoting import Quotation, best_quotation
from bot.recall.library.cite.sentences import split_sentences

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
