"""Whether a mind is its author: what its adapters have learnt, what they have spoilt, and the limits of both."""

from bot.authoring.evaluation.breaches import Breach, breaches
from bot.authoring.evaluation.figures import Evaluation, read_evaluation, write_evaluation

__all__ = ["Breach", "Evaluation", "breaches", "read_evaluation", "write_evaluation"]
