"""Citations: which sentence of an answer the library bears out, by rule. No model is asked."""

from bot.recall.library.cite.citer import Citer, without_marks
from bot.recall.library.cite.evidence import Evidence, borne_out_by, evidence_of
from bot.recall.library.cite.quoting import Quotation, quote
from bot.recall.library.cite.sentences import sentences

__all__ = ["Citer", "Evidence", "Quotation", "borne_out_by", "evidence_of", "quote", "sentences", "without_marks"]
